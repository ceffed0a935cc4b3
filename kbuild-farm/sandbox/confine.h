/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/confine.h - System call filter and Landlock rules of a job.
 *
 * Landlock (landlock(7)) enforces the isolation a second time, in another part
 * of the kernel: a job can read and execute all files, and write only to its
 * two directories and to the files in /dev.  With Landlock ABI 4 or later, a
 * job can neither bind nor connect a TCP socket.
 *
 * The seccomp filter denies the system calls in sandbox/syscalls.inc and allows
 * all others, because unknown toolchains must run.  Isolation rests on the
 * namespaces, the lack of capabilities and the read-only input root; the filter
 * closes kernel interfaces with a history of vulnerabilities.  On x86_64 the
 * filter also covers i386, and on aarch64 it also covers arm, because a
 * toolchain can consist of 32-bit programs; on riscv64 it covers only riscv64.
 * Calls of any other architecture, including x32, kill the process.
 */
#ifndef SANDBOX_CONFINE_H
#define SANDBOX_CONFINE_H

#include <linux/filter.h>
#include <stddef.h>

/* Return the Landlock ABI version of the kernel, or 0 without Landlock. */
int sandbox_confine_landlock_abi(void);

/*
 * Confine the calling process permanently; no_new_privs must be set.  The
 * process can read and execute all files and write to the files in /dev.  Below
 * the paths of `writable_dirs`, which ends in NULL, it can do anything except
 * create devices, sockets and FIFOs.  The process can be a fork of a program
 * with threads.  Returns 0 or a negative errno.  If `abi` is 0, the function
 * does nothing and returns 0.
 */
int sandbox_confine_apply_landlock(int abi, const char *const *writable_dirs);

#define SANDBOX_SECCOMP_OPS_MAX 1024

/*
 * Write the filter for this machine to `out`.  Returns the number of
 * instructions, or -ENOSYS for an unsupported architecture.
 */
int sandbox_confine_build_seccomp(
	struct sock_filter out[static SANDBOX_SECCOMP_OPS_MAX]);
/*
 * Install the filter on the calling thread permanently; no_new_privs must be
 * set.  The process can be a fork of a program with threads.  Returns 0 or a
 * negative errno.
 */
int sandbox_confine_apply_seccomp(const struct sock_filter *filter,
				  size_t n_filter);

#endif

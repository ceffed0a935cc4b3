/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/seccomp.h - the system calls that a job cannot make.
 *
 * A list of what is refused (cell/calls.inc), not of what is allowed: an
 * unknown toolchain must run, and the namespaces, the lack of capabilities
 * and the read-only view are what holds; this closes the doors to the parts
 * of the kernel where its holes were found.  Both architectures of a machine
 * are looked at (x86_64 and i386, aarch64 and arm), since a toolchain may be
 * built for the smaller one, or at riscv64; any other is killed, x32 too.
 */
#ifndef CELL_SECCOMP_H
#define CELL_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>

#define CELL_SECCOMP_MAX 1024

/*
 * Write the filter for this machine into `out`: the number of instructions,
 * or -ENOSYS where its architecture is none of these.
 */
int cell_seccomp_make(struct sock_filter out[static CELL_SECCOMP_MAX]);
/*
 * Put it on the calling thread, for good; no_new_privs must be set.  Safe
 * after a fork.  Returns 0 or a negative errno.
 */
int cell_seccomp_enter(const struct sock_filter *filter, size_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/user.h - Namespaces, root directory and credentials of a sandbox.
 *
 * This code runs in a fork of a program with threads.  It therefore uses only
 * system calls and snprintf() of numbers and strings, allocates nothing and
 * takes no lock.
 */
#ifndef SANDBOX_USER_H
#define SANDBOX_USER_H

#include "sandbox/msg.h"

#include <stdbool.h>
#include <stdint.h>

/* Limits of the input root; see struct sandbox_limits. */
struct sandbox_user_limits {
	uint64_t input_root_bytes;
	uint32_t input_root_files;
};

/*
 * Create and enter mount, IPC, UTS and network namespaces.  Also create a PID
 * namespace; the next child of the process becomes its PID 1.  Call
 * sandbox_user_enter() first.  Returns 0, or a negative errno with the failed
 * operation in `m`.
 */
int sandbox_user_unshare(struct sandbox_msg *m);

/*
 * As PID 1, set the host name, mount the tmpfs and the device nodes, and call
 * pivot_root().  Returns 0 with the descriptors of the input root and of the
 * stage, or a negative errno with the failed operation in `m`.
 * m->hostname_hidden is 0 if the system call filter of a container forbids
 * sethostname(2); jobs then see the host name of the container.
 */
int sandbox_user_mount_root(const struct sandbox_user_limits *limits, int *root,
			    int *stage, struct sandbox_msg *m);

/*
 * Mount a tmpfs with mode 0755, limited to `bytes` and `files`.  Returns the
 * result of mount(2).
 */
int sandbox_user_mount_tmpfs(const char *name, const char *target,
			     unsigned long flags, uint64_t bytes,
			     uint32_t files);
/*
 * Record in `m` that the operation `what` of the layer `layer` failed with
 * errno; return -errno.
 */
int sandbox_user_set_error(struct sandbox_msg *m, const char *layer,
			   const char *what);

/* uid and gid of the sandbox init inside its user namespace */
#define SANDBOX_USER_INSIDE_UID 1000

/*
 * Range of uids for the jobs of a sandbox, one uid per job.  It is used only
 * without user namespaces; otherwise n_uids is 0.
 */
struct sandbox_uid_range {
	unsigned first_uid, n_uids;
	unsigned start_offset; /* offset of this sandbox's first uid */
};

/*
 * Enter a user namespace that has no privileges on the node.  Returns 0, or a
 * negative errno with the failed operation in `m`.
 *
 * A process that runs as root changes to a uid that neither distributions nor
 * systemd nor containers allocate, so that the process owns no file on the
 * node.  If this uid is not mapped (in a container), the process changes to an
 * unallocated uid below 65536; if neither uid is mapped, the process remains
 * root.  It creates the user namespace before it changes the uid, because the
 * system may forbid other users to create one.
 *
 * If even root cannot create a user namespace (kernel configuration, sysctl),
 * the process changes to the same uid without a user namespace.  It retains
 * only the capabilities that a sandbox needs: to make namespaces and mounts, to
 * change to a job's uid, and to kill jobs.  The function stores the uids of the
 * jobs in `jobs`.  It fails if the process lacks one of these capabilities or
 * if no range of uids for jobs is mapped.
 */
int sandbox_user_enter(struct sandbox_uid_range *jobs, struct sandbox_msg *m);

/*
 * Restrict a daemon that runs as root.  Must be called before threads start.
 * The daemon retains the capabilities for making sandboxes and, if `low_port`
 * is set, the capability to listen below port 1024; it can never regain any
 * other capability.  Does nothing if the daemon does not run as root.  Returns
 * 0 or a negative errno.
 */
int sandbox_user_limit_capabilities(bool low_port);

/*
 * Change to uid and gid `id` and retain the capabilities.  Does nothing if `id`
 * is 0.  Returns 0, or a negative errno with the failed operation in `m`.
 */
int sandbox_user_become(unsigned id, struct sandbox_msg *m);
/*
 * Drop all capabilities permanently, including all ways to regain them.  `id`
 * is the uid that was passed to sandbox_user_become(); fails if the process
 * could change back to root.  Returns 0, or a negative errno with the failed
 * operation in `m`.
 */
int sandbox_user_drop_capabilities(unsigned id, struct sandbox_msg *m);

#endif

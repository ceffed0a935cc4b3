/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/user.h - Namespaces, root directory and credentials of a sandbox.
 *
 * This code runs in a fork of a program with threads: only system calls and
 * snprintf() of numbers; no allocation, no locks.
 */
#ifndef SANDBOX_USER_H
#define SANDBOX_USER_H

#include "sandbox/msg.h"

#include <stdbool.h>
#include <stdint.h>

struct sandbox_user_limits {
	uint64_t input_root_bytes;
	uint32_t input_root_files;
};

/*
 * Enter the new namespaces, after sandbox_user_enter().  The PID namespace
 * begins with the next child.  Returns 0, or a negative errno with the failed
 * operation in `m`.
 */
int sandbox_user_unshare(struct sandbox_msg *m);

/*
 * As PID 1, mount the tmpfs and the device nodes and call pivot_root.  Returns
 * 0 with the descriptors of the input root and of the stage, or a negative
 * errno with the failed operation in `m`.
 */
int sandbox_user_mount_root(const struct sandbox_user_limits *limits, int *root,
			    int *stage, struct sandbox_msg *m);

/* Reset all signal handlers and unblock all signals. */
void sandbox_user_reset_signals(void);
/* Mount a tmpfs of bounded size and mode 0755.  Returns like mount(2). */
int sandbox_user_mount_tmpfs(const char *name, const char *target,
			     unsigned long flags, uint64_t bytes,
			     uint32_t files);
/* Record the failed operation in `m`.  Returns -errno. */
int sandbox_user_set_error(struct sandbox_msg *m, const char *layer,
			   const char *what);

/* uid of jobs inside the user namespace, whatever it is outside */
#define SANDBOX_USER_INSIDE_UID 1000

/*
 * Range of uids for the jobs of a sandbox, one each, if there are no user
 * namespaces; otherwise n_uids is 0.
 */
struct sandbox_uid_range {
	unsigned first_uid, n_uids;
	unsigned start_offset; /* offset of this sandbox in the range */
};

/*
 * Enter a user namespace that is unprivileged outside.  Returns 0, or a
 * negative errno with the failed operation in `m`.
 *
 * root becomes a uid from a range that neither distributions nor systemd nor
 * containers allocate, so it owns nothing on the node.  If that uid is not
 * mapped (in a container), it becomes one in a gap below 65536; if root is the
 * only uid, it remains root.  root creates the user namespace before this
 * change, because the system may forbid it to others.
 *
 * If even root cannot make a user namespace (kernel configuration, sysctl), it
 * becomes that uid anyway, with only the capabilities that a sandbox needs: to
 * make namespaces and mounts, to change to a job's uid, to kill.  No other uid
 * is admitted.  `jobs` receives the uids of the jobs.
 */
int sandbox_user_enter(struct sandbox_uid_range *jobs, struct sandbox_msg *m);

/*
 * Restrict a daemon that runs as root, before it starts threads: it retains the
 * capabilities for making sandboxes, with `low_port` also the one to listen
 * below port 1024, and can never regain others.  Another user is left
 * unchanged.  Returns 0 or a negative errno.
 */
int sandbox_user_limit_capabilities(bool low_port);

/*
 * Return the uid of the job with index `job_index`, or 0 with user namespaces.
 */
unsigned sandbox_user_job_uid(const struct sandbox_uid_range *jobs,
			      size_t job_index);
/*
 * Change to uid and gid `id` and retain the capabilities.  Does nothing if `id`
 * is 0.
 */
int sandbox_user_become(unsigned id, struct sandbox_msg *m);
/*
 * Drop all capabilities permanently, including all ways to regain them.  `id`
 * is the uid of sandbox_user_become(), which cannot be changed afterwards.
 */
int sandbox_user_drop_capabilities(unsigned id, struct sandbox_msg *m);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/user.h - who the processes of a cell are, and what they may.
 *
 * As cell/space.h, this allocates nothing and takes no lock.
 */
#ifndef CELL_USER_H
#define CELL_USER_H

#include "cell/msg.h"

#include <stdbool.h>

/* The user that jobs are inside, whoever they are outside. */
#define CELL_USER_INNER 1000

/*
 * Where there are no user namespaces: the users that the jobs of a cell are,
 * each its own.  `n` is 0 where there are.
 */
struct cell_user_range {
	unsigned first, n;
	unsigned start; /* of this cell */
};

/*
 * Enter a user namespace, unprivileged outside.  Returns 0, or a negative
 * errno with what failed in `m`.
 *
 * The superuser becomes a user of no account: it is one in a range that
 * neither distributions nor systemd nor containers hand out, so nothing on the
 * node belongs to it; where there is no such number (in a container), one in
 * a gap below 65536; where the superuser is the only user, itself.  It makes
 * the user namespace before, since a system may let nobody else do that.
 *
 * Where not even the superuser may make one (a kernel without them, a sysctl),
 * it becomes that user all the same, and keeps of its power only what a cell
 * takes: to make namespaces and mounts, to become a job's user, to kill.
 * Nobody else gets in there.  `jobs` says who its jobs are.
 */
int cell_user_enter(struct cell_user_range *jobs, struct cell_msg *m);

/*
 * Of a daemon that runs as the superuser, before it has threads: it keeps those
 * of its capabilities that making cells takes, with `low_port` also that to
 * listen below 1024, and gets no other one back.  Any other user is left as it
 * is.  Returns 0 or a negative errno.
 */
int cell_user_limit(bool low_port);

/* The user of the job in place `i`. */
unsigned cell_user_of_job(const struct cell_user_range *jobs, size_t i);
/*
 * Become that user, and a group of that number, with the capabilities that
 * there are; nothing to be done for 0.
 */
int cell_user_become(unsigned id, struct cell_msg *m);
/*
 * Lose all capabilities for good, and what could bring them back; `id` as in
 * cell_user_become(), which cannot be left afterwards.
 */
int cell_user_drop(unsigned id, struct cell_msg *m);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/keeper.h - the process that is a cell: PID 1 of its PID namespace, so
 * that its end is the end of all jobs.
 *
 * It waits for messages (cell/msg.h) and for the ends of jobs, starts each
 * job as a child of its own, and kills it when its time is up.  It ends when
 * the socket does.
 */
#ifndef CELL_KEEPER_H
#define CELL_KEEPER_H

#include "cell/jail.h"
#include "cell/seccomp.h"
#include "cell/space.h"

#define CELL_KEEPER_JOBS    1024 /* at once */
#define CELL_KEEPER_STRINGS 16384 /* argv and env of one job */

struct cell_keeper_plan {
	int sock;
	bool counts; /* limits of processes are per user namespace */
	struct cell_space_limits space;
	struct cell_jail_limits job;
	struct sock_filter filter[CELL_SECCOMP_MAX];
	size_t filter_n;
};

/*
 * In a fresh fork: the first part of cell/space.h, then the keeper as our
 * child.  Exits with 0 when the keeper is there, 1 after BROKEN.
 */
void cell_keeper_main(const struct cell_keeper_plan *what)
	__attribute__((noreturn));

#endif

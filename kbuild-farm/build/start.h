/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/start.h - sets up what a build needs, and takes it down.
 */
#ifndef BUILD_START_H
#define BUILD_START_H

#include "build/run.h"

/*
 * Directories, the lock, the event loop, the log, the links and the
 * coordinator, in that order.  Returns 0 or a negative errno with `err` set;
 * build_start_end() what there is in any case.
 */
int build_start(struct build_run *run, const struct build_plan *plan,
		const struct node_roster *roster,
		const struct build_hooks *hooks, struct err *err);
/* Wait for the nodes (3 s at most) and decide on -j: 0 or -EINTR. */
int build_start_jobs(struct build_run *run);
/* End the coordinator and every process that is left of an interrupted
 * build; remove what was temporary. */
void build_start_end(struct build_run *run);

#endif

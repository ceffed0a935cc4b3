/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/start.h - sets up what a build needs, and takes it down.
 */
#ifndef KERNEL_START_H
#define KERNEL_START_H

#include "kernel/run.h"

/*
 * Directories, the lock, the event loop, the log, the links and the
 * coordinator, in that order.  Returns 0 or a negative errno with `err` set;
 * kernel_start_end() what there is in any case.
 */
int kernel_start(struct kernel_run *run, const struct kernel_plan *plan,
		 const struct node_roster *roster,
		 const struct kernel_hooks *hooks, struct err *err);
/* Wait for the nodes (3 s at most) and decide on -j: 0 or -EINTR. */
int kernel_start_jobs(struct kernel_run *run);
/* End the coordinator and every process that is left of an interrupted
 * build; remove what was temporary. */
void kernel_start_end(struct kernel_run *run);

#endif

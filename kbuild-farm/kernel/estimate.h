/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/estimate.h - what the last build of the same key lets one expect of
 * this one: its course and the costs of its jobs, for the views
 * (ui/estimate.h).
 */
#ifndef KERNEL_ESTIMATE_H
#define KERNEL_ESTIMATE_H

#include "events/hub.h"
#include "history/cost.h"

#define KERNEL_ESTIMATE_POINTS 50 /* at most */

/* A zeroed one knows nothing. */
struct kernel_estimate {
	struct history_costs costs;
};

/*
 * Look the build up by its key and tell EVENTS_ESTIMATE, if it is fresh, and
 * the history has a good one that was.  What cannot be read is not known.
 */
void kernel_estimate_tell(struct kernel_estimate *e, struct history *h,
			  const struct events_event *build,
			  struct events_hub *hub);
/*
 * The CPU time of an object's compile, in ms, or EVENTS_UNKNOWN; `e` is a
 * struct kernel_estimate.
 */
int64_t kernel_estimate_cost(void *e, const char *object);
void kernel_estimate_release(struct kernel_estimate *e);

#endif

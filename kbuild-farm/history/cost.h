/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/cost.h - how long the compiles of a build of some key take.
 */
#ifndef HISTORY_COST_H
#define HISTORY_COST_H

#include "base/map.h"
#include "history/read.h"

/* Of the last build that compiled it. */
struct history_cost {
	struct map_node map; /* by its object */
	const char *object, *file; /* as EVENTS_QUEUED names them */
	int64_t cpu_ms; /* of its compiler; here: how long that ran */
	int64_t wall_ms; /* from its compiler's start to its end */
};

/* A compile of the last good build that was fresh. */
struct history_done {
	int64_t done_ms; /* since that began */
	int64_t cpu_ms; /* as above */
};

/* A zeroed one is empty. */
struct history_costs {
	struct history_cost *v;
	size_t n;
	struct map by_object;
	char *texts; /* of all */
	/* The last good build that was fresh; number 0: there is none. */
	struct history_build last;
	struct history_done *done; /* its compiles, as they ended */
	size_t n_done;
};

/*
 * All costs of a key in one look-up; none where it was never built.  Release
 * `out` in any case.
 */
int history_costs_load(struct history *h, const char *key,
		       struct history_costs *out, struct err *err);
void history_costs_release(struct history_costs *c);
/* NULL: it is not known. */
const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object);

#endif

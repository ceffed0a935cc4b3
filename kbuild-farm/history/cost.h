/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/cost.h - Compile times of the builds of a series.
 */
#ifndef HISTORY_COST_H
#define HISTORY_COST_H

#include "base/map.h"
#include "history/read.h"

/* Cost of an object in the last build that compiled it. */
struct history_cost {
	struct map_entry entry; /* in by_object */
	const char *object, *file; /* as EVENTS_JOB_QUEUED names them */
	int64_t cpu_ms; /* CPU time; elapsed time if compiled locally */
	int64_t wall_ms; /* from start to end of the compiler */
};

/* A unit of the last good build from scratch. */
struct history_completion {
	int64_t done_ms; /* since the start of that build */
	int64_t cpu_ms;
};

/* Costs of a series.  Empty when zeroed. */
struct history_costs {
	struct history_cost *costs;
	size_t n_costs;
	struct map by_object; /* struct history_cost, by object */
	char *strings; /* storage of the object and file names */
	/* last good build from scratch; number 0: no such build */
	struct history_build baseline;
	struct history_completion *completions; /* of the baseline, by time */
	size_t n_completions;
};

/*
 * Read all costs of a series; the result is empty if the series has no builds.
 * Returns 0 or a negative errno.  Release `out` in any case.
 */
int history_costs_load(struct history *h, const char *series_key,
		       struct history_costs *out, struct err *err);
/* Free the costs and zero *c. */
void history_costs_release(struct history_costs *c);
/* Return the cost of an object, or NULL if it is unknown. */
const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object);

#endif

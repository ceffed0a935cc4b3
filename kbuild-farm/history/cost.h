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
	const char *object, *file; /* names from the event EVENTS_JOB_QUEUED */
	int64_t cpu_ms; /* CPU time; elapsed time if compiled locally */
	int64_t wall_ms; /* elapsed time of the compiler */
};

/* A unit of the last good build from scratch. */
struct history_completion {
	int64_t done_ms; /* end of the compile, since the start of the build */
	int64_t cpu_ms;
};

/* Costs of a series.  Empty when zeroed. */
struct history_costs {
	struct history_cost *costs;
	size_t n_costs;
	struct map by_object; /* struct history_cost, by object */
	char *strings; /* storage of the object and file names */
	/* last good build from scratch; number 0 if no such build exists */
	struct history_build baseline;
	/* units of the baseline, sorted by done_ms */
	struct history_completion *completions;
	size_t n_completions;
};

/*
 * Read all costs of a series; `out` is empty if the series has no builds.
 * Returns 0 or a negative errno.  The caller releases `out` even after a
 * failure.
 */
int history_costs_load(struct history *h, const char *series_key,
		       struct history_costs *out, struct err *err);
/* Free the costs and zero *c. */
void history_costs_release(struct history_costs *c);
/* Return the cost of an object, or NULL if it is unknown. */
const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object);

#endif

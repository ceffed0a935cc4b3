/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparison of the runs of two simulated builds. */
#ifndef SIM_RUNS_H
#define SIM_RUNS_H

#include "sim/sim.h"

#include <stdbool.h>

/* Return true if both builds have equal runs, without regard to padding. */
static inline bool runs_are_equal(const struct sim_result *a,
				  const struct sim_result *b)
{
	bool equal = a->n_runs == b->n_runs;

	for (size_t i = 0; equal && i < a->n_runs; i++) {
		const struct sim_run *x = &a->runs[i], *y = &b->runs[i];

		equal = x->job == y->job && x->node == y->node &&
			x->core == y->core && x->began_ms == y->began_ms &&
			x->ended_ms == y->ended_ms &&
			x->completed == y->completed;
	}
	return equal;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/jobs.h"

#include "base/random.h"

#include <math.h>

#define COST_MIN_MS       30
#define COST_MAX_MEDIANS  15
#define INPUT_BYTES       900000 /* of a job of average cost */
#define HISTORY_DEVIATION 0.1
#define INPUT_DEVIATION   0.5

double sim_random_share(uint64_t *state)
{
	return (double)(random_next(state) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Return a number with a lognormal distribution whose median is 1. */
static double random_lognormal(uint64_t *state, double deviation)
{
	double u = sim_random_share(state) + 1e-12;
	double v = sim_random_share(state);

	/* Box and Muller 1958 */
	return exp(deviation * sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

void sim_jobs_set_costs(struct sim_job_setup *jobs, size_t n, double median_ms,
			double deviation, uint64_t *state)
{
	for (size_t i = 0; i < n; i++) {
		double ms = median_ms * random_lognormal(state, deviation);

		ms = fmin(ms, COST_MAX_MEDIANS * median_ms);
		jobs[i].cost_ms = (uint32_t)fmax(ms, COST_MIN_MS);
	}
}

void sim_jobs_set_predictions(struct sim_job_setup *jobs, size_t n,
			      uint64_t *state)
{
	double sum_ms = 1;

	for (size_t i = 0; i < n; i++)
		sum_ms += jobs[i].cost_ms;
	for (size_t i = 0; i < n; i++) {
		double bytes = INPUT_BYTES * jobs[i].cost_ms * (double)n /
			       sum_ms *
			       random_lognormal(state, INPUT_DEVIATION);

		jobs[i].input_bytes = (uint32_t)fmin(bytes, UINT32_MAX);
		jobs[i].predicted_ms =
			1 +
			(uint32_t)(jobs[i].cost_ms *
				   random_lognormal(state, HISTORY_DEVIATION));
	}
}

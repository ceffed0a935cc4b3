/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sim/jobs.h - Random costs of jobs, and predictions of costs. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "sim/sim.h"

/* Return a random number that is at least 0 and less than 1. */
double sim_random_share(uint64_t *state);

/*
 * Set the costs of `n` jobs to random numbers with a lognormal distribution:
 * `deviation` is the standard deviation of their logarithms.  A cost is at
 * least 30 ms and at most 15 times the median.
 */
void sim_jobs_set_costs(struct sim_job_setup *jobs, size_t n, double median_ms,
			double deviation, uint64_t *state);
/*
 * Set predicted_ms and input_bytes of jobs whose costs are already set.  Each
 * value is proportional to the cost times a random error.  The standard
 * deviation of the logarithm of the error is 0.1 for predicted_ms, because the
 * history predicts a cost well.  It is 0.5 for input_bytes, because the size of
 * the inputs predicts a cost poorly.
 */
void sim_jobs_set_predictions(struct sim_job_setup *jobs, size_t n,
			      uint64_t *state);

#endif

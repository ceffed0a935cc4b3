/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/cost.h"

#define PREDICT_MAX_MS 600000
#define LATE_MS        10000
#define TRIAL_LATE_MS  2000
#define DEADLINE_MS    30000 /* facts: R5 */

/* Half of the weight is on about the last ten. */
void sched_cost_learn(struct sched_cost *c, uint64_t bytes, uint32_t cpu_ms)
{
	double now = cpu_ms * 1024.0 / ((double)bytes + 1024);

	c->ms_per_kib = c->ms_per_kib > 0 ? c->ms_per_kib * 0.93 + now * 0.07 :
					    now;
}

static uint64_t predict_ms(const struct sched_cost *c, uint64_t bytes)
{
	double ms = c->ms_per_kib * (double)bytes / 1024;

	return ms > PREDICT_MAX_MS ? PREDICT_MAX_MS : (uint64_t)ms;
}

uint32_t sched_cost_deadline_ms(const struct sched_cost *c, uint64_t bytes)
{
	uint64_t ms = 8 * predict_ms(c, bytes);

	return ms < DEADLINE_MS ? DEADLINE_MS : (uint32_t)ms;
}

uint64_t sched_cost_late_ms(const struct sched_cost *c, uint64_t bytes,
			    bool trial)
{
	uint64_t least = trial ? TRIAL_LATE_MS : LATE_MS;
	uint64_t ms = 2 * predict_ms(c, bytes);

	return ms < least ? least : ms;
}

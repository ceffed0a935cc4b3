/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/cost.h - what a unit takes on a node, from what others took: one
 * figure for the whole farm, CPU time by KiB of inputs.
 */
#ifndef SCHED_COST_H
#define SCHED_COST_H

#include <stdbool.h>
#include <stdint.h>

struct sched_cost {
	double ms_per_kib; /* a moving mean; 0: nothing is known yet */
};

/* A unit that read so much was done in so much CPU time. */
void sched_cost_learn(struct sched_cost *c, uint64_t bytes, uint32_t cpu_ms);
/* When its node is to kill it: eight times the prediction, 30 s at least. */
uint32_t sched_cost_deadline_ms(const struct sched_cost *c, uint64_t bytes);
/*
 * How long after it was first sent it is late: twice the prediction, 10 s at
 * least, or 2 s on a node that has to show that it can do it.
 */
uint64_t sched_cost_late_ms(const struct sched_cost *c, uint64_t bytes,
			    bool trial);

#endif

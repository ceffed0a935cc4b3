/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/model.h - CPU share and slot window of nodes.
 *
 * CPU share: the part of a core that a node gives to each of its units.  A slow
 * core counts as a whole core.  A node gives less if its units wait for CPU
 * quota, other processes or the network, whatever the speed of its cores.
 *
 * Slot window: a node that fails with many concurrent units, because it runs
 * out of memory or each unit gets a tenth of a core, may succeed with fewer.  A
 * failure shrinks the node's window.  At first, 4 consecutive successful units
 * double the window; each time it shrinks again, twice as many are required, so
 * that a node that can run two units is not given a third all the time.
 *
 * A passed probe (a known-answer test) proves less than completed units.  If a
 * node that passed a probe fails again before 4 units have succeeded, this is a
 * relapse, which prolongs its backoff.
 */
#ifndef SCHED_MODEL_H
#define SCHED_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* CPU time given by a node; initially zero. */
struct sched_cpu_share {
	unsigned n_units; /* current number of units */
	uint64_t since_ms; /* time since which n_units is valid */
	uint64_t unit_ms; /* sum of the time that units spent on the node */
	uint64_t cpu_ms;
};

/* Change the number of units at now_ms. */
void sched_model_share_add_units(struct sched_cpu_share *s, uint64_t now_ms,
				 int change);
/*
 * Return the CPU share since the copy `from` of `s` was made, in thousandths of
 * a core.  The first function returns the share of all units together, the
 * second the average share of a unit.  Both return UINT_MAX if no time has
 * passed.
 */
unsigned sched_model_share_total_milli(const struct sched_cpu_share *s,
				       const struct sched_cpu_share *from,
				       uint64_t now_ms);
unsigned sched_model_share_per_unit_milli(const struct sched_cpu_share *s,
					  const struct sched_cpu_share *from,
					  uint64_t now_ms);

/* The slot window of a node.  All zero: no failure so far. */
struct sched_window {
	unsigned max_units; /* limit on concurrent units; 0: the node's slots */
	unsigned n_shrinks; /* shrinks that later successes have not undone */
	unsigned n_relapses;
	unsigned n_successes; /* consecutive successful units */
};

/* Return how many of the node's slots can be used. */
unsigned sched_model_window_limit(const struct sched_window *w, unsigned slots);
/*
 * After a failure on a node with `slots` slots, shrink the window to max_units,
 * but not below 1.  Returns true if the window became smaller.
 */
bool sched_model_window_shrink(struct sched_window *w, unsigned slots,
			       unsigned max_units);
/* Record a passed probe. */
void sched_model_window_add_probe(struct sched_window *w);
/* Record a successful unit.  Returns true if all slots are available again. */
bool sched_model_window_add_success(struct sched_window *w, unsigned slots);
/*
 * Return true if the node may run only one unit at a time and has completed
 * none since its probe.
 */
bool sched_model_window_is_trial(const struct sched_window *w, unsigned slots);

#endif

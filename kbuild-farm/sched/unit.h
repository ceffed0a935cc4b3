/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/unit.h - State changes of units, and the events that cause them.
 *
 * Only these functions change the state of a unit.
 *
 * A node is checked for starvation when a unit is withdrawn from it.  The node
 * starves its units if, since the withdrawn unit was sent, the mean CPU share
 * of a unit (struct sched_cpu_share) has been less than a quarter of a core.
 * If all units together got at least a quarter of a core, the node gets as many
 * units as that CPU share can serve.  If they got less, the node enters
 * BACKOFF, and its units without a hedge are retried elsewhere.
 */
#ifndef SCHED_UNIT_H
#define SCHED_UNIT_H

#include "sched/internal.h"

/*
 * Apply an event to the object that it concerns.  Afterwards, sched/sched.c
 * lets the units take their next steps.
 */
void sched_unit_handle_event(struct sched *s, const struct sched_event *ev);

/* Return the unit, or NULL if the number is not in use. */
struct sched_unit *sched_unit_find(const struct sched *s, uint32_t number);
/*
 * Return true if `a` is served before `b`, because `a` is older or more
 * expensive.  An expensive unit overtakes an older unit only if the time
 * between their arrivals is less than four times the cost of the expensive
 * unit.  This limit ensures that no cheap unit waits forever.
 */
bool sched_unit_is_before(const struct sched_unit *a,
			  const struct sched_unit *b);
/* Free a unit, for sched_free(). */
void sched_unit_free(struct sched *s, struct sched_unit *u);

/* Give a TO_SCAN unit to a worker. */
void sched_unit_scan(struct sched *s, struct sched_unit *u);
/*
 * Send a READY unit to the node of a core class, or send the node a backup of a
 * REMOTE unit that has one job.
 */
void sched_unit_send(struct sched *s, struct sched_unit *u,
		     struct sched_class *c);
/*
 * Add SCHED_ACT_CANCEL for each job of the unit.  The jobs end when the caller
 * changes the state.
 */
void sched_unit_cancel(struct sched *s, struct sched_unit *u);
/* Queue the unit for a local compile for the reason `why`. */
void sched_unit_queue_local(struct sched *s, struct sched_unit *u,
			    enum reason why);
/*
 * Queue a TO_LOCAL unit for nodes again because a node is up.  The unit must
 * not be in use by a worker.
 */
void sched_unit_return_to_nodes(struct sched *s, struct sched_unit *u);
/* Start the local compile of a TO_LOCAL unit. */
void sched_unit_start_local(struct sched *s, struct sched_unit *u);
/*
 * Return the time in ms after which a unit is late: late_ratio times its
 * predicted duration on its node, but at most late_ratio times twice its
 * predicted CPU time.  The caller chooses the event from which this time
 * counts.
 */
uint64_t sched_unit_late_after_ms(const struct sched *s,
				  const struct sched_unit *u);
/*
 * Start a hedge (a concurrent local compile), which takes a local slot.
 * `charged_ms` is its part in sum_second_ms of struct sched.
 */
void sched_unit_hedge(struct sched *s, struct sched_unit *u, double charged_ms);

/*
 * Check whether the node of `u` starves its units, and if so, reduce the load
 * of the node as described above.  `u` was just withdrawn from the node without
 * a result; `words` describes the problem.
 */
void sched_unit_check_starvation(struct sched *s, struct sched_unit *u,
				 const char *words);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/node.h - State and health of the nodes, and their availability.
 *
 *	DOWN -> CONNECTING -> UP <-> BACKOFF -> PROBATION -> UP
 *		         \-> UNFIT -> UP
 *
 * A node in any state can also be drained.  A drained node gets no units and is
 * not probed.  It is dialed as usual, so that it can continue at once when it
 * is resumed.
 *
 * A failed node is in BACKOFF (the circuit breaker is open) for 1, 2, 4 ... 60
 * s.  This time varies by up to a fifth, so that nodes do not retry in
 * lockstep.  Then the node gets a known-answer test.  The node is UP again when
 * it passes the test, or when a unit that still runs on it succeeds.  It then
 * gets fewer concurrent units than before (struct sched_window).  The delay
 * before a lost node is dialed again grows and varies like the time in BACKOFF.
 * An UNFIT node is dialed again after 10 s, 20 s ... 320 s, and remains UNFIT
 * until it is fit.  A node is EXCLUDED after its third wrong result.  A removed
 * node is EXCLUDED when its units have ended.  The connection can be lost in
 * any state.  When a connection has no ids left for paths or flags, it is
 * renewed as soon as no job runs on the node.
 */
#ifndef SCHED_NODE_H
#define SCHED_NODE_H

#include "sched/internal.h"

/* Add a node with the next number. */
void sched_node_add(struct sched *s);
/* Extend tc->sandboxes to the current number of nodes. */
void sched_node_add_sandboxes(struct sched *s, struct sched_toolchain *tc);
/* Handle the due timeouts of all nodes and set s->due_ms. */
void sched_node_handle_due(struct sched *s);
/* Recompute the availability and the free slots of a node. */
void sched_node_refresh(struct sched *s, struct sched_node *n);

/* Add `change` to the number of slots in use. */
void sched_node_change_running(struct sched *s, struct sched_node *n,
			       int change);

/*
 * Apply an event of a node (SCHED_EV_NODE_*, _PROBE_DONE, _IDS_EXHAUSTED)
 * except SCHED_EV_NODE_ADDED; see sched/sched.h.  If the node is DOWN or
 * EXCLUDED afterwards, the caller retries its units.
 */
void sched_node_handle_event(struct sched *s, struct sched_node *n,
			     const struct sched_event *ev);
/*
 * Set the state of a sandbox.  This and the next function ignore a node that is
 * not connected.
 */
void sched_node_set_sandbox(struct sched *s, struct sched_node *n,
			    struct sched_toolchain *tc,
			    enum sched_sandbox sandbox, unsigned steps);
void sched_node_set_ids_exhausted(struct sched *s, struct sched_node *n);

/*
 * Record a fault with its description.  A node that is UP or in PROBATION
 * enters BACKOFF; units that still run on the node continue.  If `wrong_result`
 * is set, the fault is a strike.  If this strike excludes the node, the caller
 * retries its units.
 */
void sched_node_add_fault(struct sched *s, struct sched_node *n,
			  bool wrong_result, const char *words);
/*
 * Record that the node could not complete a unit.  The unit may be the cause,
 * for example if it crashes the compiler on every machine.  Therefore a node
 * normally enters BACKOFF only if the next unit fails as well.  A node enters
 * BACKOFF at once if it has not completed any unit, or if it has passed a probe
 * but has not yet completed 4 consecutive units after the probe.
 */
void sched_node_add_suspicion(struct sched *s, struct sched_node *n,
			      const char *words);
/*
 * Limit the concurrent units to max_units until some units have succeeded
 * (struct sched_window), and record the cause `words`.
 */
void sched_node_shrink_window(struct sched *s, struct sched_node *n,
			      unsigned max_units, const char *words);
/* Record that the node completed a unit correctly. */
void sched_node_add_success(struct sched *s, struct sched_node *n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coord/report-events.h - Events about units and nodes; counts of slots. */
#ifndef COORD_REPORT_EVENTS_H
#define COORD_REPORT_EVENTS_H

#include "events/event.h"

struct node_entry;
struct peer_stats;
struct coord;
struct coord_node;
struct coord_unit;
struct sched_action;

/*
 * Return the number of slots that the node has when it is not restricted: the
 * number that the user requested or, without a request, the limit of the node
 * (node/limits.h).  Returns 0 before HELLO.
 */
unsigned coord_report_slots_unrestricted(const struct coord_node *n);
/*
 * Return the number of slots that the node has under its current restriction
 * (node/slot-limit.h) and its lease.
 */
unsigned coord_report_slots(const struct coord_node *n);

/*
 * Fill in an EVENTS_KIND_NODE event, except for the state and its reason.  Sets
 * the names of the node, its pool and its site, and the nodes behind a relay.
 * If the node has sent HELLO, also sets the machine, the slots, the cores and
 * the memory.  The event borrows from `entry` and `f`.
 */
void coord_report_fill_node(struct events_event *ev,
			    const struct node_entry *entry,
			    const struct peer_stats *f, unsigned slots);
/* Fill in an EVENTS_KIND_LOAD event, except for the node and the job counts. */
void coord_report_fill_load(struct events_event *ev,
			    const struct peer_stats *f);

/* Report the state of a node; `reason` can be NULL. */
void coord_report_node_state(const struct coord_node *n, const char *state,
			     const char *reason);

/* Return the CPU time of the unit in the baseline build, or EVENTS_UNKNOWN. */
int64_t coord_report_past_cost_ms(const struct coord_unit *u);
/* Report the state of a unit.  `node` and `reason` can be NULL. */
void coord_report_unit_state(struct coord_unit *u, enum events_job_state state,
			     const char *node, const char *reason);
/*
 * Report the state that follows from a message of the node, unless this state
 * or a later one has already been reported.
 */
void coord_report_unit_progress(struct coord_unit *u,
				enum events_job_state state);
/*
 * Report that a unit is done.  If `node` is EVENTS_LOCAL, `reason` states why
 * the unit ran locally.  The event gets n_retries and cost_ms from `a`.
 */
void coord_report_unit_done(struct coord_unit *u, const char *node,
			    const char *reason, const struct sched_action *a);
/* Report that the outputs of a unit come from the result cache. */
void coord_report_unit_cached(struct coord_unit *u);
/*
 * Report that a second execution of a unit has started on `node`.  It is a
 * hedge if `node` is EVENTS_LOCAL, otherwise a backup.
 */
void coord_report_unit_twice(const struct coord_unit *u, const char *node);

#endif

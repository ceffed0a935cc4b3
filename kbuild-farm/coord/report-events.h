/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coord/report-events.h - Events about jobs, nodes and sandboxes. */
#ifndef COORD_REPORT_EVENTS_H
#define COORD_REPORT_EVENTS_H

#include "events/event.h"

struct peer_stats;
struct coord;
struct coord_node;
struct coord_unit;
struct inputs_toolchain;

/*
 * Fill in the machine and the slots of an EVENTS_KIND_NODE event.  Does nothing
 * if the node has not sent HELLO yet.
 */
void coord_report_fill_node(struct events_event *ev, const struct peer_stats *f,
			    unsigned slots);
/* Fill in an EVENTS_KIND_LOAD event, except for the job counts. */
void coord_report_fill_load(struct events_event *ev,
			    const struct peer_stats *f);

/* Report the state of a unit.  `node` and `reason` can be NULL. */
void coord_report_unit_state(struct coord_unit *u, enum events_job_state state,
			     const char *node, const char *reason);
/*
 * Report the state of the unit that a heartbeat or output of the node implies,
 * unless this state was reported before.
 */
void coord_report_unit_progress(struct coord_unit *u,
				enum events_job_state state);
/* Report that a hedge of the unit was started. */
void coord_report_hedge(const struct coord_unit *u, const char *reason);
/*
 * Report that a unit is done.  If `node` is EVENTS_LOCAL, `reason` states why
 * the unit ran locally.
 */
void coord_report_unit_done(struct coord_unit *u, const char *node,
			    const char *reason, unsigned retries);

/* Report that the wrapper closed its connection, unless the unit is done. */
void coord_report_wrapper_closed(struct coord_unit *u);

/* Report the state of a node; `reason` can be NULL. */
void coord_report_node_state(const struct coord_node *n, const char *state,
			     const char *reason);
/* Report the state of a toolchain on a node. */
void coord_report_sandbox_state(const struct coord_node *n,
				const struct inputs_toolchain *tc,
				const char *state, const char *reason);
/* Report the load of a node. */
void coord_report_load(const struct coord_node *n);

#endif

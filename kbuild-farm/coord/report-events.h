/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coord/report-events.h - Events about nodes, and the slots of nodes. */
#ifndef COORD_REPORT_EVENTS_H
#define COORD_REPORT_EVENTS_H

#include "events/event.h"

struct peer_stats;
struct coord_node;

/*
 * Return the node's slots without the current restriction: the limit of the
 * node (node/limits.h) or the user's request.  Returns 0 before HELLO.
 */
unsigned coord_report_slots_unrestricted(const struct coord_node *n);
/* Return the node's slots with the restriction (node/slot-limit.h). */
unsigned coord_report_slots(const struct coord_node *n);

/*
 * Fill in the machine and the slots of an EVENTS_KIND_NODE event.  Does nothing
 * if the node has not sent HELLO yet.
 */
void coord_report_fill_node(struct events_event *ev, const struct peer_stats *f,
			    unsigned slots);
/* Fill in an EVENTS_KIND_LOAD event, except for the job counts. */
void coord_report_fill_load(struct events_event *ev,
			    const struct peer_stats *f);

/* Report the state of a node; `reason` can be NULL. */
void coord_report_node_state(const struct coord_node *n, const char *state,
			     const char *reason);

#endif

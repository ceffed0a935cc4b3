/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/node.h - The nodes of a build: events, identity and configuration.
 *
 * Callbacks of a node's connection become events for the dispatcher.  Nodes
 * whose identity conflicts with another node get no jobs.  The set of nodes can
 * change during the build.
 */
#ifndef COORD_NODE_H
#define COORD_NODE_H

#include "coord/internal.h"

extern const struct peer_ops coord_node_ops;

/*
 * Correct the dispatcher's state of toolchains without a sandbox.  The
 * dispatcher assumes that a sandbox was requested for each listed toolchain of
 * a connected node.  This function reports the toolchains for which no sandbox
 * was requested; callbacks report later changes.  It also reports a node that
 * can use none of the toolchains, because such a node is as useless as a node
 * that is down.  Call it after peer_advance().
 */
void coord_node_report_toolchains(struct coord_node *n);
/* Send the dispatcher the tool steps that each sandbox accepts. */
void coord_node_report_steps(struct coord_node *n);
/*
 * Return true if the node accepts tool steps for at least one of the
 * toolchains.
 */
bool coord_node_can_run_steps(const struct coord_node *n);
/* Carry out a user's request. */
void coord_node_handle_request(struct coord_node *n, enum events_request what);

/*
 * Check the nodes that connected since the last call (`identity_unchecked`).
 * Nodes that share a key get no jobs.  Any other conflict is reported once.
 */
void coord_node_check_identities(struct coord *c);

/*
 * Add all nodes of the initial roster, which must outlive the coordinator.  The
 * dispatcher must have been created with their number.
 */
void coord_node_add_roster(struct coord *c, const struct node_roster *roster);
/* Free all nodes.  Call it after sched_free(). */
void coord_node_free_all(struct coord *c);

#endif

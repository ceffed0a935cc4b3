/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/node.h - The nodes of a build: events, slots, identity and roster.
 *
 * Callbacks of a node's connection become events for the dispatcher.  Nodes
 * whose identity conflicts with another node get no jobs.  The set of nodes can
 * change during the build.
 *
 * The slots of a node shrink while other processes use its machine.  A node
 * reports this foreign load.  If several nodes, or a node and the build host,
 * share a machine (they have equal boot ids), the reported load includes load
 * of this build.  The coordinator subtracts that part: for each other node, the
 * CPU time of its jobs between two heartbeats; for the build host, one core per
 * local slot in use plus the CPU time of kfarm.  Other processes of make
 * (linkers, host programs, scripts) still count as foreign load.
 */
#ifndef COORD_NODE_H
#define COORD_NODE_H

#include "coord/internal.h"

extern const struct peer_ops coord_node_ops;

/*
 * Check the identities of nodes that have connected, and advance all peers.
 * Report each node that can use no toolchain, and call on_steps_changed() if
 * its argument has changed.  Call this function after coord_dispatch().
 */
void coord_node_advance_all(struct coord *c);
/* Report to the dispatcher which tool steps each sandbox of `n` accepts. */
void coord_node_report_steps(struct coord_node *n);
/* Sample the CPU time of kfarm.  Call it once a second. */
void coord_node_sample_local_load(struct coord *c, uint64_t now_ms);
/* Carry out a user's request for a node. */
void coord_node_handle_request(struct coord_node *n, enum events_request what);

/*
 * Add all nodes of the initial roster, which must outlive the coordinator.  The
 * dispatcher must have been created with the number of these nodes.
 */
void coord_node_add_roster(struct coord *c, const struct node_roster *roster);
/*
 * Add a node during the build; `entry` is borrowed.  The caller must then call
 * coord_dispatch().
 */
void coord_node_add(struct coord *c, const struct node_entry *entry);
/*
 * Remove a node for the reason `why`.  The node gets no more jobs, and its
 * session ends after its last job.
 */
void coord_node_remove(struct coord_node *n, const char *why);
/* Free all nodes.  Call it after sched_free(). */
void coord_node_free_all(struct coord *c);

#endif

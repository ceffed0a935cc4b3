/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/node.h - what a node tells, for sched/.
 */
#ifndef COORD_NODE_H
#define COORD_NODE_H

#include "coord/state.h"

extern const struct peer_ops coord_node_ops;

/* It is number c->n_nodes from now on; sched/ is to be told. */
struct coord_node *coord_node_new(struct coord *c,
				  const struct node_entry *entry);
/*
 * After peer_step(): sched/ believes of a node that was greeted, and of a
 * toolchain that was listed, that a cell was asked for.  Where none was, say
 * so; what else becomes of it the node tells.
 */
void coord_node_tell_lacks(struct coord_node *n);
/* A node that has none of the toolchains is as good as one that is not up. */
void coord_node_tell_useless(struct coord_node *n);
/* Whether its cells take steps may have changed: tell sched/. */
void coord_node_tell_steps(struct coord_node *n);
/* Would it take a step beside a compile, of one toolchain at least? */
bool coord_node_takes_steps(const struct coord_node *n);
/* What a person asks of it. */
void coord_node_ask(struct coord_node *n, enum events_request what);
/* Its conversation is over; the node itself goes when sched/ has gone. */
void coord_node_end(struct coord_node *n);
void coord_node_free(struct coord_node *n);

#endif

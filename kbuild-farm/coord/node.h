/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/node.h - a node of the build: what it tells goes to its jobs and to
 * the scheduler.
 */
#ifndef COORD_NODE_H
#define COORD_NODE_H

#include "coord/state.h"
#include "peer/health.h"

struct coord_node {
	struct coord *coord;
	const struct node_entry *entry; /* borrowed from the roster */
	struct peer *peer;
	struct peer_health *health;
	uint64_t asked_ms; /* when a cell was asked for last */
	unsigned jobs; /* done there */
	unsigned retries; /* jobs that went elsewhere after it failed them */
};

extern const struct peer_ops coord_node_ops;

struct coord_node *coord_node_new(struct coord *c,
				  const struct node_entry *entry);
void coord_node_free(struct coord_node *n);
/* Once a second. */
void coord_node_tick(struct coord_node *n, uint64_t now_ms);
void coord_node_figures(const struct coord_node *n,
			struct coord_node_stats *out);

#endif

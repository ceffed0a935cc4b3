/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-nodes.h - the nodes of the configuration as they are, without a
 * build: a page (TOP_NODES) made of their hellos and beats.
 *
 * Each has one connection, over which nothing is asked for.  One that is down
 * is tried again after 5 s, 10 s ... at most every minute.
 */
#ifndef CLI_TOP_NODES_H
#define CLI_TOP_NODES_H

#include "cli/top-page.h"
#include "node/roster.h"

struct top_nodes;

/* The roster is borrowed; all are called at once. */
struct top_nodes *top_nodes_new(struct top *t,
				const struct node_roster *roster);
/* Closes the connections; the page goes, too.  NULL is fine. */
void top_nodes_free(struct top_nodes *all);
/* To be called once a second. */
void top_nodes_tick(struct top_nodes *all);

#endif

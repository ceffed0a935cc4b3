/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/nodes.h - the configuration's nodes while a build runs.  Whoever
 * changes it, by `kfarm nodes` or an editor, is heard within two seconds.
 */
#ifndef KERNEL_NODES_H
#define KERNEL_NODES_H

#include "node/roster.h"

struct coord;
struct event_base;
struct kernel_nodes;

/*
 * `roster` is what the coordinator began with; one that was not loaded from the
 * configuration, or is empty on purpose, is followed by nobody: NULL.
 */
struct kernel_nodes *kernel_nodes_new(struct event_base *base,
				      struct coord *coord,
				      const struct node_roster *roster);
/* Before the coordinator.  NULL is fine. */
void kernel_nodes_free(struct kernel_nodes *n);

#endif

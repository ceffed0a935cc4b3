/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node/roster.h - The nodes of the configuration. */
#ifndef NODE_ROSTER_H
#define NODE_ROSTER_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"
#include "node/entry.h"

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct node_pool;

struct node_roster {
	struct node_entry *v;
	size_t n;
	struct node_pool *pools;
	size_t n_pools;
	bool sync_toolchains; /* toolchain.sync: upload missing toolchains */
	bool steps_disabled; /* farm.steps: offload compiles only */
	bool local_when_busy; /* farm.compile-locally is when-busy */
	/*
	 * farm.weight: percentage of the build host's weight to claim on the
	 * nodes; 0: the whole weight.  A node allots slots to its clients in
	 * proportion to their weights.
	 */
	unsigned weight_percent;
	struct strv warnings; /* about imported lists that are not in use */
	bool remote_disabled; /* --no-remote: the roster is empty on purpose */
	/* conf_digest() of the configuration; zero: not loaded from files */
	struct digest stamp;
};

/*
 * Load every [node "NAME"] and [pool "NAME"] section in the order of the
 * configuration, then the imported lists (node/import.h).  For a list that
 * cannot be used, add a line to r->warnings instead of returning an error.  The
 * default codec is lzo.  Returns 0, or -EINVAL with `err` naming node, file and
 * line.
 */
int node_roster_load(struct node_roster *r, const struct conf *c,
		     struct err *err);
void node_roster_release(struct node_roster *r);
/*
 * Return the configured or imported node `name`, or NULL.  Members of pools are
 * not found.
 */
const struct node_entry *node_roster_get(const struct node_roster *r,
					 const char *name);
/* Like node_roster_get(), but also find "POOL/K", a member of a pool. */
const struct node_entry *node_roster_find(const struct node_roster *r,
					  const char *name);
/*
 * Return how many descriptors the connections to all nodes and to all members
 * of pools need.
 */
size_t node_roster_count_files(const struct node_roster *r);
/*
 * Remove members of pools, then nodes, from the end of the roster until
 * node_roster_count_files() is at most `max` or only one node or member is
 * left.  Returns the number of removed nodes and members.
 */
size_t node_roster_limit_files(struct node_roster *r, size_t max);
/* Return true if the roster has a node or a pool. */
bool node_roster_has_nodes(const struct node_roster *r);
/* Return the pool `name`, or NULL. */
struct node_pool *node_roster_get_pool(const struct node_roster *r,
				       const char *name);
/*
 * Set `err` for the unknown node `name`.  The error suggests the node with the
 * most similar name.  Returns -ENOENT.
 */
int node_roster_set_unknown(const struct node_roster *r, const char *name,
			    struct err *err);

#endif

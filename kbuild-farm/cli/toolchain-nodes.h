/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/toolchain-nodes.h - Toolchains on nodes: query, upload and removal.
 *
 * A node that runs programs of the build host's architecture needs no installed
 * toolchain: the compiler is sent as content.  Other nodes need a build of the
 * release for their own host, which the build host has installed as ID-on-HOST.
 */
#ifndef CLI_TOOLCHAIN_NODES_H
#define CLI_TOOLCHAIN_NODES_H

#include "conf/conf.h"
#include "node/roster.h"
#include "peer/survey.h"
#include "toolchain/installed.h"

#include <stdatomic.h>

/* The nodes of a command. */
struct toolchain_nodes {
	struct peer_survey_node *nodes; /* in the order of the roster */
	size_t n_nodes;
};

/* The state of one toolchain on one node. */
struct toolchain_node_state {
	/*
	 * "-": a build that the node cannot run; "not needed": the compiler is
	 * sent as content; "ok"; "missing"; "different": not the files that the
	 * build host has installed; "down"
	 */
	const char *state;
	const char *canary; /* "passed", "failed"; NULL: not tested */
	bool differs;
	char *detail; /* explains "different" or "failed"; can be NULL */
};

/*
 * Copy the nodes of `all` that `names` selects to `out`: "all", or names
 * separated by commas.  The caller frees out->v; the entries are borrowed.
 * Returns 0, or -ENOENT with `err` set for an unknown name or without nodes.
 */
int toolchain_nodes_select(struct node_roster *out,
			   const struct node_roster *all, const char *names,
			   struct err *err);
/* Return true if the node runs programs of the build host's architecture. */
bool toolchain_nodes_is_same_arch(const struct peer_survey_node *node);

/*
 * Query the nodes that `names` selects concurrently.  A node that does not
 * answer is in the list with `why` set.  Returns 0, -ENOENT as above, or an
 * error of peer_survey_run().  Release `out` in any case.
 */
int toolchain_nodes_query(struct toolchain_nodes *out,
			  const struct node_roster *roster, const char *names,
			  struct err *err);
void toolchain_nodes_release(struct toolchain_nodes *nodes);

/*
 * Fill states[i * nodes->n_nodes + k] for toolchain i of `list` and node k.
 * With `verify` the nodes are queried again and hash their installed
 * toolchains.  The caller frees each `detail`.
 *
 * A canary result is stored with the build that ran on the node, so for a node
 * of another architecture it is in the row of the build for that architecture.
 */
int toolchain_nodes_inspect(const struct toolchain_nodes *nodes,
			    const struct toolchain_installed_list *list,
			    bool verify, struct toolchain_node_state *states,
			    struct err *err);

/*
 * Upload the toolchains `ids` of `list` to all nodes that can run them,
 * concurrently, with progress on stderr and a line per node and toolchain at
 * the end.  Returns the number of nodes that lack one of them; each is logged.
 */
unsigned toolchain_nodes_push(const struct toolchain_nodes *nodes,
			      const struct toolchain_installed_list *list,
			      const struct strv *ids,
			      const atomic_bool *cancel);
/*
 * Remove `id` from the nodes that have it.  Returns the number of nodes on
 * which this failed; each is logged.
 */
unsigned toolchain_nodes_remove(const struct toolchain_nodes *nodes,
				const char *id);

#endif

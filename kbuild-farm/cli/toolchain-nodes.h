/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/toolchain-nodes.h - Toolchains on nodes: query, upload and removal.
 *
 * A node that runs programs of the build host's architecture needs no installed
 * toolchain, because each build sends the compiler.  Any other node needs the
 * same release built for its architecture, which the build host has installed
 * as ID-on-HOST.
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
	 * "ok"; "missing"; "different": the files of the toolchain differ from
	 * those on the build host; "not needed": each build sends the compiler;
	 * "-": the node cannot run the toolchain; "down": the node does not
	 * answer
	 */
	const char *state;
	const char *canary; /* "passed", "failed"; NULL: not tested */
	bool differs; /* state is "different" */
	char *detail; /* explains "different" or "failed"; can be NULL */
};

/*
 * Copy the nodes of `all` that `names` selects to `out`.  `names` is "all" or
 * names separated by commas.  The caller frees out->v; the entries are
 * borrowed.  Returns 0, or -ENOENT with `err` set if a name is unknown or no
 * node is configured.
 */
int toolchain_nodes_select(struct node_roster *out,
			   const struct node_roster *all, const char *names,
			   struct err *err);
/* Return true if the node runs programs of the build host's architecture. */
bool toolchain_nodes_is_same_arch(const struct peer_survey_node *node);

/*
 * Concurrently query the nodes that `names` selects.  A node that does not
 * answer is in the list with `why` set.  Returns 0, -ENOENT like
 * toolchain_nodes_select(), or an error of peer_survey_run().  The caller
 * releases `out` even after a failure.
 */
int toolchain_nodes_query(struct toolchain_nodes *out,
			  const struct node_roster *roster, const char *names,
			  struct err *err);
void toolchain_nodes_release(struct toolchain_nodes *nodes);

/*
 * Fill states[i * nodes->n_nodes + k] for toolchain i of `list` and node k.  If
 * `verify` is true, query the nodes again and let them hash their installed
 * toolchains.  The caller frees each `detail`.
 *
 * The canary test compiles with the compiler that runs on the node.  For a node
 * of another architecture, the canary result is therefore in the state of the
 * toolchain ID-on-HOST.
 */
int toolchain_nodes_inspect(const struct toolchain_nodes *nodes,
			    const struct toolchain_installed_list *list,
			    bool verify, struct toolchain_node_state *states,
			    struct err *err);

/*
 * Upload the toolchains `ids` of `list` to all nodes that can run them,
 * concurrently, with progress on stderr and a line per node and toolchain at
 * the end.  Returns the number of nodes on which an upload failed; logs each
 * failure.
 */
unsigned toolchain_nodes_push(const struct toolchain_nodes *nodes,
			      const struct toolchain_installed_list *list,
			      const struct strv *ids,
			      const atomic_bool *cancel);
/*
 * Remove `id` from the nodes that have it.  Returns the number of nodes on
 * which the removal failed; logs each failure.
 */
unsigned toolchain_nodes_remove(const struct toolchain_nodes *nodes,
				const char *id);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/toolchain-nodes.h - the nodes' part of `kfarm toolchain`: what each of
 * them holds, and how it gets or loses something.
 *
 * A node that runs programs of the build host's architecture needs nothing:
 * the compiler travels as content.  Others hold the release made for their
 * own host, which the build host installed as ID-on-HOST.
 */
#ifndef CLI_TOOLCHAIN_NODES_H
#define CLI_TOOLCHAIN_NODES_H

#include "conf/conf.h"
#include "node/roster.h"
#include "peer/tools.h"
#include "toolchain/installed.h"

#include <stdatomic.h>

/* The nodes of a command, all asked at once. */
struct toolchain_nodes {
	struct peer_tools_node *v; /* in the order of the roster */
	size_t n;
};

/* One cell of the table of `list`. */
struct toolchain_node_cell {
	/*
	 * "-" (another host's build: not for this node), "not needed"
	 * (content shipping), "ok", "missing", "different" (not what the build
	 * host installed), "down".
	 */
	const char *state;
	const char *canary; /* "passed", "failed"; NULL: it did not run */
	bool is_different;
	char *detail; /* why it is different or failed; NULL: nothing to say */
};

/*
 * The nodes of `all` that `which` names ("all", or names with commas between)
 * in `out`, whose array the caller frees; the entries are borrowed.  -ENOENT
 * for a name that is none, with `err` set.
 */
int toolchain_nodes_pick(struct node_roster *out, const struct node_roster *all,
			 const char *which, struct err *err);
/* Does the node run what this machine runs? */
bool toolchain_nodes_same(const struct peer_tools_node *node);

/*
 * Ask the nodes that `which` names.  One that does not answer is in the list
 * with `why`.  Errors as above.  Release it in any case.
 */
int toolchain_nodes_ask(struct toolchain_nodes *out,
			const struct node_roster *roster, const char *which,
			struct err *err);
void toolchain_nodes_release(struct toolchain_nodes *nodes);

/*
 * A node of another architecture has no canary of this machine's builds; it is
 * in the row of the build for that architecture.
 *
 * Fill cells[i * nodes->n + k] for toolchain i of `list` and node k.  With
 * `verify` the nodes are asked again, and hash what they hold.  Each `detail`
 * is the caller's to free.
 */
int toolchain_nodes_look(const struct toolchain_nodes *nodes,
			 const struct toolchain_installed_list *list,
			 bool verify, struct toolchain_node_cell *cells,
			 struct err *err);

/*
 * Bring the toolchains `ids` of `list` to the nodes that run their hosts, all
 * nodes at once, with progress on stderr and a line for each node at its end.
 * Returns how many nodes do not have all of theirs now; each was named.
 */
unsigned toolchain_nodes_push(const struct toolchain_nodes *nodes,
			      const struct toolchain_installed_list *list,
			      const struct strv *ids,
			      const atomic_bool *cancel);
/* Take `id` away from the nodes that hold it; the same answer. */
unsigned toolchain_nodes_drop(const struct toolchain_nodes *nodes,
			      const char *id);

#endif

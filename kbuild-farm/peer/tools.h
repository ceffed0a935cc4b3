/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/tools.h - ask several nodes at once what they are, whether jobs can run
 * there and what toolchains they hold; give them some, take some away.
 *
 * Every node says hello, what it runs (FIT), what it is (MACHINE) and, but in a
 * survey, what it holds (TOOLS, HELD) in an event loop of its own; then it is
 * given what its list of bundles says (peer/bundle.h), and what its list of
 * drops says is taken away.  One that is silent for too long is down, and the
 * others are not kept waiting.
 */
#ifndef PEER_TOOLS_H
#define PEER_TOOLS_H

#include "node/roster.h"
#include "peer/bundle.h"
#include "store/packed.h"

#include <stdatomic.h>

/* One that a node holds. */
struct peer_tool {
	char *id, *host;
	struct digest tree;
	enum wire_held_state state;
	char *detail; /* of a damaged one: a file */
};

/* What became of a bundle or a removal. */
struct peer_tools_answer {
	bool ok;
	char *detail; /* why not; NULL where there is nothing to say */
};

struct peer_tools_node {
	const struct node_entry *entry; /* borrowed */

	/* To be done once it was asked; lists are borrowed, may be NULL. */
	const struct peer_bundle *const *bundle;
	size_t n_bundles;
	char *const *drop; /* ids */
	size_t n_drops;

	/* What came of it. */
	bool up; /* all that was asked of it was answered */
	char *why; /* not up: the reason; else NULL */
	struct wire_hello hello; /* zeroed: none that we understand */
	unsigned rtt_ms; /* from dialling to that */
	struct wire_fit fit; /* zeroed: it never said so */
	struct wire_machine machine; /* zeroed: before version 8 */
	char *barred; /* why it gets no jobs beside the other nodes; or NULL */
	struct peer_tool *tool;
	size_t n_tools;
	struct peer_tools_answer *given, *dropped; /* n_bundles, n_drops */
	struct peer_ship_count count; /* of all bundles so far */
	size_t at; /* the bundle under way; n_bundles: done with them */
};

struct peer_tools_setup {
	struct peer_tools_node *nodes;
	size_t n;
	bool survey; /* no more than who they are, and whether they are fit */
	bool verify; /* each hashes again all that it holds */
	/* To say hello and FIT; 0: 10 s, in a survey 8 s for ssh, else 3 s. */
	unsigned hello_ms;
	/* NULL, or called from the loop about five times a second. */
	void (*progress)(void *ctx);
	void *ctx;
	/* NULL, or: true ends all conversations; for a handler of SIGINT. */
	const atomic_bool *cancel;
};

void peer_tools_init(struct peer_tools_node *n, const struct node_entry *entry);
/* Forgets what came of a round; the lists stay. */
void peer_tools_release(struct peer_tools_node *n);
/* The one of that id that it holds, or NULL. */
const struct peer_tool *peer_tools_find(const struct peer_tools_node *n,
					const char *id);
/*
 * Talk to all of them.  All that was started has ended on return.  `stats` may
 * be NULL.  Fails without an event loop, or with -ECANCELED.
 */
int peer_tools_run(const struct peer_tools_setup *setup,
		   struct store_packed_stats *stats, struct err *err);

#endif

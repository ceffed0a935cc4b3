/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/survey.h - Concurrent queries and toolchain changes on several nodes.
 *
 * All nodes are dialed in one event loop.  Each node sends HELLO, FIT and
 * MACHINE, and, unless `identify_only` is set, its list of toolchains (HELD).
 * A relay also sends the names of its members.  Then the requested uploads
 * (peer/bundle.h) and removals of toolchains follow.  A node that is silent for
 * too long counts as down and does not delay the others.
 */
#ifndef PEER_SURVEY_H
#define PEER_SURVEY_H

#include "node/roster.h"
#include "peer/bundle.h"
#include "store/packed-cache.h"

#include <stdatomic.h>

/*
 * Default time limit in ms until HELLO arrives, if `identify_only` is set and
 * the address starts with exec: or unix:.  Such an address can be that of a
 * relay, so the limit includes the time for which a relay waits for its members
 * before it sends HELLO (relay/relay.c).
 */
#define PEER_SURVEY_TIMEOUT_MS 5000

/* A toolchain on a node. */
struct peer_survey_toolchain {
	char *id, *host;
	struct digest dir_digest;
	enum wire_held_state state;
	char *detail; /* damaged file, if the toolchain is damaged */
};

/* Result of an upload or a removal. */
struct peer_survey_outcome {
	bool succeeded;
	char *detail; /* reason for a failure; NULL: none */
};

struct peer_survey_node {
	const struct node_entry *entry; /* borrowed */

	/*
	 * Changes to make after the queries.  The lists are borrowed and can be
	 * NULL.
	 */
	const struct peer_bundle *const *bundles;
	size_t n_bundles;
	char *const *removals; /* ids */
	size_t n_removals;

	/* Results. */
	bool up; /* the node answered all queries and requests */
	char *why; /* reason if not up, else NULL */
	struct wire_hello hello; /* zeroed: not received or incompatible */
	unsigned rtt_ms; /* from dialing to HELLO */
	struct wire_fit fit; /* zeroed: not received */
	struct wire_machine machine; /* zeroed: not received */
	bool is_relay;
	struct strv members; /* names of the relay's usable members */
	char *excluded_reason; /* why a build does not use the node, or NULL */
	struct peer_survey_toolchain *toolchains;
	size_t n_toolchains;
	struct peer_survey_outcome *bundle_outcomes; /* n_bundles entries */
	struct peer_survey_outcome *removal_outcomes; /* n_removals entries */
	/* sum of all uploads so far */
	struct peer_blob_upload_stats upload_stats;
	size_t next_bundle; /* index of the current upload, or n_bundles */
};

struct peer_survey_setup {
	struct peer_survey_node *nodes;
	size_t n;
	bool identify_only; /* ask for HELLO, FIT and MACHINE only */
	bool rehash; /* nodes hash their toolchains again */
	/*
	 * Time limit for the greeting in ms.  0 selects the default, which is
	 * 14.5 s for tls: and 10 s for all other addresses.  With
	 * `identify_only`, the default is 8 s for ssh:, and 5 s for exec: and
	 * unix:.
	 */
	unsigned hello_timeout_ms;
	/* Called from the event loop five times a second; can be NULL. */
	void (*on_progress)(void *ctx);
	void *ctx;
	/*
	 * All sessions end once this flag is true; a SIGINT handler can set it.
	 * The pointer can be NULL.
	 */
	const atomic_bool *cancel;
};

void peer_survey_init(struct peer_survey_node *n,
		      const struct node_entry *entry);
/* Free the results.  The lists of changes are not touched. */
void peer_survey_release(struct peer_survey_node *n);
/* Return the node's toolchain with this id, or NULL. */
const struct peer_survey_toolchain *peer_survey_find(
	const struct peer_survey_node *n, const char *id);
/*
 * Query and change all nodes, and block until all sessions have ended.  `stats`
 * can be NULL.  Returns 0, -ENOMEM if no event loop can be created, or
 * -ECANCELED.
 */
int peer_survey_run(const struct peer_survey_setup *setup,
		    struct store_packed_cache_stats *stats, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/benchmark.h - Measurement of the fastest compiler build per node.
 *
 * Every compiler build that a node has installed and can run compiles the
 * canary (the sources of templates/canary/) in turn.  So does the local build
 * if the node can run it.  A coordinator that measures takes no jobs: see
 * coord_setup.
 */
#ifndef PEER_BENCHMARK_H
#define PEER_BENCHMARK_H

#include "base/str.h"
#include "peer/canary-db.h"

#define PEER_BENCHMARK_ROUNDS 3 /* of the canary; the fastest counts */

/* One compiler build on one node. */
struct peer_benchmark_candidate {
	char *id; /* "": the local build, uploaded */
	bool tested;
	enum peer_canary_status status;
	char *detail; /* why it did not pass */
	uint32_t cpu_ms;
};

struct peer_benchmark_node {
	const char *node; /* name of the node */
	bool started, finished;
	char *error; /* why there is no result */
	struct peer_benchmark_candidate *candidates;
	size_t n_candidates, next;
	const struct peer_benchmark_candidate *best; /* NULL: none passed */
};

struct peer_benchmark {
	struct peer_benchmark_node *nodes; /* in the order of the roster */
	size_t n_nodes;
	/* Called once from the loop, after all nodes. */
	void (*on_done)(void *ctx);
	void *ctx;
};

void peer_benchmark_release(struct peer_benchmark *t);

/*
 * The node's struct peer_native_toolchain calls the next four functions.
 * `node` is the node's name.
 */
/*
 * Start to measure the builds `ids` of a node.  Returns false if this was done
 * before for the node, or if `t` does not contain the node.
 */
bool peer_benchmark_start(struct peer_benchmark *t, const char *node,
			  const struct strv *ids);
/*
 * Return the id to test next; NULL if all builds have been tested or the node
 * has finished.
 */
const char *peer_benchmark_next(const struct peer_benchmark *t,
				const char *node);
/*
 * Record the result of the build whose id peer_benchmark_next() returned.
 * Returns false if peer_benchmark_next() returned NULL.
 */
bool peer_benchmark_record(struct peer_benchmark *t, const char *node,
			   enum peer_canary_status is, const char *detail,
			   uint32_t cpu_ms);
/*
 * Finish the node after all its builds have been tested, and store the fastest
 * one in the file `db`.
 */
void peer_benchmark_finish(struct peer_benchmark *t, const char *db,
			   const struct peer_canary_db_subject *key);

/* Finish one node, or all nodes, without a result. */
void peer_benchmark_fail_node(struct peer_benchmark *t, const char *node,
			      const char *why);
void peer_benchmark_fail_all(struct peer_benchmark *t, const char *why);

#endif

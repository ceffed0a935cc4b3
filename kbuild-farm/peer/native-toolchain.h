/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/native-toolchain.h - Selection of the compiler build for a node.
 *
 * A node runs either the local toolchain's files or a node-native build of the
 * same release:
 *
 * - If the node can run the local toolchain, that toolchain is uploaded, unless
 *   `kfarm toolchain tune` measured a faster build on the node.
 * - Otherwise the node uses a build that it has installed.  If it has no such
 *   build and the setting toolchain.sync is on, a build that is installed on
 *   the build host is first uploaded to the node.  If the node then still has
 *   no such build, it gets no jobs and the user gets the reason.
 *
 * A node-native build gets jobs after a canary has passed.  The canary runs
 * after the node has started the sandbox (peer/canary.h), unless the result of
 * an earlier canary with the same contents of both compilers is stored
 * (peer/canary-db.h).  In `kfarm toolchain tune`, all builds are tested in
 * turn.
 *
 * All clients of a node share its installed toolchains, and each client can
 * replace them.  A build host therefore uses a toolchain only if its dir_digest
 * is equal to that of the toolchain with the same id in data_dir.  If data_dir
 * has no such toolchain, the dir_digest must be that of the last toolchain with
 * this id that passed a canary on the node.  A client can also replace a
 * toolchain between HELD (the list) and CELL (the request for a sandbox), but
 * no longer once a sandbox uses the toolchain.  So, unless a canary result
 * matches the sandbox, the build host requests the list again before it starts
 * the canary.
 */
#ifndef PEER_NATIVE_TOOLCHAIN_H
#define PEER_NATIVE_TOOLCHAIN_H

#include "peer/bundle.h"
#include "peer/canary.h"

struct peer_native_toolchain_source; /* source of an upload */

/*
 * State of one session, from FIT on.  The caller sets the first three members
 * and zeroes the others.
 */
struct peer_native_toolchain {
	struct peer_conn *conn;
	const char *machine; /* uname -m; borrowed from HELLO */
	/* architectures of programs that the node can run; from FIT */
	const struct strv *hosts;
	/* request_id of the latest TOOLS message, 0 if none was sent */
	uint32_t list_id;
	bool list_received; /* the reply to the latest TOOLS is complete */
	struct peer_native_toolchain_entry {
		char *id, *host;
		struct digest dir_digest;
		/* the outer `list_id` when the entry was last updated */
		uint32_t list_id;
	} * entries; /* the ids are unique */
	size_t n_entries;
	struct strv offered; /* ids of toolchains whose upload was tried */
	struct peer_native_toolchain_source *source; /* NULL: no upload */
	struct peer_bundle_upload upload;
	/* HELD was received or an upload ended; cleared by peer_advance() */
	bool list_changed;
	/* the node waits for a file that cannot be sent: end the session */
	bool upload_failed;
	/* reason why the last request found no build for the node */
	char *missing_reason;
};

/* Release everything and zero `f`.  Does nothing if `f` is zeroed. */
void peer_native_toolchain_release(struct peer_native_toolchain *f);

/*
 * Request a sandbox for the toolchain.  If the selection of a compiler build
 * must wait for the node's list of toolchains or for an upload, the function
 * requests no sandbox, and the caller must call it again when f->list_changed
 * is true.
 */
void peer_native_toolchain_request(struct peer_native_toolchain *f,
				   struct peer_sandboxes *sandboxes,
				   struct inputs_toolchain *tc);
/* Handle a sandbox that the node started or closed. */
void peer_native_toolchain_handle_sandbox(struct peer_native_toolchain *f,
					  struct peer_sandbox *sandbox);
/*
 * Start the canary of each sandbox whose toolchain the latest list confirms,
 * and close each other sandbox that waits for this list.
 */
void peer_native_toolchain_confirm(struct peer_native_toolchain *f,
				   struct peer_sandboxes *sandboxes);
/* Handle the end of a canary; releases `o`. */
void peer_native_toolchain_handle_canary(struct peer_native_toolchain *f,
					 struct peer_sandbox *sandbox,
					 struct peer_canary_result *o);

enum peer_toolchain_state peer_native_toolchain_get_state(
	const struct peer_native_toolchain *f,
	const struct peer_sandboxes *sandboxes,
	const struct inputs_toolchain *tc);

/* Handle HELD.  Returns 0, or -EPROTO with `err` set. */
int peer_native_toolchain_handle_held(struct peer_native_toolchain *f,
				      struct bytes body, struct err *err);
/* Handle HAVE for the upload in progress. */
void peer_native_toolchain_handle_have(struct peer_native_toolchain *f,
				       const struct wire_have *m);

/*
 * Return true if toolchain `id` for `host` seems to be a build of the compiler
 * with the manifest `m`: the release must be equal and, for gcc, the target
 * triplet compatible ("aarch64-linux" matches "aarch64-linux-gnu").  Only a
 * canary (peer/canary.h) proves that the compilers are equivalent.
 */
bool peer_native_toolchain_matches(const char *id, const char *host,
				   const struct compiler_manifest *m);

/*
 * Measurement of the fastest compiler build per node.
 *
 * Each node compiles the canary (the sources of templates/canary/) with one
 * compiler build after another: first with the local build, if the node can run
 * it, then with the matching builds that the node has installed and can run.  A
 * coordinator takes no jobs during the measurement (`benchmark` of struct
 * coord_setup).
 */
#define PEER_BENCHMARK_ROUNDS 3 /* rounds of the canary; the fastest counts */

/* One compiler build on one node. */
struct peer_benchmark_candidate {
	char *id; /* "" for the local build, which is uploaded */
	bool tested;
	enum peer_canary_status status;
	char *detail; /* reason if the canary did not pass */
	uint32_t cpu_ms; /* CPU time of the fastest round */
};

struct peer_benchmark_node {
	const char *node; /* name of the node */
	bool started, finished;
	char *error; /* reason if the node has no result */
	struct peer_benchmark_candidate *candidates;
	size_t n_candidates, next;
	/* fastest candidate that passed, or NULL */
	const struct peer_benchmark_candidate *best;
};

struct peer_benchmark {
	struct peer_benchmark_node *nodes; /* in the order of the roster */
	size_t n_nodes;
	/* Called once from the event loop, after all nodes have finished. */
	void (*on_done)(void *ctx);
	void *ctx;
};

void peer_benchmark_release(struct peer_benchmark *t);
/* Finish one node, or all nodes, without a result. */
void peer_benchmark_fail_node(struct peer_benchmark *t, const char *node,
			      const char *why);
void peer_benchmark_fail_all(struct peer_benchmark *t, const char *why);

#endif

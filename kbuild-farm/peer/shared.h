/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/shared.h - State and callbacks that all nodes of a build share.
 *
 * The owner fills a struct peer_shared, which must not move while nodes exist.
 * The nodes report every change through struct peer_ops.  A job number is
 * unique across all nodes.
 */
#ifndef PEER_SHARED_H
#define PEER_SHARED_H

#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "inputs/path.h"
#include "wire/msg.h"

#include <stdatomic.h>

struct children;
struct event_base;
struct inputs_toolchain;
struct peer_job_result;
struct peer_benchmark;
struct peer_neighbors;
struct store_packed_cache;
struct tls_context;

/*
 * States of a node:
 *
 *	DOWN -> GREETING -> UP or UNFIT
 *
 * GREETING ends when the node sends MACHINE or, in versions of the protocol
 * without MACHINE, when it sends FIT.  A node that cannot create a sandbox is
 * UNFIT: it stays connected and gets no jobs.  An INCOMPATIBLE node speaks
 * another version of the protocol.  It has no connection, like a node that is
 * DOWN, but dialing it again does not help.
 */
enum peer_state {
	PEER_DOWN,
	PEER_GREETING,
	PEER_UP,
	PEER_UNFIT,
	PEER_INCOMPATIBLE,
};

/* State of one toolchain on a node. */
enum peer_toolchain_state {
	/* no session, no usable compiler build, or the sandbox is closed */
	PEER_TOOLCHAIN_NONE,
	/*
	 * peer_advance() has not requested a sandbox yet, or the node has not
	 * responded to the request yet
	 */
	PEER_TOOLCHAIN_REQUESTED,
	/*
	 * The node waits for blobs, a canary has not passed yet, or kfarm has
	 * to wait for the node's list of toolchains or for an upload before it
	 * can select a compiler build.
	 */
	PEER_TOOLCHAIN_PENDING,
	PEER_TOOLCHAIN_READY, /* accepts jobs */
};

enum peer_known_answer {
	PEER_KNOWN_ANSWER_RIGHT,
	PEER_KNOWN_ANSWER_WRONG, /* object differs from the local one */
	PEER_KNOWN_ANSWER_FAILED,
	PEER_KNOWN_ANSWER_BUSY, /* the node did not accept the test */
};

/*
 * Callbacks from the event loop.  `ctx` is the value that was passed to
 * peer_new() for the node, except in on_wake_requested(), which gets the ctx of
 * struct peer_shared.  A callback can query a node but must not change it.
 */
struct peer_ops {
	/* Call peer_advance() of every node soon, from the event loop. */
	void (*on_wake_requested)(void *ctx);
	/*
	 * The node's session began or ended; `why` explains any state except
	 * PEER_UP.  The end of a session closes its sandboxes and drops its
	 * jobs without further callbacks.
	 */
	void (*on_state_changed)(void *ctx, enum peer_state state,
				 const char *why);
	/*
	 * The number of jobs in flight that do not belong to the build
	 * (canaries and known-answer tests) changed to `n`.
	 */
	void (*on_busy_changed)(void *ctx, unsigned n);
	/* peer_lease() changed during the session.  Can be NULL. */
	void (*on_lease_changed)(void *ctx);
	/* The members of a relay changed.  Can be NULL. */
	void (*on_members_changed)(void *ctx);
	/* The state of a shared toolchain changed on this node. */
	void (*on_toolchain_changed)(void *ctx, struct inputs_toolchain *tc,
				     enum peer_toolchain_state has);
	/*
	 * A sandbox was closed because a file changed while it was in use.  All
	 * jobs with this toolchain were cancelled, and the owner must collect
	 * their inputs again.
	 */
	void (*on_sandbox_stale)(void *ctx, struct inputs_toolchain *tc);
	/*
	 * The node waits for a toolchain file that cannot be read.  The owner
	 * should end the session with peer_end_session(), but it can wait until
	 * the session is idle.
	 */
	void (*on_reconnect_needed)(void *ctx);
	/*
	 * A message for the user: the reason why the node cannot use toolchain
	 * `tc`, or the node's current activity if `tc` is NULL.
	 */
	void (*on_notice_received)(void *ctx, const struct inputs_toolchain *tc,
				   const char *reason);
	/* Result of peer_send_known_answer(). */
	void (*on_known_answer_checked)(void *ctx, enum peer_known_answer is,
					const char *why);
	/*
	 * Result of peer_measure_bandwidth(): the duration of the transfer in
	 * microseconds, or 0 if the node did not request the bytes.  The
	 * callback can be NULL if the owner never measures.
	 */
	void (*on_bandwidth_measured)(void *ctx, uint64_t us);

	/* A heartbeat updated the node's load. */
	void (*on_load_received)(void *ctx);
	/* CPU time that the compiler of a job has used so far. */
	void (*on_heartbeat_received)(void *ctx, uint32_t job, uint32_t cpu_ms);
	/* Part of the job's output was received. */
	void (*on_output_received)(void *ctx, uint32_t job);
	/*
	 * The complete result was received and is not yet verified.  The callee
	 * takes ownership of the contents of `answer`.
	 */
	void (*on_job_finished)(void *ctx, uint32_t job,
				struct peer_job_result *answer);
	/* The job `fail->job` has no result. */
	void (*on_job_failed)(void *ctx, const struct wire_fail *fail);
};

struct peer_shared {
	struct event_base *base;
	struct children *children; /* reaps transport commands */
	struct pool *pool;
	/* from peer_blob_upload_new_cache() */
	struct store_packed_cache *packed;
	struct inputs_paths *paths;
	struct strv roots; /* source and build directories to mount */
	const char *work_dir; /* private directory */
	const char *canary_db; /* NULL: node-native toolchains are not used */
	const char *data_dir; /* directory of installed toolchains */
	bool sync_toolchains; /* upload missing toolchains to nodes */
	unsigned weight_percent; /* claimed by WEIGHT; 0: no WEIGHT is sent */
	/* NULL except in `kfarm toolchain tune` */
	struct peer_benchmark *benchmark;
	const struct peer_ops *ops;
	void *ctx; /* for on_wake_requested() */

	/* Filled by peer_shared_add_toolchain(). */
	struct inputs_toolchain **toolchains;
	size_t n_toolchains;

	/* The owner zeroes these fields; the functions of peer/ set them. */
	struct tls_context *tls; /* created for the first tls: node */
	uint32_t n_jobs; /* job numbers assigned so far */
	/* bytes of the nodes' outputs that the owner has not released */
	atomic_size_t output_bytes;
	TAILQ_HEAD(, peer_canary) canaries; /* results of local compilers */
	unsigned n_canaries;
	struct peer_neighbors *neighbors; /* created for the first session */
};

/* Release what `shared` owns.  All nodes must have been freed. */
void peer_shared_release(struct peer_shared *shared);
/*
 * Register a source file of the build host and return its entry, which can be
 * sent to nodes.  `path` is absolute and contains no symbolic links; `text` is
 * the file's content.  Returns NULL if the file does not exist.
 */
const struct inputs_entry *peer_shared_add_source(
	const struct peer_shared *shared, const char *path, struct bytes text);
/*
 * Add a toolchain whose files have been listed.  Every node is asked for a
 * sandbox.
 */
void peer_shared_add_toolchain(struct peer_shared *shared,
			       struct inputs_toolchain *tc);
/*
 * Wait until the transport commands of the freed nodes have exited, but at most
 * 0.4 s.  If the nodes can include members of pools, `has_members` must be set,
 * and the limit is NODE_POOL_KILL_MS + 2 s.
 */
void peer_shared_wait_for_commands(struct peer_shared *shared,
				   bool has_members);
void peer_shared_wake(const struct peer_shared *shared);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/sandbox.h - Sandboxes that a node provides, and their jobs.
 *
 * A session has one sandbox for each toolchain at a time.  After a sandbox is
 * closed, another sandbox can be requested:
 *
 *	REQUESTED -> [TESTING ->] READY -> CLOSED
 *	         \-> CLOSED
 *
 * A node can refuse a requested sandbox for a temporary reason, for example a
 * full disk.  A refused sandbox is therefore requested again after 10 s.  Each
 * further refusal in the session doubles this time, up to 320 s.
 *
 * A sandbox can use a node-native build of the compiler.  In this case, the
 * build host sends no toolchain files.  The node mounts the files of its own
 * build at the paths of the local toolchain.  The sandbox remains in state
 * TESTING, without jobs, until a canary has shown that both compilers produce
 * equal output (peer/native-toolchain.h).
 */
#ifndef PEER_SANDBOX_H
#define PEER_SANDBOX_H

#include "inputs/toolchain.h"
#include "options/allowlist.h"
#include "peer/conn.h"
#include "peer/input-sync.h"
#include "wire/msg.h"

/*
 * Limits in bytes on the memory for outputs.  NODE applies to the jobs in
 * flight on one node.  ALL applies to the jobs of all nodes plus the results
 * that have not been released yet.
 */
#define PEER_NODE_OUTPUT_MAX ((size_t)512 << 20)
#define PEER_ALL_OUTPUT_MAX  ((size_t)1 << 30)

struct peer_sandbox;
struct inputs_reference_object;
struct inputs_tool;

enum peer_sandbox_state {
	PEER_SANDBOX_REQUESTED,
	PEER_SANDBOX_TESTING, /* runs, but a canary must pass first */
	PEER_SANDBOX_READY,
	PEER_SANDBOX_CLOSED, /* refused, lost or stale */
};

/* Progress of a sandbox's canary (peer/canary.h). */
struct peer_canary_progress {
	unsigned n_rounds_left; /* including the current one; 0: not running */
	size_t unit_index; /* next unit to compile */
	bool in_flight; /* a job of the canary is on the node */
	uint32_t cpu_ms, best_ms;
	bool has_best;
};

struct peer_sandbox {
	TAILQ_ENTRY(peer_sandbox) list_entry;
	struct peer_sandboxes *sandboxes;
	struct inputs_toolchain *toolchain;
	enum peer_sandbox_state state;
	char *native_name; /* node-native toolchain id; NULL: local toolchain */
	struct digest native_id; /* content id reported by the node */
	bool has_native_id; /* `native_id` is valid */
	/* TESTING: the canary waits for the node's list of toolchains */
	bool unconfirmed;
	struct peer_canary_progress canary; /* while TESTING */
	/*
	 * reason, shown to the user, why the sandbox was closed or why the
	 * preceding sandbox was refused
	 */
	char *detail;
	bool blobs_missing; /* the node has requested toolchain blobs */
	bool lost; /* the node lost the sandbox; another can be requested */
	uint64_t retry_ms; /* time of the next request; 0: not refused */
	uint64_t retry_delay_ms; /* delay after the last refusal; 0: none yet */
	bool reason_repeated; /* refused twice in a row for the same reason */
	struct peer_input_sync input_sync; /* files sent to the sandbox */
	struct peer_blob_upload_user upload_user;
};

struct peer_sandboxes {
	struct peer_conn *conn;
	TAILQ_HEAD(, peer_sandbox) list; /* newest first */
	unsigned n_lost; /* sandboxes that the node lost in this session */
};

/*
 * Ask the node for a sandbox with this toolchain.  If `native_name` is not
 * NULL, the node uses the installed toolchain with this id; otherwise the files
 * of `tc` are sent.
 */
void peer_sandbox_request(struct peer_sandboxes *all,
			  struct inputs_toolchain *tc, const char *native_name);
/*
 * Close the sandbox for new jobs and notify the node.  `detail` is the reason
 * for the user.
 */
void peer_sandbox_close(struct peer_sandbox *sandbox, const char *detail);
/*
 * Handle HAVE of a sandbox.  Return true if its state has changed.  The new
 * state is TESTING (for a node-native sandbox that started), READY (for any
 * other sandbox that started) or CLOSED.
 */
bool peer_sandbox_handle_have(struct peer_sandbox *sandbox,
			      const struct wire_have *m);
/* Return the latest sandbox of a toolchain, or NULL if none was requested. */
struct peer_sandbox *peer_sandbox_find(const struct peer_sandboxes *all,
				       const struct inputs_toolchain *tc);

/* Request each refused sandbox again whose retry_ms has been reached. */
void peer_sandbox_retry_refused(struct peer_sandboxes *all, uint64_t now_ms);

struct peer_job_result {
	struct wire_result wire;
	struct digest job_digest, toolchain; /* expected in the result */
	unsigned n_side_outputs; /* requested besides the object */
	struct buf streams[WIRE_N_OUTPUTS];
	/*
	 * bytes that the node sent for this result, and the sum for all nodes;
	 * peer_job_result_release() subtracts the bytes from the sum
	 */
	size_t received_bytes;
	atomic_size_t *total_bytes; /* NULL: no bytes received */
	/*
	 * member of the relay that executed the job, as the relay claims; NULL
	 * if the node is not a relay
	 */
	char *member;
};

/* Any thread can call this. */
void peer_job_result_release(struct peer_job_result *a);
/*
 * Check that a result belongs to its job and is undamaged: check the number of
 * side outputs, the lengths, the digest and the toolchain.  The exit status is
 * not checked.  Returns 0, or -EBADMSG with `err` set.  Hashes all outputs,
 * which can be several megabytes.
 */
int peer_job_result_check(const struct peer_job_result *a, struct err *err);

enum peer_job_kind {
	PEER_JOB_UNIT, /* belongs to the build */
	PEER_JOB_CANARY, /* see struct peer_canary */
	PEER_JOB_KNOWN_ANSWER, /* see peer_canary_send_known_answer() */
};

struct peer_job {
	TAILQ_ENTRY(peer_job) list_entry;
	uint32_t number;
	enum peer_job_kind kind;
	struct peer_sandbox *sandbox;
	const struct inputs_reference_object *reference; /* for KNOWN_ANSWER */
	size_t output_bytes; /* part of output_bytes of struct peer_conn */
	struct peer_job_result result;
};

struct peer_job *peer_job_find(const struct peer_conn *l, uint32_t number);
/* Add a job in flight with a number that was never used before. */
struct peer_job *peer_job_new(struct peer_conn *l, enum peer_job_kind kind,
			      struct peer_sandbox *sandbox);
/* Remove and free a job. */
void peer_job_free(struct peer_conn *l, struct peer_job *job);
void peer_job_free_all(struct peer_conn *l);
/* Ask the node to stop the job with this number. */
void peer_job_send_cancel(const struct peer_conn *l, uint32_t number);
/*
 * Ask the node to stop the job, and free it.  Later messages about it are
 * ignored.
 */
void peer_job_cancel(struct peer_conn *l, struct peer_job *job);
/*
 * Append to the job's output.  Data of a side output that was not requested is
 * dropped, and peer_job_result_check() later rejects a result that lists such a
 * side output.  Returns 0; -EMSGSIZE if the output exceeds the limit of its
 * stream; -ENOBUFS if the outputs of the node's jobs exceed
 * PEER_NODE_OUTPUT_MAX; or -EBUSY if the outputs of all nodes exceed
 * PEER_ALL_OUTPUT_MAX.  Sets `err` on failure.  After -ENOBUFS or -EBUSY, the
 * caller cancels the job.
 */
int peer_job_add_output(struct peer_conn *l, struct peer_job *job,
			const struct wire_piece *m, struct err *err);

/* One request to a node.  All pointers are borrowed. */
struct peer_job_request {
	enum wire_lang lang;
	uint32_t deadline_ms;
	uint32_t cost_ms; /* predicted CPU time; 0: unknown */
	const struct inputs_path *cwd;
	const char *source, *object;
	bool pinned; /* run on the CPUs of `class` only */
	uint8_t class; /* index of a CPU class in MACHINE */
	bool sides_named; /* see `output_named` of struct wire_job */
	unsigned n_side_outputs;
	const struct options_flags *flags;
	char *const *env; /* environment of the compiler */
	const struct inputs_entry *const *entries;
	size_t n_entries;
	const struct inputs_entry *const *language;
	size_t n_language;
	/*
	 * Tool step to run with the compile; `tool` is NULL if the job has
	 * none.
	 */
	const struct inputs_tool *tool;
	enum wire_step_kind step;
	char *const *arguments; /* arguments of the tool, NULL-terminated */
};

/*
 * Send the changes to the sandbox's inputs, then the job.  Returns 0 and sets
 * *job; -E2BIG if the job exceeds the size of a message; -ENOSPC if the session
 * has no ids left; -ESTALE as in peer_input_sync_add_entries();
 * -EPROTONOSUPPORT if the version of the session cannot express the job.  No
 * job is sent on failure.
 */
int peer_job_send(struct peer_sandbox *sandbox, enum peer_job_kind kind,
		  const struct peer_job_request *q, struct peer_job **job);

#endif

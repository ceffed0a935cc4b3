/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/peer.h - The build host's end of one node's connection.
 *
 * The owner of a peer (such as the coordinator) calls the functions below, and
 * the peer reports events through struct peer_ops.  The owner decides when to
 * dial, and whether a node gets further jobs after a failure.  The peer closes
 * the session of a node that is silent for five seconds, and selects the
 * compiler build that a sandbox uses (peer/native-toolchain.h).
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "peer/input-sync.h"
#include "peer/sandbox.h"

struct peer;
struct wire_inventory;

/*
 * Create a peer for a node, in state PEER_DOWN.  `entry` is borrowed; `ctx` is
 * passed to the callbacks of struct peer_ops.
 */
struct peer *peer_new(struct peer_shared *shared,
		      const struct node_entry *entry, void *ctx);
void peer_free(struct peer *p);

/*
 * Replace the configuration; `entry` is borrowed.  A new address or key takes
 * effect with the next dial, a new number of slots at once.
 */
void peer_set_entry(struct peer *p, const struct node_entry *entry);

/*
 * Start to connect: the state becomes PEER_GREETING, or on_state_changed()
 * reports the failure before this function returns.
 */
void peer_dial(struct peer *p);
/* Close the session, if any, without a callback. */
void peer_disconnect(struct peer *p);
/*
 * Send BYE and close the session, without a callback.  The owner calls this
 * function if the session has no ids left or a file cannot be uploaded, and
 * then dials the node again.
 */
void peer_end_session(struct peer *p);
/*
 * Send a known-answer test (a compile whose correct result is known).  Returns
 * false if no test is possible now.
 */
bool peer_send_known_answer(struct peer *p);
/*
 * Measure how long the transfer of `file` to the node takes.  The peer requests
 * a sandbox whose only file is `file`.  The file must contain random data, so
 * that the node does not have its content yet.  The measured time, from NEED to
 * HAVE, includes everything that slows down the upload of a compiler: TLS, the
 * node's disk and its memory.  on_bandwidth_measured() reports the result once.
 * An earlier measurement that is still in progress ends without a result.
 * Returns false if the node cannot be measured now.
 */
bool peer_measure_bandwidth(struct peer *p, const struct inputs_entry *file);
/*
 * Send a job with a toolchain in state READY, and set *number to the number of
 * the job.  Returns 0, or an error of peer_job_send().
 */
int peer_send(struct peer *p, const struct inputs_toolchain *tc,
	      const struct peer_job_request *q, uint32_t *number);
/* Cancel a job.  No callback is called for this job any more. */
void peer_cancel(struct peer *p, uint32_t number);

/*
 * Let a relay exclude a member that returned a wrong result for the job.
 * Returns false if the caller must treat the relay itself as faulty: the relay
 * is not up; it does not list the member; the job was sent after the member had
 * been excluded; or no other member can execute jobs.
 */
bool peer_exclude_member(struct peer *p, const char *member, uint32_t job);

/*
 * Request sandboxes, continue canaries, and report changes to the owner.  Call
 * this function after on_wake_requested().
 */
void peer_advance(struct peer *p);
/* Check for silence and retry uploads.  Call it once a second. */
void peer_tick(struct peer *p, uint64_t now_ms);

enum peer_state peer_state(const struct peer *p);
/* See peer_conn_is_ending(). */
bool peer_is_ending(const struct peer *p);
enum peer_toolchain_state peer_toolchain_state(
	const struct peer *p, const struct inputs_toolchain *tc);
/*
 * Return true if the node accepts tool steps of this kind with this toolchain.
 * *host becomes NULL if the node runs the build host's programs.  Otherwise,
 * *host becomes the architecture of the node-native toolchain, such as "arm64",
 * and the tools must be built for this architecture.  The string is borrowed.
 * The node reports it, and kfarm does not verify it.
 */
bool peer_can_run_step(const struct peer *p, const struct inputs_toolchain *tc,
		       enum wire_step_kind kind, const char **host);
/* Return the number of jobs that the node can run concurrently. */
unsigned peer_slots(const struct peer *p);
/*
 * Return how many slots the node grants to this build host now: at least 1, or
 * WIRE_LEASE_UNLIMITED.
 */
unsigned peer_lease(const struct peer *p);
/* Return the boot id of the node's machine; NULL or "" if it is unknown. */
const char *peer_boot_id(const struct peer *p);

struct peer_stats {
	/* NULL: no HELLO was received yet */
	const struct wire_inventory *inventory;
	/* zeroed: no MACHINE was received */
	const struct wire_machine *machine;
	const char *software; /* "kfarmd 0.1"; NULL: unknown */
	const char *layers; /* sandbox layers that work; NULL: unknown */
	/* members of a relay, separated by blanks; NULL: no relay */
	const char *members;
	bool toolchain_missing; /* no toolchain is usable */
	const char *missing_reason; /* can be NULL */
	const struct wire_health *health; /* from the last HEALTH */
	const struct wire_heat *heat; /* from the last HEAT; zeroed: none */
	bool can_pin_jobs; /* jobs can be pinned to a CPU class */
	uint64_t cpu_ms; /* CPU time of all build jobs that the node finished */
	uint64_t sent_bytes, received_bytes;
};

void peer_stats(const struct peer *p, struct peer_stats *out);

#endif

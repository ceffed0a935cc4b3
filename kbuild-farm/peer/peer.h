/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/peer.h - The build host's end of one node's connection.
 *
 * A peer executes the commands of its owner and reports events (struct
 * peer_ops).  The owner decides when to dial and whether a failed node may
 * continue.  The peer itself closes the session of a node that is silent for
 * five seconds, and selects the compiler build that a sandbox uses
 * (peer/native-toolchain.h).
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
 * Close the session, after a BYE, without a callback.  The owner dials the node
 * again, because the session has no ids left or a file cannot be uploaded.
 */
void peer_end_session(struct peer *p);
/*
 * Send a known-answer test (a compile whose correct result is known).  Returns
 * false if no test is possible now.
 */
bool peer_send_known_answer(struct peer *p);
/*
 * Measure how long the bytes of `file` take to reach the node.  The node is
 * asked for a sandbox whose only file is `file`.  The file must contain random
 * data, so that the node must fetch the bytes.  The time from NEED to HAVE
 * includes everything that slows down the upload of a compiler: TLS, the node's
 * disk and its memory.  on_bandwidth_measured() reports the result once.  A
 * measurement in progress is dropped.  Returns false if the node cannot be
 * measured now.
 */
bool peer_measure_bandwidth(struct peer *p, const struct inputs_entry *file);
/*
 * Send a job with a toolchain in state READY, and set *number to the number of
 * the job.  Returns 0, or an error of peer_job_send().
 */
int peer_send(struct peer *p, const struct inputs_toolchain *tc,
	      const struct peer_job_request *q, uint32_t *number);
/* Cancel a job.  No further callback mentions it. */
void peer_cancel(struct peer *p, uint32_t number);

/*
 * Let a relay exclude a member that returned a wrong result of the job.
 * Returns false if the relay itself is to blame: it is not up, it does not list
 * the member, the job was sent after the exclusion of the member, or no other
 * member is left.
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
 * *host is NULL if the node runs the build host's programs.  Otherwise the
 * tools must be built for *host, the architecture of the node-native toolchain,
 * such as "arm64".  This string is borrowed.  It is the node's claim, which is
 * not verified.
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/peer.h - one node, as the coordinator sees it.
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "coord/state.h"
#include "inputs/toolchain.h"
#include "node/limits.h"
#include "peer/transport.h"
#include "wire/flags.h"
#include "wire/msg.h"
#include "wire/paths.h"
#include "wire/stream.h"

/*
 *	DOWN -> GREETING -> UP <-> RESTING -> PROVING -> UP
 *		       \-> UNFIT
 *
 * DOWN waits for its next dial; GREETING ends with the node's FIT.  One that
 * is UNFIT cannot make a sandbox: it stays connected, and gets no job.  A node
 *that failed a job is RESTING (the circuit breaker is open), then gets a unit
 *whose answer is known; only when it is right the node is UP again.  OUT is for
 *the rest of the build.
 */
enum peer_state {
	PEER_DOWN,
	PEER_GREETING,
	PEER_UP,
	PEER_UNFIT,
	PEER_RESTING,
	PEER_PROVING,
	PEER_OUT,
};

struct peer {
	struct coord *coord;
	const struct node_entry *entry; /* borrowed from the roster */
	enum peer_state state;
	char *detail; /* why it is not up; NULL when it is */
	struct peer_transport line;
	struct wire_stream *stream;
	struct event *timer; /* hello's deadline, next dial, next proof */
	struct wire_hello hello; /* of the last conversation */
	bool greeted; /* `hello` was received at least once */
	struct node_limit limit;
	struct wire_fit fit; /* of the last conversation */
	bool hello_seen; /* in this conversation */
	bool worn; /* which can name no more: no jobs, then a new one */
	TAILQ_HEAD(, peer_cell) cells; /* the newest first */
	uint32_t next_cell;
	unsigned lost_cells; /* in this conversation */
	char *lacks; /* the last toolchain that it can never have, and why */
	struct wire_intern *paths;
	struct wire_intern *flags;
	struct peer_ship *ship;
	struct peer_foreign *own; /* what it holds itself (peer/foreign.h) */
	uint64_t heard_ms;
	bool connected_before;

	bool doubted; /* the last job failed, perhaps by its own fault */
	unsigned faults; /* in a row; decides how long it rests */
	unsigned strikes; /* wrong answers in this build */

	/* the unit whose answer is known */
	uint32_t proof; /* its job number, 0: none is out */
	struct inputs_reference *proof_reference;
	struct digest proof_key;
	struct buf proof_answer[WIRE_STREAMS];

	unsigned running, jobs, errors, retries;
	uint64_t busy_ms, sent_before, received_before;
};

struct peer *peer_new(struct coord *c, const struct node_entry *entry);
void peer_free(struct peer *p);

/* Ask every node that is connected for a cell of a toolchain just listed. */
void peer_ask_all(struct inputs_toolchain *tc);
/* Jobs it takes now. */
unsigned peer_slots(const struct peer *p);
/* The cell for jobs of the toolchain, NULL: it takes none now. */
struct peer_cell *peer_ready_cell(struct peer *p,
				  const struct inputs_toolchain *tc);

enum peer_availability {
	PEER_NEVER,
	PEER_SHIPPING, /* the toolchain's bytes are on their way */
	PEER_SOON, /* within a few seconds it is there, or it is not */
	PEER_NOW, /* it has the toolchain */
};

/* Is it worth waiting for? */
enum peer_availability peer_availability(const struct peer *p,
					 const struct inputs_toolchain *tc,
					 uint64_t now_ms);
/* It is neither up nor lost yet. */
bool peer_undecided(const struct peer *p);

/*
 * It failed a job: what went wrong, in words.  The node rests, and jobs
 * that still run there may end.  `wrong`: it answered something false, which
 * counts as a strike; with the third it is out.
 */
void peer_fault(struct peer *p, bool wrong, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * It could not do a job.  That may be the job's fault, whose compiler crashes
 * here too: a node that did others right rests only when the next one, which
 * is another job, fails as well.
 */
void peer_suspect(struct peer *p, const char *why);
/* Its cell is gone (FAIL TOOLCHAIN, HAVE lost): ask for another, at times. */
void peer_no_cell(struct peer *p, struct inputs_toolchain *tc);
/* Its connection can name no more paths or flags: a new one, when idle. */
void peer_renew(struct peer *p);
/* It did a job right. */
void peer_success(struct peer *p);
void peer_cancel(struct peer *p, uint32_t job);
/* Once a second: has it been silent for too long? */
void peer_watch(struct peer *p, uint64_t now_ms);
const char *peer_state_name(const struct peer *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/peer.h - one node, as the coordinator sees it.
 */
#ifndef COORD_PEER_H
#define COORD_PEER_H

#include "coord/line.h"
#include "coord/state.h"
#include "coord/toolchain.h"
#include "node/limits.h"
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
enum coord_peer_state {
	PEER_DOWN,
	PEER_GREETING,
	PEER_UP,
	PEER_UNFIT,
	PEER_RESTING,
	PEER_PROVING,
	PEER_OUT,
};

struct coord_peer {
	struct coord *coord;
	const struct node_entry *entry; /* borrowed from the roster */
	enum coord_peer_state state;
	char *detail; /* why it is not up; NULL when it is */
	struct coord_line line;
	struct wire_stream *stream;
	struct event *timer; /* hello's deadline, next dial, next proof */
	struct wire_hello hello; /* of the last conversation */
	bool greeted; /* `hello` was received at least once */
	struct node_limit limit;
	struct wire_fit fit; /* of the last conversation */
	bool hello_seen; /* in this conversation */
	bool worn; /* which can name no more: no jobs, then a new one */
	TAILQ_HEAD(, coord_cell) cells; /* the newest first */
	uint32_t next_cell;
	unsigned lost_cells; /* in this conversation */
	char *lacks; /* the last toolchain that it can never have, and why */
	struct wire_paths_sent *paths;
	struct wire_flags_sent *flags;
	struct coord_ship *ship;
	struct coord_own *own; /* what it holds itself (coord/own.h) */
	uint64_t heard_ms;
	bool connected_before;

	bool doubted; /* the last job failed, perhaps by its own fault */
	unsigned faults; /* in a row; decides how long it rests */
	unsigned strikes; /* wrong answers in this build */

	/* the unit whose answer is known */
	uint32_t proof; /* its job number, 0: none is out */
	struct coord_reference *proof_reference;
	struct digest proof_key;
	struct buf proof_answer[WIRE_STREAMS];

	unsigned running, jobs, errors, retries;
	uint64_t busy_ms, sent_before, received_before;
};

struct coord_peer *coord_peer_new(struct coord *c,
				  const struct node_entry *entry);
void coord_peer_free(struct coord_peer *p);

/* Ask every node that is connected for a cell of a toolchain just listed. */
void coord_peer_ask_all(struct coord_toolchain *tc);
/* Jobs it takes now. */
unsigned coord_peer_slots(const struct coord_peer *p);
/* The cell for jobs of the toolchain, NULL: it takes none now. */
struct coord_cell *coord_peer_cell(struct coord_peer *p,
				   const struct coord_toolchain *tc);

enum coord_hope {
	COORD_NO_HOPE,
	COORD_SHIPPING, /* the toolchain's bytes are on their way */
	COORD_SOON, /* within a few seconds it is there, or it is not */
	COORD_NOW, /* it has the toolchain */
};

/* Is it worth waiting for? */
enum coord_hope coord_peer_hope(const struct coord_peer *p,
				const struct coord_toolchain *tc,
				uint64_t now_ms);
/* It is neither up nor lost yet. */
bool coord_peer_undecided(const struct coord_peer *p);

/*
 * It failed a job: what went wrong, in words.  The node rests, and jobs
 * that still run there may end.  `wrong`: it answered something false, which
 * counts as a strike; with the third it is out.
 */
void coord_peer_fault(struct coord_peer *p, bool wrong, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * It could not do a job.  That may be the job's fault, whose compiler crashes
 * here too: a node that did others right rests only when the next one, which
 * is another job, fails as well.
 */
void coord_peer_doubt(struct coord_peer *p, const char *why);
/* Its cell is gone (FAIL TOOLCHAIN, HAVE lost): ask for another, at times. */
void coord_peer_no_cell(struct coord_peer *p, struct coord_toolchain *tc);
/* Its connection can name no more paths or flags: a new one, when idle. */
void coord_peer_renew(struct coord_peer *p);
/* It did a job right. */
void coord_peer_praise(struct coord_peer *p);
void coord_peer_cancel(struct coord_peer *p, uint32_t job);
/* Once a second: has it been silent for too long? */
void coord_peer_watch(struct coord_peer *p, uint64_t now_ms);
const char *coord_peer_state_name(const struct coord_peer *p);

#endif

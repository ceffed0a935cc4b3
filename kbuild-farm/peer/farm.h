/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/farm.h - what all nodes of one build share, and whom they tell.
 *
 * The owner fills a struct peer_farm, which stays in its place as long as
 * there are nodes, and is told of everything by a struct peer_ops.  A job is
 * known here by its number alone.
 */
#ifndef PEER_FARM_H
#define PEER_FARM_H

#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "inputs/path.h"
#include "wire/msg-job.h"

struct children;
struct event_base;
struct inputs_toolchain;
struct peer_answer;
struct peer_tune;
struct store_packed;
struct tls_context;

/*
 *	DOWN -> GREETING -> UP, UNFIT
 *
 * GREETING ends with the node's FIT.  One that is UNFIT cannot make a sandbox:
 * it stays connected, and gets no job.  One that is STRANGE speaks another
 * version of the protocol, and always will; else it is as DOWN.
 */
enum peer_state {
	PEER_DOWN,
	PEER_GREETING,
	PEER_UP,
	PEER_UNFIT,
	PEER_STRANGE,
};

/* A toolchain on a node. */
enum peer_has {
	PEER_HAS_NOT, /* never asked for, refused, lost, or over */
	PEER_HAS_ASKED, /* its answer may come at once, or after bytes */
	PEER_HAS_PART, /* it lacks bytes, or is being found out */
	PEER_HAS, /* jobs can be sent */
};

enum peer_probed {
	PEER_PROBED_RIGHT,
	PEER_PROBED_WRONG, /* another object than ours */
	PEER_PROBED_FAILED,
};

/*
 * Calls from the loop.  `ctx` is that of peer_new(), the node's, but for
 * wake(), which gets that of struct peer_farm.  Within them a node may be asked
 * about, but nothing may be done to it.
 */
struct peer_ops {
	/* Call peer_step() of every node from the loop, soon. */
	void (*wake)(void *ctx);
	/*
	 * It was greeted, or the conversation is over; `why` it is not up. With
	 * a conversation its cells and its jobs are over, and nothing more is
	 * told of them.
	 */
	void (*state)(void *ctx, enum peer_state state, const char *why);
	/* Jobs that are out and none of the build's: canaries and probes. */
	void (*busy)(void *ctx, unsigned n);
	/* A toolchain of the farm is there, or not any more. */
	void (*has)(void *ctx, struct inputs_toolchain *tc, enum peer_has has);
	/*
	 * Its cell is over as files changed meanwhile; jobs with this toolchain
	 * were cancelled, and their inputs are to be looked for anew.
	 */
	void (*spoiled)(void *ctx, struct inputs_toolchain *tc);
	/* The connection is of no more use: peer_renew(), at a good moment. */
	void (*worn)(void *ctx);
	/*
	 * What people may want to know: why it cannot have this toolchain; or
	 * where `tc` is NULL, what it is doing.
	 */
	void (*event)(void *ctx, const struct inputs_toolchain *tc,
		      const char *reason);
	/* What peer_probe() showed. */
	void (*probed)(void *ctx, enum peer_probed is, const char *why);
	/*
	 * What peer_measure() showed: the microseconds that the bytes took; 0:
	 * it did not ask for them.  NULL where nobody measures.
	 */
	void (*measured)(void *ctx, uint64_t us);

	/* It beat: its figures are new. */
	void (*load)(void *ctx);
	/* The CPU time of its compiler so far. */
	void (*beat)(void *ctx, uint32_t job, uint32_t cpu_ms);
	/* A piece of its output came. */
	void (*output)(void *ctx, uint32_t job);
	/* All of it is here, unchecked; takes over what `answer` holds. */
	void (*answered)(void *ctx, uint32_t job, struct peer_answer *answer);
	void (*failed)(void *ctx, uint32_t job, enum wire_fail_class class,
		       const char *why);
};

struct peer_farm {
	struct event_base *base;
	struct children *children; /* reaps the commands of transports */
	struct pool *pool;
	struct store_packed *packed; /* of peer_ship_store() */
	struct inputs_paths *paths;
	struct strv roots; /* the trees that cells are made for */
	const char *work; /* a private directory */
	const char *canary_db; /* NULL: nodes use our compilers alone */
	const char *data; /* where toolchains are installed */
	bool sync; /* nodes are given what they lack */
	struct peer_tune *tune; /* NULL: a build */
	const struct peer_ops *ops;
	void *ctx; /* of wake() */

	/* peer_farm_add()s them. */
	struct inputs_toolchain **toolchain;
	size_t n_toolchains;

	/* The nodes' own; zero at first. */
	struct tls_context *tls; /* made when the first tls: node is dialed */
	uint32_t jobs; /* so many had a number */
	TAILQ_HEAD(, peer_canary) canaries; /* our side of them */
	unsigned n_canaries;
};

/* What it holds itself; its nodes must have gone. */
void peer_farm_release(struct peer_farm *farm);
/*
 * The version of a source of ours, as nodes are told of it: `path` is absolute
 * and without links, `text` what was written there.  NULL: it is not there.
 */
const struct inputs_entry *peer_farm_enter(const struct peer_farm *farm,
					   const char *path, struct bytes text);
/* A toolchain was listed: every node is asked for a cell of it. */
void peer_farm_add(struct peer_farm *farm, struct inputs_toolchain *tc);
void peer_farm_wake(const struct peer_farm *farm);

#endif

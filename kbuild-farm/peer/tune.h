/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/tune.h - which build of a compiler is the fastest on each node: all
 * that a node holds and runs, and the one that ships with the build where the
 * node runs that, compile the canary in turn.
 *
 * A coordinator that tunes takes no jobs; coord_setup names its struct.
 */
#ifndef PEER_TUNE_H
#define PEER_TUNE_H

#include "base/str.h"
#include "peer/canary-db.h"

#define PEER_TUNE_ROUNDS 3 /* of the canary; the fastest counts */

/* One build on one node. */
struct peer_tune_try {
	char *id; /* "": what ships with the build */
	bool tried;
	enum peer_canary_is is;
	char *detail; /* why it did not pass */
	uint32_t cpu_ms;
};

struct peer_tune_node {
	const char *node; /* its name */
	bool begun, over;
	char *why; /* nothing came of it: the reason */
	struct peer_tune_try *v;
	size_t n, at;
	const struct peer_tune_try *best; /* NULL: none passed */
};

struct peer_tune {
	struct peer_tune_node *nodes; /* as the roster has them */
	size_t n;
	/* From the loop, once, when all are over. */
	void (*done)(void *ctx);
	void *ctx;
};

void peer_tune_release(struct peer_tune *t);

/*
 * What follows is for peer/foreign.c: the compilers of one node, by its name,
 * are tried one after the other.
 */
/* Begin, once, with these ids; false: it was begun, or nobody asked for it. */
bool peer_tune_begin(struct peer_tune *t, const char *node,
		     const struct strv *ids);
/* The id to be tried next, NULL: all were, or it is over. */
const char *peer_tune_next(const struct peer_tune *t, const char *node);
/* What became of that one; false: there is none. */
bool peer_tune_note(struct peer_tune *t, const char *node,
		    enum peer_canary_is is, const char *detail,
		    uint32_t cpu_ms);
/* All were tried: record in the file `db` which was the fastest. */
void peer_tune_finish(struct peer_tune *t, const char *db,
		      const struct peer_canary_db_key *key);

/* No result is to be expected any more, of one node or of all. */
void peer_tune_lost(struct peer_tune *t, const char *node, const char *why);
void peer_tune_none(struct peer_tune *t, const char *why);

#endif

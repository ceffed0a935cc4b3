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

#include "peer/canary.h"

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

/* For peer/foreign.c: what the node holds is known, begin. */
void peer_tune_node(struct peer *p, struct inputs_toolchain *tc, bool native);
/* A cell runs. */
void peer_tune_ready(struct peer_cell *cell);
void peer_tune_tried(struct peer_cell *cell, enum peer_canary_is is,
		     const char *detail, uint32_t cpu_ms);
/* A cell was refused or lost. */
void peer_tune_refused(struct peer_cell *cell, const char *why);
/* Nothing can come of it any more: of any node, of one. */
void peer_tune_none(struct coord *c, const char *why);
void peer_tune_lost(struct peer *p, const char *why);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/tune.h - which build of a compiler is the fastest on each node: all
 * that a node holds and runs, and the one that ships with the build where the
 * node runs that, compile the canary in turn.
 *
 * A coordinator that tunes takes no jobs; coord_setup names its struct.
 */
#ifndef COORD_TUNE_H
#define COORD_TUNE_H

#include "coord/canary.h"

#define COORD_TUNE_ROUNDS 3 /* of the canary; the fastest counts */

/* One build on one node. */
struct coord_tune_try {
	char *id; /* "": what ships with the build */
	bool tried;
	enum coord_canary_is is;
	char *detail; /* why it did not pass */
	uint32_t cpu_ms;
};

struct coord_tune_node {
	const char *node; /* its name */
	bool begun, over;
	char *why; /* nothing came of it: the reason */
	struct coord_tune_try *v;
	size_t n, at;
	const struct coord_tune_try *best; /* NULL: none passed */
};

struct coord_tune {
	struct coord_tune_node *nodes; /* as the roster has them */
	size_t n;
	/* From the loop, once, when all are over. */
	void (*done)(void *ctx);
	void *ctx;
};

void coord_tune_release(struct coord_tune *t);

/* For coord/own.c: what the node holds is known, begin. */
void coord_tune_node(struct coord_peer *p, struct coord_toolchain *tc,
		     bool native);
/* A cell runs. */
void coord_tune_ready(struct coord_cell *cell);
void coord_tune_tried(struct coord_cell *cell, enum coord_canary_is is,
		      const char *detail, uint32_t cpu_ms);
/* A cell was refused or lost. */
void coord_tune_refused(struct coord_cell *cell, const char *why);
/* Nothing can come of it any more: of any node, of one. */
void coord_tune_none(struct coord *c, const char *why);
void coord_tune_lost(struct coord_peer *p, const char *why);

#endif

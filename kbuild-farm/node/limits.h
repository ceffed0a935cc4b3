/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/limits.h - how many jobs a node gets at once, and make's -j.
 *
 *	slots(node) = cores + ceil(cores / 4) queued ahead,
 *		      capped at NODE_SLOTS_MAX, whatever the node claims,
 *		      by memory: available / NODE_JOB_MIB,
 *		      by `slots =` of its configuration,
 *		      and by the limit that its kfarmd was started with
 *	local slots = the build host's cores
 *	-j          = sum of slots(node) + local slots
 *
 * (design.md, section 9; the queue-ahead is icecream's preload of 1 + cores/4
 * without the 1.)
 */
#ifndef NODE_LIMITS_H
#define NODE_LIMITS_H

#include "wire/msg.h"

/* What one compile of the kernel is expected to need at most. */
#define NODE_JOB_MIB 256
/* A node has said how many cores it has; nobody has checked it. */
#define NODE_SLOTS_MAX 1024

struct node_limit {
	unsigned slots; /* at least 1 */
	char *why; /* in words: "2 cores + 1 queued ahead" */
};

/* `configured`: `slots =`, 0 for none.  The caller frees out->why. */
void node_limit(struct node_limit *out, const struct wire_inventory *inv,
		unsigned configured);
/* Half of it, at least 1; what a nightly build uses at most. */
void node_limit_halve(struct node_limit *l);
/*
 * What a person may raise it to during a build: twice the cores, as no more
 * compilers run at once than there are, and one that waits for each is what
 * hides the way there; what kfarmd was limited to; and NODE_SLOTS_MAX.
 */
unsigned node_limit_most(const struct wire_inventory *inv);
/* node_limit() for what the build host compiles itself. */
void node_limit_local(struct node_limit *out, const struct wire_inventory *inv);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/live.h - the limit of a node while a build runs: lowered when something
 * is in its way for a while, and raised again when it no longer is.
 *
 * Each beat of the node says how many jobs it should have then
 * (node_limit_now()).  These jump; so the limit falls to the greatest of them
 * when all of 3 s were below it, and rises, by half at most, to the least of
 * them when all of 10 s were above it.  What lasts shorter changes nothing, and
 * a node that goes to and fro keeps the lower one.
 *
 * No clock in here: time is an argument in ms that does not go back.
 */
#ifndef NODE_LIVE_H
#define NODE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#define NODE_LIVE_FALL_MS 3000
#define NODE_LIVE_RISE_MS 10000

/* Zeroed: nothing is in the way. */
struct node_live {
	unsigned most; /* jobs; 0: all */
	char *why; /* in words, while it is not 0 */
	/* Since when it should be otherwise, and the nearest of these. */
	bool is_moving, up;
	uint64_t since_ms;
	unsigned nearest;
	char *nearest_why; /* NULL: nothing was in the way */
};

/*
 * A beat came: the node would have `slots`, and should have `now`, at least 1
 * and at most `slots`, because of `why`, which is NULL where that is the same.
 * True: l->most or its words changed.
 */
bool node_live_beat(struct node_live *l, uint64_t now_ms, unsigned slots,
		    unsigned now, const char *why);
/* How many of `slots` it may have. */
unsigned node_live_slots(const struct node_live *l, unsigned slots);
void node_live_release(struct node_live *l);

#endif

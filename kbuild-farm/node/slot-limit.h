/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/slot-limit.h - Temporary restriction of a node's slots during a build.
 *
 * Each heartbeat yields the number of jobs that the node should have
 * (node_limit_now()).  Because this number fluctuates, the limit follows
 * slowly.  If all values of a period of 3 s are below the limit, the limit
 * falls to the greatest of these values.  If all values of a period of 10 s are
 * above the limit, the limit rises to the least of them, but at most by half.
 * A value that equals the limit, or that is on the other side of the limit,
 * ends the period early.  Short changes and alternating values thus have no
 * effect.
 *
 * This is a pure machine: it does no I/O, and time is an argument in ms that
 * never decreases.
 */
#ifndef NODE_SLOT_LIMIT_H
#define NODE_SLOT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define NODE_SLOT_LIMIT_FALL_MS 3000
#define NODE_SLOT_LIMIT_RISE_MS 10000

/* Zeroed: no restriction. */
struct node_slot_limit {
	unsigned max_slots; /* 0: unrestricted */
	char *reason; /* for display; set while restricted */
	/*
	 * The current period of values that differ from the limit, its start,
	 * and the value that is closest to the limit.
	 */
	bool pending, rising;
	uint64_t pending_since_ms;
	unsigned target_slots;
	char *target_reason; /* NULL: no restriction */
};

/*
 * Process a heartbeat.  The node has `slots` slots, but should have only
 * `wanted_slots` jobs (1 to `slots`) because of `why`, which is NULL if both
 * numbers are equal.  Returns true if l->max_slots or the reason changed.
 */
bool node_slot_limit_update(struct node_slot_limit *l, uint64_t now_ms,
			    unsigned slots, unsigned wanted_slots,
			    const char *why);
/* Return the number of `slots` that the restriction leaves. */
unsigned node_slot_limit_apply(const struct node_slot_limit *l, unsigned slots);
void node_slot_limit_release(struct node_slot_limit *l);

#endif

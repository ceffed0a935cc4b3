/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/slot-limit.h - Temporary restriction of a node's slots during a build.
 *
 * Each heartbeat yields the number of jobs that the node should have
 * (node_limit_now()).  Because this number fluctuates, the restriction follows
 * slowly: it falls to the greatest value of a period of 3 s in which all values
 * were below it, and rises, by at most half, to the least value of a period of
 * 10 s in which all were above it.  Shorter changes have no effect, and a node
 * that alternates keeps the lower number.
 *
 * This is a pure machine: time is an argument in ms and never decreases.
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
	 * Start of the current period of deviating values, and the closest of
	 * them.
	 */
	bool pending, rising;
	uint64_t pending_since_ms;
	unsigned target_slots;
	char *target_reason; /* NULL: no restriction */
};

/*
 * Process a heartbeat.  The node could have `slots` jobs and should have
 * `wanted_slots`, from 1 to `slots`; `why` is the reason, or NULL if both are
 * equal.  Returns true if l->max_slots or the reason changed.
 */
bool node_slot_limit_update(struct node_slot_limit *l, uint64_t now_ms,
			    unsigned slots, unsigned wanted_slots,
			    const char *why);
/* Return the number of `slots` that the restriction leaves. */
unsigned node_slot_limit_apply(const struct node_slot_limit *l, unsigned slots);
void node_slot_limit_release(struct node_slot_limit *l);

#endif

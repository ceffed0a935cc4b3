/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/slot-limit.h"

#include "base/str.h"

#include <stdlib.h>

static void replace_reason(char **to, const char *words)
{
	char *copy = words ? xstrdup(words) : NULL;

	free(*to);
	*to = copy;
}

unsigned node_slot_limit_apply(const struct node_slot_limit *l, unsigned slots)
{
	return l->max_slots && l->max_slots < slots ? l->max_slots : slots;
}

bool node_slot_limit_update(struct node_slot_limit *l, uint64_t now_ms,
			    unsigned slots, unsigned wanted_slots,
			    const char *why)
{
	unsigned is = node_slot_limit_apply(l, slots);
	unsigned step = is + (is + 1) / 2;
	bool up = wanted_slots > is;
	bool nearer = up ? wanted_slots < l->target_slots :
			   wanted_slots > l->target_slots;
	unsigned wait_ms;

	if (wanted_slots == is) {
		l->pending = false;
		return false;
	}
	/* Continue the current period, or start a new one. */
	if (!l->pending || l->rising != up) {
		l->pending = true;
		l->rising = up;
		l->pending_since_ms = now_ms;
		nearer = true;
	}
	if (nearer) {
		l->target_slots = wanted_slots;
		replace_reason(&l->target_reason, why);
	}
	wait_ms = l->rising ? NODE_SLOT_LIMIT_RISE_MS : NODE_SLOT_LIMIT_FALL_MS;
	if (now_ms - l->pending_since_ms < wait_ms)
		return false;
	if (l->rising && l->target_slots > step) {
		l->max_slots = step;
	} else {
		l->max_slots = l->target_slots < slots ? l->target_slots : 0;
		replace_reason(&l->reason, l->target_reason);
	}
	l->pending = false;
	return true;
}

void node_slot_limit_release(struct node_slot_limit *l)
{
	free(l->reason);
	free(l->target_reason);
	*l = (struct node_slot_limit){ 0 };
}

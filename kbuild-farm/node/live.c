/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/live.h"

#include "base/str.h"

#include <stdlib.h>

static void copy_why(char **to, const char *words)
{
	char *copy = words ? xstrdup(words) : NULL;

	free(*to);
	*to = copy;
}

unsigned node_live_slots(const struct node_live *l, unsigned slots)
{
	return l->most && l->most < slots ? l->most : slots;
}

/* It should be at `now`, which is another one: for how long? */
static void come_nearer(struct node_live *l, uint64_t now_ms, bool up,
			unsigned now, const char *why)
{
	bool nearer = up ? now < l->nearest : now > l->nearest;

	if (!l->is_moving || l->up != up) {
		l->is_moving = true;
		l->up = up;
		l->since_ms = now_ms;
		nearer = true;
	}
	if (!nearer)
		return;
	l->nearest = now;
	copy_why(&l->nearest_why, why);
}

static bool is_due(const struct node_live *l, uint64_t now_ms)
{
	return now_ms - l->since_ms >=
	       (l->up ? NODE_LIVE_RISE_MS : NODE_LIVE_FALL_MS);
}

static void take_nearest(struct node_live *l, unsigned slots)
{
	unsigned was = node_live_slots(l, slots);
	unsigned step = was + (was + 1) / 2;

	if (l->up && l->nearest > step) {
		l->most = step;
	} else {
		l->most = l->nearest < slots ? l->nearest : 0;
		copy_why(&l->why, l->nearest_why);
	}
	l->is_moving = false;
}

bool node_live_beat(struct node_live *l, uint64_t now_ms, unsigned slots,
		    unsigned now, const char *why)
{
	unsigned is = node_live_slots(l, slots);

	if (now == is) {
		l->is_moving = false;
		return false;
	}
	come_nearer(l, now_ms, now > is, now, why);
	if (!is_due(l, now_ms))
		return false;
	take_nearest(l, slots);
	return true;
}

void node_live_release(struct node_live *l)
{
	free(l->why);
	free(l->nearest_why);
	*l = (struct node_live){ 0 };
}

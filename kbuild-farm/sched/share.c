/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/share.h"

#include <limits.h>

static uint64_t held_until(const struct sched_share *s, uint64_t now_ms)
{
	return s->held_ms + s->held * (now_ms - s->since_ms);
}

void sched_share_hold(struct sched_share *s, uint64_t now_ms, int change)
{
	s->held_ms = held_until(s, now_ms);
	s->since_ms = now_ms;
	s->held += (unsigned)change;
}

static unsigned thousandths(uint64_t cpu_ms, uint64_t ms)
{
	uint64_t share = ms ? cpu_ms * 1000 / ms : UINT_MAX;

	return share < UINT_MAX ? (unsigned)share : UINT_MAX;
}

unsigned sched_share_all(const struct sched_share *s,
			 const struct sched_share *from, uint64_t now_ms)
{
	return thousandths(s->cpu_ms - from->cpu_ms, now_ms - from->since_ms);
}

unsigned sched_share_each(const struct sched_share *s,
			  const struct sched_share *from, uint64_t now_ms)
{
	return thousandths(s->cpu_ms - from->cpu_ms,
			   held_until(s, now_ms) - from->held_ms);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/share.h - how much of a core a node gives to each unit that it has.
 *
 * A slow core is a whole core: a board gives its units all of it.  A node whose
 * quota, whose other work or whose link lets its units wait does not, whatever
 * its cores are like.
 */
#ifndef SCHED_SHARE_H
#define SCHED_SHARE_H

#include <stdbool.h>
#include <stdint.h>

/* What a node gave so far; zeroed at first. */
struct sched_share {
	unsigned held; /* units, now */
	uint64_t since_ms; /* that many */
	uint64_t held_ms; /* of units on the node, each counted */
	uint64_t cpu_ms;
};

/* It has so many units more, or fewer, from now on. */
void sched_share_hold(struct sched_share *s, uint64_t now_ms, int change);
/* What it gave since it was `from`, in thousandths of a core: to all its units,
   and to each of them; UINT_MAX where it had none. */
unsigned sched_share_all(const struct sched_share *s,
			 const struct sched_share *from, uint64_t now_ms);
unsigned sched_share_each(const struct sched_share *s,
			  const struct sched_share *from, uint64_t now_ms);

#endif

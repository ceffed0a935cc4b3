/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/pool.h - a few threads for what would hold up the event loop:
 * scanning, digesting, packing.
 *
 * Work is done in the order in which it was added, and reported to the loop.
 * A piece of work belongs to the pool from coord_pool_add() until its `done`
 * is called; nothing else may touch what it points to meanwhile.
 */
#ifndef COORD_POOL_H
#define COORD_POOL_H

#include <stdbool.h>
#include <sys/queue.h>

struct coord_pool;
struct event_base;

/* The head of the caller's own struct. */
struct coord_work {
	STAILQ_ENTRY(coord_work) link;
	void (*run)(struct coord_work *w); /* on a thread of the pool */
	void (*done)(struct coord_work *w); /* from the loop, afterwards */
};

/* At most `max` pieces of work wait or run at once. */
struct coord_pool *coord_pool_new(struct event_base *base, unsigned threads,
				  unsigned max);
/*
 * Waits for what runs.  `done` is called for all that was added, run or not,
 * so that each can be freed there; it may not add more.
 */
void coord_pool_free(struct coord_pool *pool);
/* Is there room for one more? */
bool coord_pool_has_room(const struct coord_pool *pool);
/* Without room it is taken all the same: ask first. */
void coord_pool_add(struct coord_pool *pool, struct coord_work *w);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/pool.h - a few threads for what would hold up the event loop:
 * scanning, digesting, packing.
 *
 * Work is done in the order in which it was added, and reported to the loop.
 * A piece of work belongs to the pool from pool_add() until its `done`
 * is called; nothing else may touch what it points to meanwhile.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <sys/queue.h>

struct pool;
struct event_base;

/* The head of the caller's own struct. */
struct pool_work {
	STAILQ_ENTRY(pool_work) link;
	void (*run)(struct pool_work *w); /* on a thread of the pool */
	void (*done)(struct pool_work *w); /* from the loop, afterwards */
};

struct pool *pool_new(struct event_base *base, unsigned threads);
/*
 * Waits for what runs.  `done` is called for all that was added, run or not,
 * so that each can be freed there; it may not add more.
 */
void pool_free(struct pool *pool);
void pool_add(struct pool *pool, struct pool_work *w);

#endif

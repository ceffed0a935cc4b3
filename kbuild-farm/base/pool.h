/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/pool.h - Thread pool for work that would delay the event loop.
 *
 * The pool scans, digests and packs files.  Work starts in the order in which
 * it was added, and its completion is reported to the loop.  A struct pool_work
 * belongs to the pool from pool_add() until `on_done` is called; in that time,
 * only `run` may access its data.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <sys/queue.h>

struct pool;
struct event_base;

/* The first member of the caller's struct. */
struct pool_work {
	STAILQ_ENTRY(pool_work) entry;
	void (*run)(struct pool_work *w); /* called on a thread of the pool */
	/* called from the loop after run() */
	void (*on_done)(struct pool_work *w);
};

/*
 * Create a pool with up to `threads` threads.  If no descriptor or no thread is
 * available, print the cause and exit with status 1.
 */
struct pool *pool_new(struct event_base *base, unsigned threads);
/*
 * Wait for running work, then free the pool.  Calls `on_done` for all work that
 * was not reported yet, even if it never ran, so that the caller can free the
 * work.  These callbacks must not add work.
 */
void pool_free(struct pool *pool);
void pool_add(struct pool *pool, struct pool_work *w);

#endif

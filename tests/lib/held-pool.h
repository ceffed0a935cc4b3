/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/held-pool.h - A pool of one thread that waits for the test.
 */
#ifndef LIB_HELD_POOL_H
#define LIB_HELD_POOL_H

#include "base/pool.h"

#include <pthread.h>

static pthread_mutex_t held_pool_gate = PTHREAD_MUTEX_INITIALIZER;

static inline void held_pool_wait(struct pool_work *w)
{
	(void)w;
	pthread_mutex_lock(&held_pool_gate);
	pthread_mutex_unlock(&held_pool_gate);
}

static inline void held_pool_on_done(struct pool_work *w)
{
	(void)w;
}

/* Let the only thread of `threads` wait until held_pool_release(). */
static inline void held_pool_hold(struct pool *threads)
{
	static struct pool_work work;

	work = (struct pool_work){ .run = held_pool_wait,
				   .on_done = held_pool_on_done };
	pthread_mutex_lock(&held_pool_gate);
	pool_add(threads, &work);
}

static inline void held_pool_release(void)
{
	pthread_mutex_unlock(&held_pool_gate);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/pool.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define MANY 1000

struct job {
	struct pool_work work;
	pthread_t ran_on;
	unsigned order; /* order of the report */
	bool ran;
};

static struct event_base *base;
static struct pool *pool;
static struct job jobs[MANY];
static unsigned reported;
static atomic_bool may_go;

static void run(struct pool_work *w)
{
	struct job *job = (struct job *)w;

	job->ran_on = pthread_self();
	job->ran = true;
}

static void run_when_told(struct pool_work *w)
{
	while (!atomic_load(&may_go))
		;
	run(w);
}

static void done(struct pool_work *w)
{
	struct job *job = (struct job *)w;

	job->order = reported++;
	if (reported == MANY)
		event_base_loopbreak(base);
}

static void add(unsigned i, void (*how)(struct pool_work *w))
{
	jobs[i].work.run = how;
	jobs[i].work.on_done = done;
	pool_add(pool, &jobs[i].work);
}

static void setup(void)
{
	base = event_base_new();
}

static void teardown(void)
{
	pool_free(pool);
	event_base_free(base);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(work_runs_on_another_thread_and_is_reported_in_order)
{
	pool = pool_new(base, 1);
	for (unsigned i = 0; i < MANY; i++)
		add(i, run);
	event_base_dispatch(base);
	ck_assert_uint_eq(reported, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert(jobs[i].ran);
		ck_assert(!pthread_equal(jobs[i].ran_on, pthread_self()));
		ck_assert_uint_eq(jobs[i].order, i);
	}
}

TEST(two_threads_execute_all_work)
{
	pool = pool_new(base, 2);
	for (unsigned i = 0; i < MANY; i++)
		add(i, run);
	event_base_dispatch(base);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert(jobs[i].ran);
}

TEST(pool_free_reports_all_pending_work)
{
	pool = pool_new(base, 1);
	add(0, run_when_told);
	for (unsigned i = 1; i < 50; i++)
		add(i, run);
	atomic_store(&may_go, true);
	pool_free(pool);
	pool = NULL;
	ck_assert_uint_eq(reported, 50);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/task.h"

#include <event2/event.h>
#include <poll.h>
#include <pthread.h>

struct work {
	int gate[2]; /* the thread continues when data arrives */
	int result;
	pthread_t thread;
	sigset_t blocked;
};

static void do_work(void *arg)
{
	struct work *w = arg;
	unsigned char byte;

	w->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &w->blocked);
	if (read(w->gate[0], &byte, 1) == 1)
		w->result = byte;
}

static int readable(const struct task *t, int timeout_ms)
{
	struct pollfd p = { .fd = task_fd(t), .events = POLLIN };

	return poll(&p, 1, timeout_ms);
}

TEST(the_descriptor_becomes_readable_when_the_task_ends)
{
	struct work w = { 0 };
	struct task *t;

	ck_assert_int_eq(pipe(w.gate), 0);
	t = task_start(do_work, &w);
	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(readable(t, 50), 0);
	ck_assert_int_eq(write(w.gate[1], "!", 1), 1);
	ck_assert_int_eq(readable(t, 10000), 1);
	task_join(t);
	ck_assert_int_eq(w.result, '!');
	ck_assert(!pthread_equal(w.thread, pthread_self()));
}

TEST(joining_waits_for_the_task)
{
	struct work w = { 0 };
	struct task *t;

	ck_assert_int_eq(pipe(w.gate), 0);
	ck_assert_int_eq(write(w.gate[1], "!", 1), 1);
	t = task_start(do_work, &w);
	task_join(t);
	ck_assert_int_eq(w.result, '!');
}

static void free_work(void *arg)
{
	struct work *w = arg;
	int gate = w->gate[1];

	do_work(w);
	free(w);
	close(gate);
}

/* Detach a task before or after its end. */
static void detach(bool ended)
{
	struct work *w = xcalloc(1, sizeof(*w));
	struct pollfd end = { .events = POLLHUP };
	struct task *t;
	int gate[2];

	ck_assert_int_eq(pipe(w->gate), 0);
	memcpy(gate, w->gate, sizeof(gate));
	t = task_start(free_work, w);
	if (!ended)
		task_detach(t);
	ck_assert_int_eq(write(gate[1], "!", 1), 1);
	end.fd = gate[0];
	ck_assert_int_eq(poll(&end, 1, 10000), 1);
	if (ended) {
		ck_assert_int_eq(readable(t, 10000), 1);
		task_detach(t);
	}
	close(gate[0]);
}

TEST(a_detached_task_frees_itself)
{
	detach(false);
	detach(true);
}

TEST(signals_are_blocked_only_on_the_thread_of_the_task)
{
	struct work w = { 0 };
	sigset_t ours;

	ck_assert_int_eq(pipe(w.gate), 0);
	ck_assert_int_eq(write(w.gate[1], "!", 1), 1);
	task_join(task_start(do_work, &w));
	ck_assert_int_eq(sigismember(&w.blocked, SIGINT), 1);
	ck_assert_int_eq(sigismember(&w.blocked, SIGCHLD), 1);
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	ck_assert_int_eq(sigismember(&ours, SIGINT), 0);
}

static void nothing(void *arg)
{
	(void)arg;
}

TEST(joined_tasks_leak_no_descriptors)
{
	int first, last;

	first = dup(0);
	close(first);
	for (int i = 0; i < 200; i++)
		task_join(task_start(nothing, NULL));
	last = dup(0);
	close(last);
	ck_assert_int_eq(first, last);
}

static struct event_base *base;
static pthread_t told_on;
static int told;

static void tell(void *arg)
{
	told_on = pthread_self();
	told = *(int *)arg;
	event_base_loopbreak(base);
}

static void triple(void *arg)
{
	*(int *)arg *= 3;
}

TEST(the_loop_is_notified_of_the_end_once)
{
	int value = 14;

	base = event_base_new();
	ck_assert_ptr_nonnull(task_start_notify(base, triple, tell, &value));
	event_base_dispatch(base);
	ck_assert_int_eq(told, 42);
	ck_assert(pthread_equal(told_on, pthread_self()));
	told = 0;
	ck_assert_int_eq(event_base_dispatch(base), 1); /* no event is left */
	ck_assert_int_eq(told, 0);
	event_base_free(base);
}

TEST(a_joined_task_does_not_notify_the_loop)
{
	int value = 14;

	base = event_base_new();
	task_join(task_start_notify(base, triple, tell, &value));
	ck_assert_int_eq(value, 42);
	ck_assert_int_eq(event_base_dispatch(base), 1);
	ck_assert_int_eq(told, 0);
	event_base_free(base);
}

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned calls[100], at_once, most, ticks;
};

/* Blocks the first and the second call until another call runs. */
static void count_call(void *ctx, size_t i)
{
	struct crew *c = ctx;

	pthread_mutex_lock(&c->lock);
	c->calls[i]++;
	if (++c->at_once > c->most)
		c->most = c->at_once;
	pthread_cond_broadcast(&c->news);
	while (i < 2 && c->most < 2)
		pthread_cond_wait(&c->news, &c->lock);
	c->at_once--;
	pthread_mutex_unlock(&c->lock);
}

TEST(task_each_calls_each_index_once_and_several_concurrently)
{
	struct crew c = { .lock = PTHREAD_MUTEX_INITIALIZER,
			  .news = PTHREAD_COND_INITIALIZER };

	task_each(4, 100, count_call, NULL, &c);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(c.calls[i], 1);
	ck_assert_uint_ge(c.most, 2);
	ck_assert_uint_le(c.most, 4);
	c.most = 2;
	task_each(4, 0, count_call, NULL, &c);
	ck_assert_uint_eq(c.calls[0], 1);
}

static void wait_for_ticks(void *ctx, size_t i)
{
	struct crew *c = ctx;

	(void)i;
	pthread_mutex_lock(&c->lock);
	while (c->ticks < 3)
		pthread_cond_wait(&c->news, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void count_tick(void *ctx)
{
	struct crew *c = ctx;

	ck_assert(pthread_equal(told_on, pthread_self()));
	pthread_mutex_lock(&c->lock);
	c->ticks++;
	pthread_cond_broadcast(&c->news);
	pthread_mutex_unlock(&c->lock);
}

TEST(task_each_calls_on_tick_on_the_calling_thread)
{
	struct crew c = { .lock = PTHREAD_MUTEX_INITIALIZER,
			  .news = PTHREAD_COND_INITIALIZER };

	told_on = pthread_self();
	task_each(8, 2, wait_for_ticks, count_tick, &c);
	ck_assert_uint_ge(c.ticks, 3);
}

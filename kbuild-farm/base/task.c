/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/task.h"

#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_MS 100

struct task {
	pthread_t thread;
	void (*fn)(void *arg);
	void *arg;
	int done_pipe[2]; /* the thread closes its end when fn() has returned */
	void (*on_done)(void *arg);
	struct event *event; /* calls on_done(); NULL without a callback */
	/*
	 * set by task_main() and by task_detach(); the function that finds the
	 * flag already set frees `t`
	 */
	atomic_bool unshared;
};

static void *task_main(void *arg)
{
	struct task *t = arg;

	t->fn(t->arg);
	close(t->done_pipe[1]);
	if (atomic_exchange(&t->unshared, true))
		free(t);
	return NULL;
}

struct task *task_start(void (*fn)(void *arg), void *arg)
{
	struct task *t = xcalloc(1, sizeof(*t));
	sigset_t all, before;
	int failed;

	t->fn = fn;
	t->arg = arg;
	if (pipe2(t->done_pipe, O_CLOEXEC)) {
		free(t);
		return NULL;
	}
	/* Block signals in the thread: the event loop handles them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&t->thread, NULL, task_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		close(t->done_pipe[0]);
		close(t->done_pipe[1]);
		free(t);
		errno = failed;
		return NULL;
	}
	return t;
}

int task_fd(const struct task *t)
{
	return t->done_pipe[0];
}

static void on_task_end(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;
	void (*then)(void *arg) = t->on_done;
	void *its = t->arg;

	(void)fd;
	(void)what;
	task_join(t);
	then(its);
}

struct task *task_start_notify(struct event_base *base, void (*fn)(void *arg),
			       void (*on_done)(void *arg), void *arg)
{
	struct task *t = task_start(fn, arg);

	if (!t)
		return NULL;
	t->on_done = on_done;
	t->event = event_new(base, t->done_pipe[0], EV_READ, on_task_end, t);
	if (!t->event || event_add(t->event, NULL))
		str_out_of_memory();
	return t;
}

void task_join(struct task *t)
{
	pthread_join(t->thread, NULL);
	if (t->event)
		event_free(t->event);
	close(t->done_pipe[0]);
	free(t);
}

void task_detach(struct task *t)
{
	pthread_detach(t->thread);
	close(t->done_pipe[0]);
	if (atomic_exchange(&t->unshared, true))
		free(t);
}

/* The state of task_each(). */
struct calls {
	atomic_size_t next;
	size_t n;
	void (*fn)(void *ctx, size_t i);
	void *ctx;
};

static void run_calls(void *arg)
{
	struct calls *c = arg;
	size_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->n)
		c->fn(c->ctx, i);
}

void task_each(unsigned threads, size_t n, void (*fn)(void *ctx, size_t i),
	       void (*on_tick)(void *ctx), void *ctx)
{
	struct calls c = { .n = n, .fn = fn, .ctx = ctx };
	struct task *task[TASK_THREADS_MAX];
	unsigned running = 0;
	sigset_t chld, before;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &chld, &before);
	while (running < threads && running < n && running < TASK_THREADS_MAX &&
	       (task[running] = task_start(run_calls, &c)))
		running++;
	if (!running)
		run_calls(&c);
	while (running) {
		struct pollfd p = { .fd = task_fd(task[running - 1]),
				    .events = POLLIN };

		if (poll(&p, 1, TICK_MS) == 1)
			task_join(task[--running]);
		else if (on_tick)
			on_tick(ctx);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

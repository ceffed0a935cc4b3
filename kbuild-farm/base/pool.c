/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pool.h"

#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

STAILQ_HEAD(work_list, pool_work);

struct pool {
	pthread_mutex_t lock; /* protects the lists and `stopping` */
	pthread_cond_t work_added;
	struct work_list queued, finished;
	bool stopping;
	int done_fd; /* eventfd that signals finished work */
	struct event *event;
	unsigned n_threads;
	pthread_t *threads;
};

static struct pool_work *take_work(struct pool *pool)
{
	struct pool_work *w;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping && STAILQ_EMPTY(&pool->queued))
		pthread_cond_wait(&pool->work_added, &pool->lock);
	w = pool->stopping ? NULL : STAILQ_FIRST(&pool->queued);
	if (w)
		STAILQ_REMOVE_HEAD(&pool->queued, entry);
	pthread_mutex_unlock(&pool->lock);
	return w;
}

static void *run_worker(void *arg)
{
	static const uint64_t one = 1;
	struct pool *pool = arg;
	struct pool_work *w;

	while ((w = take_work(pool))) {
		bool first;

		w->run(w);
		pthread_mutex_lock(&pool->lock);
		first = STAILQ_EMPTY(&pool->finished);
		STAILQ_INSERT_TAIL(&pool->finished, w, entry);
		pthread_mutex_unlock(&pool->lock);
		/*
		 * The counter of the eventfd cannot overflow, so write() cannot
		 * fail.
		 */
		if (first && write(pool->done_fd, &one, sizeof(one)) < 0)
			abort();
	}
	return NULL;
}

static void report_done(struct work_list *list)
{
	struct pool_work *w;

	while ((w = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, entry);
		w->on_done(w);
	}
}

static void on_work_finished(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = arg;
	struct work_list done = STAILQ_HEAD_INITIALIZER(done);
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&pool->lock);
	STAILQ_CONCAT(&done, &pool->finished);
	pthread_mutex_unlock(&pool->lock);
	report_done(&done);
}

static _Noreturn void exit_without_pool(int error)
{
	dprintf(STDERR_FILENO, "kfarm: cannot start worker threads: %s%s\n",
		strerror(error),
		error == EAGAIN ? "; raise the limit of processes "
				  "(ulimit -u, TasksMax)" :
				  "");
	_exit(1);
}

struct pool *pool_new(struct event_base *base, unsigned threads)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));
	sigset_t all, before;
	int error = 0;

	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work_added, NULL);
	STAILQ_INIT(&pool->queued);
	STAILQ_INIT(&pool->finished);
	pool->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->done_fd < 0)
		exit_without_pool(errno);
	pool->event = event_new(base, pool->done_fd, EV_READ | EV_PERSIST,
				on_work_finished, pool);
	if (!pool->event || event_add(pool->event, NULL))
		str_out_of_memory();

	pool->threads = xcalloc(threads, sizeof(*pool->threads));
	/* Block signals in the threads: the event loop handles them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; pool->n_threads < threads; pool->n_threads++) {
		error = pthread_create(&pool->threads[pool->n_threads], NULL,
				       run_worker, pool);
		if (error)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!pool->n_threads)
		exit_without_pool(error);
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work_added);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	report_done(&pool->finished);
	report_done(&pool->queued);
	event_free(pool->event);
	close(pool->done_fd);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work_added);
	free(pool->threads);
	free(pool);
}

void pool_add(struct pool *pool, struct pool_work *w)
{
	pthread_mutex_lock(&pool->lock);
	STAILQ_INSERT_TAIL(&pool->queued, w, entry);
	pthread_cond_signal(&pool->work_added);
	pthread_mutex_unlock(&pool->lock);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/pool.h"

#include "base/str.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

STAILQ_HEAD(work_list, pool_work);

struct pool {
	pthread_mutex_t lock; /* of the lists and `stop` */
	pthread_cond_t more;
	struct work_list waiting, finished;
	bool stop;
	int told; /* eventfd: something is finished */
	struct event *event;
	unsigned n;
	pthread_t *thread;
};

static struct pool_work *next_work(struct pool *pool)
{
	struct pool_work *w;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stop && STAILQ_EMPTY(&pool->waiting))
		pthread_cond_wait(&pool->more, &pool->lock);
	w = pool->stop ? NULL : STAILQ_FIRST(&pool->waiting);
	if (w)
		STAILQ_REMOVE_HEAD(&pool->waiting, link);
	pthread_mutex_unlock(&pool->lock);
	return w;
}

static void *run_worker(void *arg)
{
	static const uint64_t one = 1;
	struct pool *pool = arg;
	struct pool_work *w;

	while ((w = next_work(pool))) {
		bool first;

		w->run(w);
		pthread_mutex_lock(&pool->lock);
		first = STAILQ_EMPTY(&pool->finished);
		STAILQ_INSERT_TAIL(&pool->finished, w, link);
		pthread_mutex_unlock(&pool->lock);
		/* Its counter cannot overflow, so this cannot fail. */
		if (first && write(pool->told, &one, sizeof(one)) < 0)
			abort();
	}
	return NULL;
}

static void call_done(struct work_list *list)
{
	struct pool_work *w;

	while ((w = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		w->done(w);
	}
}

static void on_told(evutil_socket_t fd, short what, void *arg)
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
	call_done(&done);
}

static void start_threads(struct pool *pool, unsigned threads)
{
	sigset_t all, before;

	pool->thread = xcalloc(threads, sizeof(*pool->thread));
	/* Signals are the event loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; pool->n < threads; pool->n++) {
		if (pthread_create(&pool->thread[pool->n], NULL, run_worker,
				   pool))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *pool_new(struct event_base *base, unsigned threads)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));

	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	STAILQ_INIT(&pool->waiting);
	STAILQ_INIT(&pool->finished);
	pool->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pool->event = event_new(base, pool->told, EV_READ | EV_PERSIST, on_told,
				pool);
	if (pool->told < 0 || !pool->event || event_add(pool->event, NULL))
		str_out_of_memory();
	start_threads(pool, threads);
	if (!pool->n)
		str_out_of_memory();
	return pool;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n; i++)
		pthread_join(pool->thread[i], NULL);
	call_done(&pool->finished);
	call_done(&pool->waiting);
	event_free(pool->event);
	close(pool->told);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->more);
	free(pool->thread);
	free(pool);
}

void pool_add(struct pool *pool, struct pool_work *w)
{
	pthread_mutex_lock(&pool->lock);
	STAILQ_INSERT_TAIL(&pool->waiting, w, link);
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
}

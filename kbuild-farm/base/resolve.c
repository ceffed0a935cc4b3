/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a thread and the loop both look at is under one lock.  A thread
 * ends when nothing is in the queue, so a program that looks up nothing has
 * none.
 */
#include "base/resolve.h"

#include "base/list.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* NSS modules keep their buffers on the stack. */
#define STACK_BYTES (1u << 20)

enum stage {
	WAITS,
	RUNS, /* a thread has it */
	OVER,
	UNWANTED, /* a thread has it, and frees it */
};

struct resolve {
	TAILQ_ENTRY(resolve) link; /* while it WAITS */
	enum stage stage;
	char *host, *port;
	struct addrinfo *list;
	int code; /* of getaddrinfo() */
	int cause; /* errno, for EAI_SYSTEM */
	int over; /* an eventfd */
	struct event *event; /* the loop's */
	resolve_done *done;
	void *ctx;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, resolve) queue = TAILQ_HEAD_INITIALIZER(queue);
static unsigned n_threads;

static void free_resolve(struct resolve *r)
{
	if (r->list)
		freeaddrinfo(r->list);
	if (r->over >= 0)
		close(r->over);
	free(r->host);
	free(r->port);
	free(r);
}

static void ask_addresses(struct resolve *r)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV };

	r->code = getaddrinfo(r->host, r->port, &hints, &r->list);
	r->cause = errno;
	if (r->code)
		r->list = NULL;
}

static void *resolver_main(void *arg)
{
	const uint64_t one = 1;
	struct resolve *r;

	(void)arg;
	pthread_mutex_lock(&lock);
	while ((r = TAILQ_FIRST(&queue))) {
		TAILQ_REMOVE(&queue, r, link);
		r->stage = RUNS;
		pthread_mutex_unlock(&lock);
		ask_addresses(r);
		pthread_mutex_lock(&lock);
		if (r->stage == UNWANTED) {
			free_resolve(r);
			continue;
		}
		r->stage = OVER;
		/* It holds nothing yet, so this cannot fail. */
		if (write(r->over, &one, sizeof(one)) < 0)
			continue;
	}
	n_threads--;
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* Returns 0 or an errno; with `lock` held. */
static int start_resolver(void)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	/* Signals are the event loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, &attr, resolver_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	n_threads += !failed;
	return failed;
}

static int add_to_queue(struct resolve *r)
{
	int failed = 0;

	pthread_mutex_lock(&lock);
	TAILQ_INSERT_TAIL(&queue, r, link);
	if (n_threads < RESOLVE_THREADS)
		failed = start_resolver();
	if (failed && n_threads)
		failed = 0;
	if (failed)
		TAILQ_REMOVE(&queue, r, link);
	pthread_mutex_unlock(&lock);
	return failed;
}

static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *r = arg;
	struct err err = { 0 };

	(void)fd;
	(void)what;
	if (r->list) {
		r->done(r->ctx, r->list, NULL);
		return;
	}
	errno = r->cause;
	if (r->code == EAI_SYSTEM)
		err_errno(&err, "the address of %s", r->host);
	else
		err_set(&err, EADDRNOTAVAIL, "the address of %s: %s", r->host,
			gai_strerror(r->code));
	r->done(r->ctx, NULL, &err);
}

struct resolve *resolve_start(struct event_base *base, const char *host,
			      const char *port, resolve_done *done, void *ctx,
			      struct err *err)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	*r = (struct resolve){ .host = xstrdup(host),
			       .port = xstrdup(port),
			       .over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			       .done = done,
			       .ctx = ctx };
	if (r->over < 0) {
		err_errno(err, "the address of %s: eventfd", host);
		free_resolve(r);
		return NULL;
	}
	r->event = event_new(base, r->over, EV_READ, on_over, r);
	if (!r->event || event_add(r->event, NULL))
		str_out_of_memory();
	errno = add_to_queue(r);
	if (errno) {
		err_errno(err, "the address of %s: no thread", host);
		event_free(r->event);
		free_resolve(r);
		return NULL;
	}
	return r;
}

void resolve_free(struct resolve *r)
{
	bool is_ours;

	if (!r)
		return;
	event_free(r->event);
	pthread_mutex_lock(&lock);
	is_ours = r->stage != RUNS;
	if (r->stage == WAITS)
		TAILQ_REMOVE(&queue, r, link);
	if (!is_ours)
		r->stage = UNWANTED;
	pthread_mutex_unlock(&lock);
	if (is_ours)
		free_resolve(r);
}

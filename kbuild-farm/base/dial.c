/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/dial.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/socket.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Resolver threads call getaddrinfo().  `lock` protects all state that they
 * share with the loop.  A resolver thread exits when the queue is empty, so a
 * program without pending lookups has no resolver threads.
 */

/* Stack size of a thread: NSS modules place their buffers on the stack. */
#define STACK_BYTES (1u << 20)

enum resolve_state {
	RESOLVE_QUEUED,
	RESOLVE_RUNNING, /* owned by a thread */
	RESOLVE_FINISHED,
	RESOLVE_CANCELLED, /* owned by a thread, which frees it */
};

struct resolve {
	TAILQ_ENTRY(resolve) entry; /* in `queue` while RESOLVE_QUEUED */
	enum resolve_state state;
	char *host, *port;
	struct addrinfo *addresses;
	int gai_error; /* result of getaddrinfo() */
	int gai_errno; /* errno of getaddrinfo(), for EAI_SYSTEM */
	int done_fd; /* eventfd that signals completion */
	struct event *event; /* the loop's event for `done_fd` */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, resolve) queue = TAILQ_HEAD_INITIALIZER(queue);
static unsigned n_threads;

static void free_resolve(struct resolve *r)
{
	if (r->addresses)
		freeaddrinfo(r->addresses);
	if (r->done_fd >= 0)
		close(r->done_fd);
	free(r->host);
	free(r->port);
	free(r);
}

static void *resolver_main(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV };
	const uint64_t one = 1;
	struct resolve *r;

	(void)arg;
	pthread_mutex_lock(&lock);
	while ((r = TAILQ_FIRST(&queue))) {
		TAILQ_REMOVE(&queue, r, entry);
		r->state = RESOLVE_RUNNING;
		pthread_mutex_unlock(&lock);
		r->gai_error = getaddrinfo(r->host, r->port, &hints,
					   &r->addresses);
		r->gai_errno = errno;
		if (r->gai_error)
			r->addresses = NULL;
		pthread_mutex_lock(&lock);
		if (r->state == RESOLVE_CANCELLED) {
			free_resolve(r);
			continue;
		}
		r->state = RESOLVE_FINISHED;
		/* The counter of the eventfd is 0, so write() cannot fail. */
		if (write(r->done_fd, &one, sizeof(one)) < 0)
			continue;
	}
	n_threads--;
	pthread_mutex_unlock(&lock);
	return NULL;
}

/*
 * Queue a lookup, and start a thread unless RESOLVE_THREADS_MAX threads run.
 * Returns 0, or a positive errno if the thread cannot be started and no other
 * resolver thread runs.
 */
static int add_to_queue(struct resolve *r)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	pthread_mutex_lock(&lock);
	TAILQ_INSERT_TAIL(&queue, r, entry);
	if (n_threads >= RESOLVE_THREADS_MAX) {
		pthread_mutex_unlock(&lock);
		return 0;
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	/* Block signals in the new thread: the event loop handles them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, &attr, resolver_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	n_threads += !failed;
	if (failed && n_threads)
		failed = 0;
	if (failed)
		TAILQ_REMOVE(&queue, r, entry);
	pthread_mutex_unlock(&lock);
	return failed;
}

/* Cancel a lookup without waiting for it. `r` can be NULL. */
static void resolve_free(struct resolve *r)
{
	bool not_running;

	if (!r)
		return;
	event_free(r->event);
	pthread_mutex_lock(&lock);
	not_running = r->state != RESOLVE_RUNNING;
	if (r->state == RESOLVE_QUEUED)
		TAILQ_REMOVE(&queue, r, entry);
	if (!not_running)
		r->state = RESOLVE_CANCELLED;
	pthread_mutex_unlock(&lock);
	if (not_running)
		free_resolve(r);
}

#define STAGGER_MS 250

enum attempt_state {
	ATTEMPT_NEW,
	ATTEMPT_PENDING, /* connect() is in progress */
	ATTEMPT_CONNECTED, /* the caller owns the socket */
	ATTEMPT_FAILED,
};

struct attempt {
	struct dial *dial;
	enum attempt_state state;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int fd; /* socket while ATTEMPT_PENDING, else -1 */
	struct event *event;
	char *error_text; /* reason for ATTEMPT_FAILED */
};

struct dial {
	struct event_base *base;
	char *host, *port;
	struct dial_limits limits;
	dial_done_fn *on_done;
	void *ctx;
	/* the lookup in progress; NULL if it has finished or failed to start */
	struct resolve *resolve;
	struct event *stagger; /* starts the next attempt */
	struct event *timeout; /* fails the dial when its limit expires */
	struct event *end_event; /* reports the final failure from the loop */
	/* reported if the dial fails before there are any attempts */
	struct err error;
	struct attempt attempts[DIAL_ADDRESSES_MAX];
	size_t n_attempts;
};

static struct timeval timeval_of(unsigned ms)
{
	return (struct timeval){ .tv_sec = ms / 1000,
				 .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
}

static void close_attempt(struct attempt *a, enum attempt_state state)
{
	if (a->event)
		event_free(a->event);
	a->event = NULL;
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->state = state;
}

static void fail_attempt(struct attempt *a, const char *words)
{
	close_attempt(a, ATTEMPT_FAILED);
	free(a->error_text);
	a->error_text = xstrdup(words);
}

/* Completion and failure */

static void stop_attempts(struct dial *d, enum attempt_state state,
			  const char *words)
{
	for (size_t i = 0; i < d->n_attempts; i++) {
		struct attempt *a = &d->attempts[i];

		if (a->state != ATTEMPT_PENDING &&
		    !(words && a->state == ATTEMPT_NEW))
			continue;
		close_attempt(a, state);
		if (words)
			a->error_text = xstrdup(words);
	}
	event_del(d->stagger);
	event_del(d->timeout);
}

/*
 * Report the failure of all addresses.  The message contains the host and each
 * address with its error.  If the host is itself the only address, the message
 * contains the address once.
 */
static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	struct err err = d->error;
	struct buf text = { 0 };

	(void)fd;
	(void)what;
	for (size_t i = 0; i < d->n_attempts; i++) {
		const struct attempt *a = &d->attempts[i];
		char address[NI_MAXHOST];

		if (getnameinfo((const struct sockaddr *)&a->addr, a->addr_len,
				address, sizeof(address), NULL, 0,
				NI_NUMERICHOST))
			strcpy(address, "?");
		if (d->n_attempts == 1 && !strcmp(address, d->host))
			buf_printf(&text, "%s", a->error_text);
		else
			buf_printf(&text, "%s%s: %s", i ? "; " : "", address,
				   a->error_text);
	}
	if (d->n_attempts)
		err_set(&err, EHOSTUNREACH, "connect to %s%s%s, port %s: %s",
			strchr(d->host, ':') ? "[" : "", d->host,
			strchr(d->host, ':') ? "]" : "", d->port,
			buf_str(&text));
	buf_release(&text);
	d->on_done(d->ctx, -1, &err);
}

static void set_timeout(struct dial *d, unsigned ms)
{
	struct timeval limit = timeval_of(ms);

	event_add(d->timeout, &limit);
}

static void schedule_dial_end(struct dial *d)
{
	event_del(d->stagger);
	event_del(d->timeout);
	event_active(d->end_event, EV_TIMEOUT, 0);
}

static void on_dial_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	char *words = xasprintf("no answer within %g s",
				d->limits.connect_ms / 1000.0);

	if (!d->n_attempts)
		err_set(&d->error, ETIMEDOUT,
			"resolve %s: no answer from a name server within %g s",
			d->host, d->limits.lookup_ms / 1000.0);
	resolve_free(d->resolve);
	d->resolve = NULL;
	stop_attempts(d, ATTEMPT_FAILED, words);
	free(words);
	on_ended(fd, what, d);
}

/* Attempts */

static void try_next(struct dial *d);

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	socklen_t len = sizeof(int);
	int failed = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len))
		failed = errno;
	if (failed) {
		fail_attempt(a, strerror(failed));
		try_next(d);
		return;
	}
	a->fd = -1;
	close_attempt(a, ATTEMPT_CONNECTED);
	/* Retain the other addresses for dial_retry(). */
	stop_attempts(d, ATTEMPT_NEW, NULL);
	d->on_done(d->ctx, fd, NULL);
}

/* Start an attempt.  Returns 0, or a positive errno if it fails at once. */
static int start_attempt(struct attempt *a)
{
	struct dial *d = a->dial;

	a->fd = socket(a->addr.ss_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return errno;
	socket_set_tcp_options(a->fd);
	if (connect(a->fd, (const struct sockaddr *)&a->addr, a->addr_len) &&
	    errno != EINPROGRESS)
		return errno;
	a->state = ATTEMPT_PENDING;
	a->event = event_new(d->base, a->fd, EV_WRITE, on_answer, a);
	if (!a->event || event_add(a->event, NULL))
		str_out_of_memory();
	return 0;
}

/*
 * Start an attempt for the next address.  If the attempt fails at once,
 * continue with the following address.  If no address is left and no attempt is
 * pending, schedule the end of the dial.
 */
static void try_next(struct dial *d)
{
	struct timeval stagger = timeval_of(STAGGER_MS);
	bool open = false;

	for (size_t i = 0; i < d->n_attempts; i++) {
		struct attempt *a = &d->attempts[i];
		int failed;

		open |= a->state == ATTEMPT_PENDING;
		if (a->state != ATTEMPT_NEW)
			continue;
		failed = start_attempt(a);
		if (!failed) {
			event_add(d->stagger, &stagger);
			return;
		}
		fail_attempt(a, strerror(failed));
	}
	event_del(d->stagger);
	if (!open)
		schedule_dial_end(d);
}

static void on_stagger(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	try_next(arg);
}

static void on_lookup_finished(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	const struct resolve *r = d->resolve;

	(void)fd;
	(void)what;
	if (!r->addresses) {
		errno = r->gai_errno;
		if (r->gai_error == EAI_SYSTEM)
			err_errno(&d->error, "resolve %s", r->host);
		else
			err_set(&d->error, EADDRNOTAVAIL, "resolve %s: %s",
				r->host, gai_strerror(r->gai_error));
	}
	for (const struct addrinfo *list = r->addresses;
	     list && d->n_attempts < DIAL_ADDRESSES_MAX; list = list->ai_next) {
		struct attempt *a = &d->attempts[d->n_attempts];

		if (list->ai_addrlen > sizeof(a->addr))
			continue;
		*a = (struct attempt){ .dial = d, .fd = -1 };
		memcpy(&a->addr, list->ai_addr, list->ai_addrlen);
		a->addr_len = list->ai_addrlen;
		d->n_attempts++;
	}
	resolve_free(d->resolve);
	d->resolve = NULL;
	set_timeout(d, d->limits.connect_ms);
	try_next(d);
}

/*
 * Start to resolve the host and the port.  Returns false with d->error set if
 * no thread or descriptor is available.
 */
static bool start_lookup(struct dial *d)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	*r = (struct resolve){ .host = xstrdup(d->host),
			       .port = xstrdup(d->port),
			       .done_fd = eventfd(0,
						  EFD_CLOEXEC | EFD_NONBLOCK) };
	if (r->done_fd < 0) {
		err_errno(&d->error, "resolve %s: eventfd", d->host);
		free_resolve(r);
		return false;
	}
	r->event = event_new(d->base, r->done_fd, EV_READ, on_lookup_finished,
			     d);
	if (!r->event || event_add(r->event, NULL))
		str_out_of_memory();
	errno = add_to_queue(r);
	if (errno) {
		err_errno(&d->error, "resolve %s: cannot start a thread",
			  d->host);
		event_free(r->event);
		free_resolve(r);
		return false;
	}
	d->resolve = r;
	return true;
}

/* Public functions */

static struct event *dial_event(struct dial *d, event_callback_fn fn)
{
	struct event *ev = event_new(d->base, -1, 0, fn, d);

	if (!ev)
		str_out_of_memory();
	return ev;
}

struct dial *dial_start(struct event_base *base, const char *host,
			const char *port, const struct dial_limits *limits,
			dial_done_fn *on_done, void *ctx)
{
	struct dial *d = xcalloc(1, sizeof(*d));

	d->base = base;
	d->host = xstrdup(host);
	d->port = xstrdup(port);
	d->limits = *limits;
	d->on_done = on_done;
	d->ctx = ctx;
	d->stagger = dial_event(d, on_stagger);
	d->timeout = dial_event(d, on_dial_timeout);
	d->end_event = dial_event(d, on_ended);
	set_timeout(d, limits->lookup_ms);
	if (!start_lookup(d))
		schedule_dial_end(d);
	return d;
}

void dial_retry(struct dial *d, const char *reason)
{
	for (size_t i = 0; i < d->n_attempts; i++) {
		if (d->attempts[i].state == ATTEMPT_CONNECTED)
			fail_attempt(&d->attempts[i], reason);
	}
	set_timeout(d, d->limits.connect_ms);
	try_next(d);
}

void dial_free(struct dial *d)
{
	if (!d)
		return;
	resolve_free(d->resolve);
	for (size_t i = 0; i < d->n_attempts; i++) {
		close_attempt(&d->attempts[i], ATTEMPT_FAILED);
		free(d->attempts[i].error_text);
	}
	event_free(d->stagger);
	event_free(d->timeout);
	event_free(d->end_event);
	free(d->host);
	free(d->port);
	free(d);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/dial.h"

#include "base/buf.h"
#include "base/resolve.h"
#include "base/socket.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STAGGER_MS 250

enum attempt_state {
	ATTEMPT_NEW,
	ATTEMPT_OPEN, /* it has not answered yet */
	ATTEMPT_GIVEN, /* the caller has the socket */
	ATTEMPT_FAILED,
};

struct attempt {
	struct dial *dial;
	enum attempt_state state;
	struct sockaddr_storage at;
	socklen_t at_len;
	int fd; /* while it is OPEN */
	struct event *event;
	char *words; /* why it FAILED */
};

struct dial {
	struct event_base *base;
	char *host, *port;
	struct timeval limit;
	dial_done *done;
	void *ctx;
	struct resolve *resolve; /* NULL: it is known, or there is none */
	struct event *stagger; /* the next attempt is due */
	struct event *late; /* no more is to be expected */
	struct event *ended; /* nothing is left: tell so, from the loop */
	struct err why; /* that is told then, unless attempts have their own */
	struct attempt attempt[DIAL_ADDRESSES];
	size_t n;
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

static void attempt_fails(struct attempt *a, const char *words)
{
	close_attempt(a, ATTEMPT_FAILED);
	free(a->words);
	a->words = xstrdup(words);
}

/* ------------------------------------------------------------------ the end */

static char *address_text(const struct attempt *a)
{
	char text[NI_MAXHOST];

	if (getnameinfo((const struct sockaddr *)&a->at, a->at_len, text,
			sizeof(text), NULL, 0, NI_NUMERICHOST))
		return xstrdup("?");
	return xstrdup(text);
}

/* What became of each address; of a single one without repeating it. */
static void gather_words(const struct dial *d, struct err *err)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < d->n; i++) {
		const struct attempt *a = &d->attempt[i];
		char *address = address_text(a);

		if (d->n == 1 && !strcmp(address, d->host))
			buf_printf(&text, "%s", a->words);
		else
			buf_printf(&text, "%s%s: %s", i ? "; " : "", address,
				   a->words);
		free(address);
	}
	err_set(err, EHOSTUNREACH, "connect to %s%s%s, port %s: %s",
		strchr(d->host, ':') ? "[" : "", d->host,
		strchr(d->host, ':') ? "]" : "", d->port, buf_str(&text));
	buf_release(&text);
}

static void stop_attempts(struct dial *d, enum attempt_state state,
			  const char *words)
{
	for (size_t i = 0; i < d->n; i++) {
		struct attempt *a = &d->attempt[i];

		if (a->state != ATTEMPT_OPEN &&
		    !(words && a->state == ATTEMPT_NEW))
			continue;
		close_attempt(a, state);
		if (words)
			a->words = xstrdup(words);
	}
	event_del(d->stagger);
	event_del(d->late);
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	struct err err = d->why;

	(void)fd;
	(void)what;
	if (d->n)
		gather_words(d, &err);
	d->done(d->ctx, -1, &err);
}

static void end_dial(struct dial *d)
{
	event_del(d->stagger);
	event_del(d->late);
	event_active(d->ended, EV_TIMEOUT, 0);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	double seconds = (double)d->limit.tv_sec +
			 (double)d->limit.tv_usec / 1000000;
	char *words = xasprintf("no answer within %g s", seconds);

	if (!d->n)
		err_set(&d->why, ETIMEDOUT,
			"the address of %s: no name server answered within "
			"%g s",
			d->host, seconds);
	resolve_free(d->resolve);
	d->resolve = NULL;
	stop_attempts(d, ATTEMPT_FAILED, words);
	free(words);
	on_ended(fd, what, d);
}

/* ----------------------------------------------------------------- attempts */

static void try_next(struct dial *d);

static void attempt_answers(struct attempt *a)
{
	struct dial *d = a->dial;
	int fd = a->fd;

	a->fd = -1;
	close_attempt(a, ATTEMPT_GIVEN);
	/* The others may yet be wanted. */
	stop_attempts(d, ATTEMPT_NEW, NULL);
	d->done(d->ctx, fd, NULL);
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	socklen_t len = sizeof(int);
	int failed = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len))
		failed = errno;
	if (!failed) {
		attempt_answers(a);
		return;
	}
	attempt_fails(a, strerror(failed));
	try_next(d);
}

/* 0, or an errno: it failed at once. */
static int begin_attempt(struct attempt *a)
{
	struct dial *d = a->dial;
	struct err err;

	a->fd = socket_new_tcp(a->at.ss_family, &err);
	if (a->fd < 0)
		return -a->fd;
	if (connect(a->fd, (const struct sockaddr *)&a->at, a->at_len) &&
	    errno != EINPROGRESS)
		return errno;
	a->state = ATTEMPT_OPEN;
	a->event = event_new(d->base, a->fd, EV_WRITE, on_answer, a);
	if (!a->event || event_add(a->event, NULL))
		str_out_of_memory();
	return 0;
}

/* Begin with the next address that can be reached at all. */
static void try_next(struct dial *d)
{
	struct timeval stagger = timeval_of(STAGGER_MS);
	bool open = false;

	for (size_t i = 0; i < d->n; i++) {
		struct attempt *a = &d->attempt[i];
		int failed;

		open |= a->state == ATTEMPT_OPEN;
		if (a->state != ATTEMPT_NEW)
			continue;
		failed = begin_attempt(a);
		if (!failed) {
			event_add(d->stagger, &stagger);
			return;
		}
		attempt_fails(a, strerror(failed));
	}
	event_del(d->stagger);
	if (!open)
		end_dial(d);
}

static void on_stagger(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	try_next(arg);
}

static void on_found(void *ctx, const struct addrinfo *list,
		     const struct err *err)
{
	struct dial *d = ctx;

	if (!list)
		d->why = *err;
	for (; list && d->n < DIAL_ADDRESSES; list = list->ai_next) {
		struct attempt *a = &d->attempt[d->n];

		if (list->ai_addrlen > sizeof(a->at))
			continue;
		*a = (struct attempt){ .dial = d, .fd = -1 };
		memcpy(&a->at, list->ai_addr, list->ai_addrlen);
		a->at_len = list->ai_addrlen;
		d->n++;
	}
	resolve_free(d->resolve);
	d->resolve = NULL;
	try_next(d);
}

/* -------------------------------------------------------------------- calls */

static struct event *dial_event(struct dial *d, event_callback_fn fn)
{
	struct event *ev = event_new(d->base, -1, 0, fn, d);

	if (!ev)
		str_out_of_memory();
	return ev;
}

struct dial *dial_start(struct event_base *base, const char *host,
			const char *port, unsigned limit_ms, dial_done *done,
			void *ctx)
{
	struct dial *d = xcalloc(1, sizeof(*d));

	d->base = base;
	d->host = xstrdup(host);
	d->port = xstrdup(port);
	d->limit = timeval_of(limit_ms);
	d->done = done;
	d->ctx = ctx;
	d->stagger = dial_event(d, on_stagger);
	d->late = dial_event(d, on_late);
	d->ended = dial_event(d, on_ended);
	event_add(d->late, &d->limit);
	d->resolve = resolve_start(base, host, port, on_found, d, &d->why);
	if (!d->resolve)
		end_dial(d);
	return d;
}

void dial_again(struct dial *d, const char *why)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->attempt[i].state == ATTEMPT_GIVEN)
			attempt_fails(&d->attempt[i], why);
	}
	event_add(d->late, &d->limit);
	try_next(d);
}

void dial_free(struct dial *d)
{
	if (!d)
		return;
	resolve_free(d->resolve);
	for (size_t i = 0; i < d->n; i++) {
		close_attempt(&d->attempt[i], ATTEMPT_FAILED);
		free(d->attempt[i].words);
	}
	event_free(d->stagger);
	event_free(d->late);
	event_free(d->ended);
	free(d->host);
	free(d->port);
	free(d);
}

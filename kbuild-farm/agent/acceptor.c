/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/acceptor.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REST_S  1 /* when no descriptor is left for accept() */
#define AT_ONCE 32

struct agent_acceptor {
	int fd;
	agent_accepted *accepted;
	void *ctx;
	struct event *ready;
	struct event *rest;
};

/* Those that concern this connection alone, see accept(2). */
static bool is_passing(int code)
{
	switch (code) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

/* False: there is no more for now. */
static bool accept_one(struct agent_acceptor *a)
{
	struct timeval rest = { .tv_sec = REST_S };
	int peer = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer >= 0) {
		a->accepted(a->ctx, peer);
		return true;
	}
	if (!is_passing(errno)) {
		/* Or the loop would spin on a socket that stays ready. */
		log_warning("accept: %s", strerror(errno));
		event_del(a->ready);
		event_add(a->rest, &rest);
	}
	return false;
}

/* A crowd goes fast, but not before all others. */
static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < AT_ONCE && accept_one(arg); i++)
		;
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct agent_acceptor *a = arg;

	(void)fd;
	(void)what;
	event_add(a->ready, NULL);
}

struct agent_acceptor *agent_acceptor_new(struct event_base *base, int fd,
					  agent_accepted *accepted, void *ctx)
{
	struct agent_acceptor *a = xcalloc(1, sizeof(*a));

	*a = (struct agent_acceptor){ .fd = fd,
				      .accepted = accepted,
				      .ctx = ctx };
	a->ready = event_new(base, fd, EV_READ | EV_PERSIST, on_ready, a);
	a->rest = evtimer_new(base, on_rested, a);
	if (!a->ready || !a->rest || event_add(a->ready, NULL))
		str_out_of_memory();
	return a;
}

void agent_acceptor_free(struct agent_acceptor *a)
{
	if (!a)
		return;
	event_free(a->ready);
	event_free(a->rest);
	close(a->fd);
	free(a);
}

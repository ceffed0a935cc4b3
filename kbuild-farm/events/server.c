/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/server.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/socket.h"
#include "base/str.h"
#include "events/writer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16
#define LAST_MS 100

struct client {
	TAILQ_ENTRY(client) link;
	struct events_server *server;
	struct events_writer writer;
	struct event *event; /* it closed, or it takes more */
	int fd;
	bool waits; /* for it to take more */
};

struct events_server {
	struct events_hub *hub;
	struct event_base *base;
	struct events_consumer consumer;
	struct event *listener;
	char *path;
	TAILQ_HEAD(, client) list;
	unsigned n_clients;
};

static void drop_client(struct client *c)
{
	struct events_server *s = c->server;

	TAILQ_REMOVE(&s->list, c, link);
	s->n_clients--;
	if (!s->n_clients)
		events_hub_remove(s->hub, &s->consumer);
	/* It may have rested for want of a descriptor. */
	event_add(s->listener, NULL);
	event_free(c->event);
	events_writer_release(&c->writer);
	close(c->fd);
	free(c);
}

/* Write what it takes; then wait for it to take the rest. */
static void feed_client(struct client *c)
{
	bool waits;

	events_writer_flush(&c->writer, 0);
	if (events_writer_error(&c->writer)) {
		drop_client(c);
		return;
	}
	waits = c->writer.out.waiting.len > 0;
	if (waits == c->waits)
		return;
	c->waits = waits;
	event_del(c->event);
	event_assign(c->event, c->server->base, c->fd,
		     EV_READ | EV_PERSIST | (waits ? EV_WRITE : 0),
		     event_get_callback(c->event), c);
	event_add(c->event, NULL);
}

static void on_client(evutil_socket_t fd, short what, void *ctx)
{
	struct client *c = ctx;
	char ignored[256];
	ssize_t n = 1;

	if (what & EV_READ)
		n = read(fd, ignored, sizeof(ignored));
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		feed_client(c);
	else
		drop_client(c);
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == geteuid() || !peer.uid);
}

static void add_client(struct events_server *s, int fd)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->fd = fd;
	events_writer_init(&c->writer, fd, events_hub_now(s->hub));
	c->event = event_new(s->base, fd, EV_READ | EV_PERSIST, on_client, c);
	if (!c->event || event_add(c->event, NULL))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&s->list, c, link);
	if (!s->n_clients++)
		events_hub_add(s->hub, &s->consumer);
	events_hub_snapshot(s->hub, events_writer_tell, &c->writer);
	feed_client(c);
}

static void on_connect(evutil_socket_t fd, short what, void *ctx)
{
	struct events_server *s = ctx;
	int one;

	(void)what;
	while ((one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0) {
		if (is_ours(one) && s->n_clients < EVENTS_CLIENTS_MAX)
			add_client(s, one);
		else
			close(one);
	}
	/* Out of descriptors: the loop must not spin for one that waits. */
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		event_del(s->listener);
}

static void on_told(void *ctx, const struct events_event *ev)
{
	struct events_server *s = ctx;
	struct client *c;

	list_for_each(c, &s->list, link)
		events_writer_tell(&c->writer, ev);
}

static void on_due(void *ctx, uint64_t at_ms)
{
	struct events_server *s = ctx;
	struct client *c, *next;

	(void)at_ms;
	list_for_each_safe(c, &s->list, link, next)
		feed_client(c);
}

int events_server_new(struct events_server **out, struct events_hub *hub,
		      struct event_base *base, const char *path,
		      struct err *err)
{
	int fd = socket_listen(path, BACKLOG, err);
	struct events_server *s;

	if (fd < 0)
		return fd;
	*out = s = xcalloc(1, sizeof(*s));
	s->hub = hub;
	s->base = base;
	s->path = xstrdup(path);
	s->consumer = (struct events_consumer){ .told = on_told,
						.due = on_due,
						.ctx = s };
	TAILQ_INIT(&s->list);
	s->listener = event_new(base, fd, EV_READ | EV_PERSIST, on_connect, s);
	if (!s->listener || event_add(s->listener, NULL))
		str_out_of_memory();
	return 0;
}

void events_server_free(struct events_server *s)
{
	uint64_t deadline = clock_ms() + LAST_MS;
	struct client *c;

	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->list))) {
		uint64_t now = clock_ms();

		events_writer_flush(&c->writer,
				    now < deadline ? (int)(deadline - now) : 0);
		drop_client(c);
	}
	close(event_get_fd(s->listener));
	event_free(s->listener);
	unlink(s->path);
	free(s->path);
	free(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/client.h"

#include "base/socket.h"
#include "base/str.h"
#include "events/reader.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK (64u << 10)
/*
 * Maximum number of blocks that one callback reads, so that other events of the
 * loop are not delayed.
 */
#define BLOCKS_PER_TURN 4
#define RECONNECT_S     1

struct events_client {
	const struct events_client_ops *ops;
	void *ctx;
	struct event_base *base;
	char *path;
	struct event *read_event; /* NULL after the stream has ended */
	struct event *reconnect_timer; /* reconnects when it expires */
	struct events_reader reader;
};

static void close_socket(struct events_client *c)
{
	if (!c->read_event)
		return;
	close(event_get_fd(c->read_event));
	event_free(c->read_event);
	c->read_event = NULL;
	events_reader_release(&c->reader);
}

static void stop_client(struct events_client *c, const char *why)
{
	close_socket(c);
	event_del(c->reconnect_timer);
	c->ops->on_ended(c->ctx, why);
}

static int handle_lines(struct events_client *c, struct err *err)
{
	static const struct timeval soon = { .tv_sec = RECONNECT_S };
	struct events_parsed read;
	struct bytes line;
	int ret;

	while ((ret = events_reader_next(&c->reader, &read, &line, err))) {
		if (ret < 0 && ret != -ENOMSG)
			return ret;
		if (ret > 0) {
			c->ops->on_event(c->ctx, &read.ev);
			if (read.ev.kind == EVENTS_KIND_DROPPED &&
			    !event_pending(c->reconnect_timer, EV_TIMEOUT,
					   NULL))
				event_add(c->reconnect_timer, &soon);
			events_parsed_release(&read);
		}
		if (c->ops->on_line)
			c->ops->on_line(c->ctx, line);
	}
	return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct events_client *c = ctx;
	uint8_t block[BLOCK];
	struct err err;
	ssize_t n = 1;

	(void)what;
	for (int i = 0; i < BLOCKS_PER_TURN && n > 0; i++) {
		n = read(fd, block, sizeof(block));
		if (n <= 0)
			break;
		events_reader_add(&c->reader, bytes_of(block, (size_t)n));
		if (handle_lines(c, &err)) {
			stop_client(c, err.text);
			return;
		}
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	stop_client(c, n ? strerror(errno) : NULL);
}

static int connect_client(struct events_client *c, struct err *err)
{
	int fd = socket_connect(c->path, err);

	if (fd < 0)
		return fd;
	close_socket(c);
	c->read_event = event_new(c->base, fd, EV_READ | EV_PERSIST,
				  on_readable, c);
	if (!c->read_event || event_add(c->read_event, NULL))
		str_out_of_memory();
	return 0;
}

/*
 * If the reconnection fails, keep the old connection, although the build has
 * dropped events on it.
 */
static void on_reconnect_due(evutil_socket_t fd, short what, void *ctx)
{
	struct events_client *c = ctx;
	struct err ignored;

	(void)fd;
	(void)what;
	if (!connect_client(c, &ignored))
		c->ops->on_reconnected(c->ctx);
}

int events_client_new(struct events_client **out, struct event_base *base,
		      const char *path, const struct events_client_ops *ops,
		      void *ctx, struct err *err)
{
	struct events_client *c = xcalloc(1, sizeof(*c));
	int ret;

	*c = (struct events_client){
		.ops = ops, .ctx = ctx, .base = base, .path = xstrdup(path)
	};
	c->reconnect_timer = event_new(base, -1, 0, on_reconnect_due, c);
	if (!c->reconnect_timer)
		str_out_of_memory();
	ret = connect_client(c, err);
	if (ret)
		events_client_free(c);
	else
		*out = c;
	return ret;
}

void events_client_free(struct events_client *c)
{
	if (!c)
		return;
	close_socket(c);
	event_free(c->reconnect_timer);
	free(c->path);
	free(c);
}

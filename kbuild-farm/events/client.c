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

#define BLOCK   (64u << 10)
#define BLOCKS  4 /* at a time; then others have their turn */
#define AGAIN_S 1

struct events_client {
	const struct events_client_ops *ops;
	void *ctx;
	struct event_base *base;
	char *path;
	struct event *readable; /* NULL: it ended */
	struct event *renew; /* when it is time to connect again */
	struct events_reader reader;
};

static void close_socket(struct events_client *c)
{
	if (!c->readable)
		return;
	close(event_get_fd(c->readable));
	event_free(c->readable);
	c->readable = NULL;
	events_reader_release(&c->reader);
}

static void end_client(struct events_client *c, const char *why)
{
	close_socket(c);
	event_del(c->renew);
	c->ops->ended(c->ctx, why);
}

static void hear_event(struct events_client *c, const struct events_event *ev)
{
	static const struct timeval soon = { .tv_sec = AGAIN_S };

	c->ops->told(c->ctx, ev);
	if (ev->kind == EVENTS_DROPPED &&
	    !event_pending(c->renew, EV_TIMEOUT, NULL))
		event_add(c->renew, &soon);
}

static int hear_lines(struct events_client *c, struct err *err)
{
	struct events_read read;
	struct bytes line;
	int ret;

	while ((ret = events_reader_next(&c->reader, &read, &line, err))) {
		if (ret < 0 && ret != -ENOMSG)
			return ret;
		if (ret > 0) {
			hear_event(c, &read.ev);
			events_read_release(&read);
		}
		if (c->ops->line)
			c->ops->line(c->ctx, line);
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
	for (int i = 0; i < BLOCKS && n > 0; i++) {
		n = read(fd, block, sizeof(block));
		if (n <= 0)
			break;
		events_reader_add(&c->reader, bytes_of(block, (size_t)n));
		if (hear_lines(c, &err)) {
			end_client(c, err.text);
			return;
		}
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	end_client(c, n ? strerror(errno) : NULL);
}

static int open_client(struct events_client *c, struct err *err)
{
	int fd = socket_connect(c->path, err);

	if (fd < 0)
		return fd;
	close_socket(c);
	c->readable = event_new(c->base, fd, EV_READ | EV_PERSIST, on_readable,
				c);
	if (!c->readable || event_add(c->readable, NULL))
		str_out_of_memory();
	return 0;
}

/* Where that fails, what still comes is better than nothing. */
static void on_renew(evutil_socket_t fd, short what, void *ctx)
{
	struct events_client *c = ctx;
	struct err ignored;

	(void)fd;
	(void)what;
	if (!open_client(c, &ignored))
		c->ops->again(c->ctx);
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
	c->renew = event_new(base, -1, 0, on_renew, c);
	if (!c->renew)
		str_out_of_memory();
	ret = open_client(c, err);
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
	event_free(c->renew);
	free(c->path);
	free(c);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two events belong to the descriptors: the reading one is pending
 * unless paused, the writing one while something waits.  Whatever ends the
 * conversation only takes both away and makes `closing` active, so that
 * on_close always comes from the loop, and once.  `depth` counts our
 * callbacks on the stack: a stream that is freed within one keeps its memory
 * until the outermost returns.
 */
#include "wire/stream.h"

#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#define READ_SIZE (64u << 10)
/* Reads after a failed write, for what the peer said before it left. */
#define LAST_READS 64

struct wire_stream {
	struct wire_conn *conn;
	const struct wire_stream_ops *ops;
	void *ctx;
	struct wire_io io;
	struct event *reading;
	struct event *writing;
	struct event *closing;
	struct err why;
	unsigned depth;
	bool over; /* on_close is due or was called */
	bool freed;
	bool paused;
	bool full;
	bool reading_writes; /* read() waits until it may write */
	uint64_t received;
	uint64_t sent;
};

static void free_stream(struct wire_stream *s)
{
	event_free(s->closing);
	wire_conn_free(s->conn);
	free(s);
}

static void leave_callback(struct wire_stream *s)
{
	if (!--s->depth && s->freed)
		free_stream(s);
}

/* Ends the conversation; `why` is in place. */
static void end_stream(struct wire_stream *s)
{
	if (s->over)
		return;
	s->over = true;
	event_del(s->reading);
	event_del(s->writing);
	event_active(s->closing, EV_TIMEOUT, 0);
}

/* epoll refuses regular files and /dev/null, which can be no peer. */
static void watch_event(struct wire_stream *s, struct event *ev)
{
	if (event_add(ev, NULL)) {
		err_set(&s->why, EPERM, "cannot wait for the descriptor");
		end_stream(s);
	}
}

static void on_closing(evutil_socket_t fd, short what, void *arg)
{
	struct wire_stream *s = arg;

	(void)fd;
	(void)what;
	s->depth++;
	s->ops->on_close(s->ctx, &s->why);
	leave_callback(s);
}

static int on_conn_msg(void *arg, uint16_t type, struct bytes body,
		       struct err *err)
{
	struct wire_stream *s = arg;
	int ret;

	ret = s->ops->on_msg(s->ctx, type, body, err);
	/* An owner that is gone gets nothing more. */
	return !ret && s->freed ? -ECANCELED : ret;
}

static void end_of_input(struct wire_stream *s)
{
	if (wire_conn_midway(s->conn))
		err_set(&s->why, EPROTO, "the peer left within a message");
	end_stream(s);
}

/* What read() must write first goes where all that waits to be sent goes. */
static void nothing_to_read(struct wire_stream *s)
{
	const struct wire_io *io = &s->io;

	if (!io->ops->read_must_write || !io->ops->read_must_write(io->ctx))
		return;
	s->reading_writes = true;
	event_del(s->reading);
	if (!event_pending(s->writing, EV_WRITE, NULL))
		watch_event(s, s->writing);
}

/* One read: true when there may be more. */
static bool read_some(struct wire_stream *s)
{
	uint8_t chunk[READ_SIZE];
	ssize_t n = s->io.ops->read(s->io.ctx, chunk, sizeof(chunk), &s->why);

	if (n == -EAGAIN) {
		nothing_to_read(s);
		return false;
	}
	if (n < 0) {
		end_stream(s);
		return false;
	}
	if (!n) {
		end_of_input(s);
		return false;
	}
	s->received += (uint64_t)n;
	if (wire_conn_feed(s->conn, bytes_of(chunk, (size_t)n), &s->why) &&
	    !s->freed)
		end_stream(s);
	return !s->over && !s->freed;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct wire_stream *s = arg;

	(void)fd;
	(void)what;
	s->depth++;
	read_some(s);
	leave_callback(s);
}

/* Offers the kernel what waits: 0, or a negative errno with `err` set. */
static int write_some(struct wire_stream *s, struct err *err)
{
	struct bytes b = wire_conn_pending(s->conn);
	ssize_t n;

	if (!b.len)
		return 0;
	n = s->io.ops->write(s->io.ctx, b, err);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	s->sent += (uint64_t)n;
	wire_conn_sent(s->conn, (size_t)n);
	return 0;
}

/*
 * Nobody takes our bytes any more.  A peer that left in order has said why,
 * and that says more than our EPIPE.
 */
static void write_failed(struct wire_stream *s, const struct err *why)
{
	for (int i = 0; i < LAST_READS && !s->paused && read_some(s); i++)
		;
	if (s->freed)
		return;
	if (!s->over || !s->why.text[0])
		s->why = *why;
	end_stream(s);
}

/* The io may write: what read() had to write goes first. */
static void read_after_all(struct wire_stream *s)
{
	if (!s->reading_writes)
		return;
	s->reading_writes = false;
	if (s->paused)
		return;
	watch_event(s, s->reading);
	if (!s->over)
		read_some(s);
}

static void drained(struct wire_stream *s)
{
	size_t left = wire_conn_pending(s->conn).len;

	if (!left && !s->reading_writes)
		event_del(s->writing);
	if (!s->full || left >= WIRE_LOW_WATER)
		return;
	s->full = false;
	if (s->ops->on_drain)
		s->ops->on_drain(s->ctx);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct wire_stream *s = arg;
	struct err why = { 0 };

	(void)fd;
	(void)what;
	s->depth++;
	read_after_all(s);
	if (!s->over && !s->freed) {
		if (write_some(s, &why))
			write_failed(s, &why);
		else
			drained(s);
	}
	leave_callback(s);
}

struct wire_stream *wire_stream_new_io(struct event_base *base,
				       struct wire_io io,
				       const struct wire_stream_ops *ops,
				       void *ctx)
{
	struct wire_stream *s = xcalloc(1, sizeof(*s));

	*s = (struct wire_stream){ .ops = ops, .ctx = ctx, .io = io };
	s->conn = wire_conn_new(on_conn_msg, s);
	s->reading = event_new(base, io.rfd, EV_READ | EV_PERSIST, on_readable,
			       s);
	s->writing = event_new(base, io.wfd, EV_WRITE | EV_PERSIST, on_writable,
			       s);
	s->closing = event_new(base, -1, 0, on_closing, s);
	if (!s->reading || !s->writing || !s->closing)
		str_out_of_memory();
	watch_event(s, s->reading);
	return s;
}

struct wire_stream *wire_stream_new(struct event_base *base, int rfd, int wfd,
				    const struct wire_stream_ops *ops,
				    void *ctx)
{
	return wire_stream_new_io(base, wire_io_of(rfd, wfd), ops, ctx);
}

void wire_stream_free(struct wire_stream *s)
{
	struct err ignored;

	if (!s || s->freed)
		return;
	/* A last word, as BYE, mostly fits what the kernel takes at once. */
	if (!s->over)
		write_some(s, &ignored);
	s->over = true;
	s->freed = true;
	event_free(s->reading);
	event_free(s->writing);
	event_del(s->closing);
	s->io.ops->free(s->io.ctx);
	if (!s->depth)
		free_stream(s);
}

/* Something was added to what waits. */
static void added(struct wire_stream *s)
{
	if (wire_conn_pending(s->conn).len >= WIRE_HIGH_WATER)
		s->full = true;
	if (!event_pending(s->writing, EV_WRITE, NULL))
		watch_event(s, s->writing);
}

void wire_stream_send(struct wire_stream *s, uint16_t type, struct bytes body,
		      enum wire_codec codec)
{
	if (s->over)
		return;
	wire_conn_send(s->conn, type, body, codec);
	added(s);
}

void wire_stream_send_packed(struct wire_stream *s, uint16_t type,
			     struct bytes packed, enum wire_codec codec,
			     uint32_t raw_len)
{
	if (s->over)
		return;
	wire_conn_send_packed(s->conn, type, packed, codec, raw_len);
	added(s);
}

bool wire_stream_full(const struct wire_stream *s)
{
	return s->full;
}

void wire_stream_pause(struct wire_stream *s, bool paused)
{
	if (s->over || paused == s->paused)
		return;
	s->paused = paused;
	if (paused)
		event_del(s->reading);
	else if (!s->reading_writes)
		watch_event(s, s->reading);
}

uint64_t wire_stream_received(const struct wire_stream *s)
{
	return s->received;
}

uint64_t wire_stream_sent(const struct wire_stream *s)
{
	return s->sent;
}

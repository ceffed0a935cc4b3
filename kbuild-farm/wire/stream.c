/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/stream.h"

#include "base/str.h"
#include "wire/codec.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct descriptors {
	int rfd, wfd;
	bool is_pipe; /* wfd is not a socket, so send() fails */
};

static ssize_t read_descriptor(void *ctx, void *to, size_t size,
			       struct err *err)
{
	const struct descriptors *d = ctx;
	ssize_t n = read(d->rfd, to, size);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	return err_errno(err, "read");
}

static ssize_t write_descriptor(void *ctx, struct bytes in, struct err *err)
{
	struct descriptors *d = ctx;
	ssize_t n = -1;

	if (!d->is_pipe) {
		n = send(d->wfd, in.data, in.len, MSG_NOSIGNAL);
		d->is_pipe = n < 0 && errno == ENOTSOCK;
	}
	if (d->is_pipe)
		n = write(d->wfd, in.data, in.len);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	return err_errno(err, "write");
}

static bool end_descriptor_output(void *ctx)
{
	const struct descriptors *d = ctx;

	return !shutdown(d->wfd, SHUT_WR);
}

static void close_descriptors(void *ctx)
{
	struct descriptors *d = ctx;

	close(d->rfd);
	if (d->wfd != d->rfd)
		close(d->wfd);
	free(d);
}

static void set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

struct wire_io wire_io_from_fds(int rfd, int wfd)
{
	static const struct wire_io_ops ops = {
		.read = read_descriptor,
		.write = write_descriptor,
		.end_output = end_descriptor_output,
		.free = close_descriptors,
	};
	struct descriptors *d = xcalloc(1, sizeof(*d));

	*d = (struct descriptors){ .rfd = rfd, .wfd = wfd };
	set_nonblocking(rfd);
	if (wfd != rfd)
		set_nonblocking(wfd);
	return (struct wire_io){
		.ops = &ops, .ctx = d, .rfd = rfd, .wfd = wfd
	};
}

/* Minimum number of sent bytes to remove from a queue with unsent bytes. */
#define CONSUME_MIN (64u << 10)
/*
 * An empty buffer whose capacity exceeds this number of bytes is freed, because
 * a build host can have several hundred nodes with three buffers each.
 */
#define CACHED_BYTES_MAX (16u << 10)
/* Bytes of an invalid message that an error message shows. */
#define QUOTE_MAX 48

struct wire_conn {
	wire_on_msg *on_msg;
	void *ctx;
	int error; /* error that ended the session, or 0 */
	bool compatible; /* a complete message was received */
	size_t text_max; /* limit of `text` */
	struct buf text; /* text received before the first message */

	uint8_t header[WIRE_FRAME_SIZE];
	size_t header_len; /* bytes of the header received */
	struct wire_frame frame; /* valid once the header is complete */
	/* the received part of a body that arrives in several reads */
	struct buf body;
	struct buf raw; /* the decompressed body */

	struct buf out;
	size_t sent_bytes; /* bytes at the start of `out` that were sent */
};

struct wire_conn *wire_conn_new(wire_on_msg *on_msg, void *ctx)
{
	struct wire_conn *conn = xcalloc(1, sizeof(*conn));

	conn->on_msg = on_msg;
	conn->ctx = ctx;
	return conn;
}

void wire_conn_skip_text(struct wire_conn *conn, size_t max_bytes)
{
	conn->text_max = max_bytes;
}

void wire_conn_free(struct wire_conn *conn)
{
	if (!conn)
		return;
	buf_release(&conn->text);
	buf_release(&conn->body);
	buf_release(&conn->raw);
	buf_release(&conn->out);
	free(conn);
}

/* Empty a buffer; keep its memory for the next message unless it is large. */
static void empty_buffer(struct buf *b)
{
	if (b->cap > CACHED_BYTES_MAX)
		buf_release(b);
	else
		buf_reset(b);
}

static struct bytes take_front(struct bytes *in, size_t n)
{
	struct bytes got = bytes_of(in->data, n);

	in->data += n;
	in->len -= n;
	return got;
}

/* Copy up to QUOTE_MAX printable bytes of the first line that has any. */
static void quote_bytes(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];

		if (c == '\n' && out->len)
			return;
		if (c < ' ' || c == 0x7f || (c == ' ' && !out->len))
			continue;
		if (out->len == QUOTE_MAX)
			break;
		buf_printf(out, "%c", c < 0x7f ? c : '?');
	}
	if (out->len)
		buf_add_str(out, "...");
}

/*
 * Reject bytes that do not form a kfarm frame.  Before the first complete
 * message, the peer may be a program other than kfarm.  The error message then
 * quotes the first line that the peer has sent, which identifies the program
 * best.  Later in a session, the error message does not show the invalid bytes.
 */
static int reject_header(const struct wire_conn *conn, struct bytes rest,
			 struct err *err)
{
	struct buf first = { 0 }, shown = { 0 };

	if (!conn->compatible) {
		buf_add_bytes(&first, buf_bytes(&conn->text));
		buf_add(&first, conn->header, conn->header_len);
		buf_add(&first, rest.data,
			rest.len < QUOTE_MAX ? rest.len : QUOTE_MAX);
		quote_bytes(&shown, buf_bytes(&first));
	}
	if (shown.len)
		err_set(err, EPROTO, "not a kfarm message: \"%s\"",
			buf_str(&shown));
	else
		err_set(err, EPROTO, "not a kfarm message");
	buf_release(&first);
	buf_release(&shown);
	return -EPROTO;
}

static int take_header(struct wire_conn *conn, struct bytes *in,
		       struct err *err)
{
	size_t want = WIRE_FRAME_SIZE - conn->header_len;
	struct bytes got = take_front(in, in->len < want ? in->len : want);
	int ret;

	memcpy(conn->header + conn->header_len, got.data, got.len);
	conn->header_len += got.len;
	/*
	 * Check the magic early, because the greeting of another program may be
	 * too short to fill a header.
	 */
	while (conn->header_len >= sizeof(uint32_t) &&
	       get_le32(conn->header) != WIRE_MAGIC) {
		if (conn->compatible || conn->text.len >= conn->text_max)
			return reject_header(conn, *in, err);
		buf_add(&conn->text, conn->header, 1);
		conn->header_len--;
		memmove(conn->header, conn->header + 1, conn->header_len);
	}
	if (conn->header_len < WIRE_FRAME_SIZE)
		return 0;
	ret = wire_frame_decode(&conn->frame, conn->header);
	if (ret == -EMSGSIZE)
		return err_set(err, EMSGSIZE, "message larger than %u bytes",
			       WIRE_BODY_MAX);
	return ret ? reject_header(conn, *in, err) : 0;
}

static int deliver_message(struct wire_conn *conn, struct bytes body,
			   struct err *err)
{
	const struct wire_frame *f = &conn->frame;
	int ret;

	conn->header_len = 0;
	conn->compatible = true;
	if (f->codec == WIRE_PLAIN)
		return conn->on_msg(conn->ctx, f->type, body, err);

	ret = wire_codec_unpack(&conn->raw, body, (enum wire_codec)f->codec,
				f->raw_len);
	if (ret)
		return err_set(err, -ret,
			       "message of type %u: cannot decompress body",
			       f->type);
	ret = conn->on_msg(conn->ctx, f->type, buf_bytes(&conn->raw), err);
	empty_buffer(&conn->raw);
	return ret;
}

static int take_body(struct wire_conn *conn, struct bytes *in, struct err *err)
{
	size_t want = conn->frame.body_len - conn->body.len;
	struct bytes part;
	int ret;

	if (!conn->body.len && in->len >= want)
		return deliver_message(conn, take_front(in, want), err);

	/*
	 * Allocate memory only for the received bytes, because the peer can
	 * announce a large `body_len` without sending that many bytes.
	 */
	part = take_front(in, in->len < want ? in->len : want);
	if (buf_reserve(&conn->body, part.len))
		return err_set(err, ENOMEM, "cannot allocate message buffer");
	buf_add_bytes(&conn->body, part);
	if (conn->body.len < conn->frame.body_len)
		return 0;
	ret = deliver_message(conn, buf_bytes(&conn->body), err);
	empty_buffer(&conn->body);
	return ret;
}

int wire_conn_feed(struct wire_conn *conn, struct bytes in, struct err *err)
{
	if (conn->error)
		return err_set(err, -conn->error, "session has already failed");
	while (in.len && !conn->error) {
		if (conn->header_len < WIRE_FRAME_SIZE) {
			conn->error = take_header(conn, &in, err);
			if (conn->error || conn->header_len < WIRE_FRAME_SIZE)
				continue;
		}
		if (in.len || !conn->frame.body_len)
			conn->error = take_body(conn, &in, err);
	}
	return conn->error;
}

bool wire_conn_is_partial(const struct wire_conn *conn)
{
	return conn->header_len;
}

static size_t begin_frame(struct wire_conn *conn)
{
	static const uint8_t blank[WIRE_FRAME_SIZE];

	buf_add(&conn->out, blank, sizeof(blank));
	return conn->out.len;
}

static void end_frame(struct wire_conn *conn, size_t body_at, uint16_t type,
		      enum wire_codec codec, size_t raw_len)
{
	struct wire_frame f = {
		.type = type,
		.codec = (uint16_t)codec,
		.body_len = (uint32_t)(conn->out.len - body_at),
		.raw_len = (uint32_t)raw_len,
	};

	wire_frame_encode(conn->out.data + body_at - WIRE_FRAME_SIZE, &f);
}

void wire_conn_send(struct wire_conn *conn, uint16_t type, struct bytes body,
		    enum wire_codec codec)
{
	size_t body_at = begin_frame(conn);

	codec = wire_codec_pack(&conn->out, body, codec);
	end_frame(conn, body_at, type, codec, body.len);
}

void wire_conn_send_packed(struct wire_conn *conn, uint16_t type,
			   struct bytes packed, enum wire_codec codec,
			   uint32_t raw_len)
{
	size_t body_at = begin_frame(conn);

	buf_add_bytes(&conn->out, packed);
	end_frame(conn, body_at, type, codec, raw_len);
}

struct bytes wire_conn_pending(const struct wire_conn *conn)
{
	size_t n = conn->out.len - conn->sent_bytes;

	return bytes_of(n ? conn->out.data + conn->sent_bytes : NULL, n);
}

void wire_conn_consume(struct wire_conn *conn, size_t n)
{
	conn->sent_bytes += n;
	if (conn->sent_bytes == conn->out.len) {
		conn->sent_bytes = 0;
		empty_buffer(&conn->out);
	} else if (conn->sent_bytes >= CONSUME_MIN &&
		   conn->sent_bytes >= conn->out.len / 2) {
		/*
		 * At least half of the bytes were sent, so buf_consume() moves
		 * at most as many bytes as were sent since the last move.
		 */
		buf_consume(&conn->out, conn->sent_bytes);
		conn->sent_bytes = 0;
	}
}

/*
 * The read event watches rfd, and the write event watches wfd.  With TLS, a
 * read() may have to write first (`read_wants_write`).  The read event is
 * pending unless the stream is paused or read() must write first.  The write
 * event is pending while output is queued or read() must write first.  When
 * output is queued, the write event is activated without waiting until the
 * descriptor is writable, which saves two calls of epoll_ctl(2) per message.
 * The write runs after the callbacks that are already active, so that these
 * callbacks can queue more messages before the write.
 *
 * When the session ends, end_stream() only deletes both events and activates
 * `close_event`, so that on_close is called once and from the loop.
 *
 * A finished stream (wire_stream_finish()) ends its output when all messages
 * are written, and then reads until the peer has closed its end.  If the stream
 * closed a socket with unread input, TCP would discard output that the peer has
 * not received.
 *
 * `callback_depth` is the number of callbacks on the stack.  A stream that is
 * freed in a callback retains its memory until the outermost callback returns.
 */

#define READ_SIZE (64u << 10)
/* Maximum number of reads of the peer's last messages after a failed write. */
#define LAST_READS 64
/* Seconds after which a finishing stream closes even if output is left. */
#define FINISH_S 5

struct wire_stream {
	struct wire_conn *conn;
	const struct wire_stream_ops *ops;
	void *ctx;
	struct wire_io io;
	struct event *read_event;
	struct event *write_event;
	struct event *close_event;
	struct err close_error;
	unsigned callback_depth;
	bool closed; /* on_close is due or was called */
	bool freed;
	bool paused;
	bool full;
	bool writing; /* on_writable() is running */
	/* input is discarded, and the output ends when it has been written */
	bool finishing;
	bool input_ended, output_ended; /* set only if `finishing` is set */
	bool read_wants_write; /* read() waits until it can write (TLS) */
	uint64_t received_bytes;
	uint64_t sent_bytes;
};

static void free_stream(struct wire_stream *s)
{
	event_free(s->close_event);
	wire_conn_free(s->conn);
	free(s);
}

static void leave_callback(struct wire_stream *s)
{
	if (!--s->callback_depth && s->freed)
		free_stream(s);
}

/* End the session; the caller has set `close_error`. */
static void end_stream(struct wire_stream *s)
{
	if (s->closed)
		return;
	s->closed = true;
	event_del(s->read_event);
	event_del(s->write_event);
	event_active(s->close_event, EV_TIMEOUT, 0);
}

/*
 * Wait for an event.  End the session if epoll rejects the descriptor, which is
 * then a regular file or /dev/null and cannot be a peer.
 */
static void watch_event(struct wire_stream *s, struct event *ev)
{
	if (event_add(ev, NULL)) {
		err_set(&s->close_error, EPERM, "cannot poll file descriptor");
		end_stream(s);
	}
}

static void on_closing(evutil_socket_t fd, short what, void *arg)
{
	struct wire_stream *s = arg;

	(void)fd;
	(void)what;
	/* `closed` is not set yet if wire_stream_finish() has timed out. */
	s->closed = true;
	event_del(s->read_event);
	event_del(s->write_event);
	s->callback_depth++;
	s->ops->on_close(s->ctx, &s->close_error);
	leave_callback(s);
}

static int on_conn_msg(void *arg, uint16_t type, struct bytes body,
		       struct err *err)
{
	struct wire_stream *s = arg;
	int ret;

	ret = s->ops->on_msg(s->ctx, type, body, err);
	/*
	 * If the owner has freed or finished the stream in the callback, stop
	 * feeding it.
	 */
	return !ret && (s->freed || s->finishing) ? -ECANCELED : ret;
}

/* Read once. Returns true if more input may be available. */
static bool read_some(struct wire_stream *s)
{
	const struct wire_io *io = &s->io;
	uint8_t chunk[READ_SIZE];
	ssize_t n = io->ops->read(io->ctx, chunk, sizeof(chunk),
				  &s->close_error);

	if (n == -EAGAIN) {
		/*
		 * If read() must write first (TLS), let the write event repeat
		 * the read.
		 */
		if (io->ops->read_must_write &&
		    io->ops->read_must_write(io->ctx)) {
			s->read_wants_write = true;
			event_del(s->read_event);
			if (!event_pending(s->write_event, EV_WRITE, NULL))
				watch_event(s, s->write_event);
		}
		return false;
	}
	/*
	 * The output has already ended, so the session ends now.  A failed
	 * read() is not an error in this case.
	 */
	if (n <= 0 && s->output_ended) {
		s->close_error = (struct err){ 0 };
		end_stream(s);
		return false;
	}
	/* The peer may still read, so continue to write. */
	if (!n && s->finishing) {
		event_del(s->read_event);
		s->input_ended = true;
		return false;
	}
	/*
	 * Show the text of a peer that is not kfarm, even if read() has failed:
	 * such a peer can exit with unread input, which causes ECONNRESET.
	 */
	if (n <= 0 && s->conn->text.len && !s->conn->compatible)
		reject_header(s->conn, bytes_of(NULL, 0), &s->close_error);
	else if (!n && wire_conn_is_partial(s->conn))
		err_set(&s->close_error, EPROTO,
			"connection closed in the middle of a message");
	if (n <= 0) {
		end_stream(s);
		return false;
	}
	s->received_bytes += (uint64_t)n;
	if (!s->finishing &&
	    wire_conn_feed(s->conn, bytes_of(chunk, (size_t)n),
			   &s->close_error) &&
	    !s->freed && !s->finishing)
		end_stream(s);
	return !s->closed && !s->freed;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct wire_stream *s = arg;

	(void)fd;
	(void)what;
	s->callback_depth++;
	read_some(s);
	leave_callback(s);
}

/* Write queued bytes once. Returns 0, or a negative errno with `err` set. */
static int write_some(struct wire_stream *s, struct err *err)
{
	struct bytes b = wire_conn_pending(s->conn);
	ssize_t n;

	if (!b.len)
		return 0;
	n = s->io.ops->write(s->io.ctx, b, err);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	s->sent_bytes += (uint64_t)n;
	wire_conn_consume(s->conn, (size_t)n);
	return 0;
}

/*
 * Handle a failed write, which means that the peer has closed its end.  Read
 * the peer's last messages: a BYE with a reason is more useful than EPIPE.
 */
static void handle_write_error(struct wire_stream *s, const struct err *why)
{
	for (int i = 0; i < LAST_READS && !s->paused && read_some(s); i++)
		;
	if (s->freed)
		return;
	if (!s->closed || !s->close_error.text[0])
		s->close_error = *why;
	end_stream(s);
}

/* Called when all output of a finished stream has been written. */
static void end_output(struct wire_stream *s)
{
	if (s->input_ended || !s->io.ops->end_output(s->io.ctx))
		end_stream(s);
	s->output_ended = true;
}

/*
 * If a finished stream has written everything, end its output.  If a full
 * stream has fallen below WIRE_LOW_WATER, call on_drain.  If output is left,
 * wait until it can be written.
 */
static void finish_write(struct wire_stream *s)
{
	if (s->finishing && !s->output_ended && !wire_conn_pending(s->conn).len)
		end_output(s);
	if (s->full && !s->finishing &&
	    wire_conn_pending(s->conn).len < WIRE_LOW_WATER) {
		s->full = false;
		if (s->ops->on_drain)
			s->ops->on_drain(s->ctx);
	}
	if (s->closed || s->freed)
		return;
	if (!wire_conn_pending(s->conn).len && !s->read_wants_write)
		event_del(s->write_event);
	else if (!event_pending(s->write_event, EV_WRITE, NULL))
		watch_event(s, s->write_event);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct wire_stream *s = arg;
	struct err why = { 0 };

	(void)fd;
	(void)what;
	s->callback_depth++;
	s->writing = true;
	/*
	 * If a read has waited for this event, resume the read before writing
	 * queued bytes.
	 */
	if (s->read_wants_write) {
		s->read_wants_write = false;
		if (!s->paused)
			watch_event(s, s->read_event);
		if (!s->paused && !s->closed)
			read_some(s);
	}
	if (!s->closed && !s->freed) {
		if (write_some(s, &why))
			handle_write_error(s, &why);
		else
			finish_write(s);
	}
	s->writing = false;
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
	s->read_event = event_new(base, io.rfd, EV_READ | EV_PERSIST,
				  on_readable, s);
	s->write_event = event_new(base, io.wfd, EV_WRITE | EV_PERSIST,
				   on_writable, s);
	s->close_event = event_new(base, -1, 0, on_closing, s);
	if (!s->read_event || !s->write_event || !s->close_event)
		str_out_of_memory();
	watch_event(s, s->read_event);
	return s;
}

struct wire_stream *wire_stream_new(struct event_base *base, int rfd, int wfd,
				    const struct wire_stream_ops *ops,
				    void *ctx)
{
	return wire_stream_new_io(base, wire_io_from_fds(rfd, wfd), ops, ctx);
}

void wire_stream_skip_text(struct wire_stream *s, size_t max_bytes)
{
	wire_conn_skip_text(s->conn, max_bytes);
}

void wire_stream_free(struct wire_stream *s)
{
	struct err ignored;

	if (!s || s->freed)
		return;
	/* A last message such as BYE usually fits into the socket buffer. */
	if (!s->closed)
		write_some(s, &ignored);
	s->closed = true;
	s->freed = true;
	event_free(s->read_event);
	event_free(s->write_event);
	event_del(s->close_event);
	s->io.ops->free(s->io.ctx);
	if (!s->callback_depth)
		free_stream(s);
}

void wire_stream_finish(struct wire_stream *s)
{
	const struct timeval limit = { .tv_sec = FINISH_S };

	if (s->closed || s->finishing)
		return;
	wire_stream_set_paused(s, false);
	s->finishing = true;
	event_add(s->close_event, &limit);
	if (wire_stream_is_flushed(s))
		end_output(s);
}

/* Called after output was queued. */
static void schedule_write(struct wire_stream *s)
{
	if (wire_conn_pending(s->conn).len >= WIRE_HIGH_WATER)
		s->full = true;
	/* on_writable() calls finish_write(), which waits if output is left. */
	if (!s->writing && !event_pending(s->write_event, EV_WRITE, NULL))
		event_active(s->write_event, EV_WRITE, 0);
}

void wire_stream_send(struct wire_stream *s, uint16_t type, struct bytes body,
		      enum wire_codec codec)
{
	if (s->closed || s->finishing)
		return;
	wire_conn_send(s->conn, type, body, codec);
	schedule_write(s);
}

void wire_stream_send_packed(struct wire_stream *s, uint16_t type,
			     struct bytes packed, enum wire_codec codec,
			     uint32_t raw_len)
{
	if (s->closed || s->finishing)
		return;
	wire_conn_send_packed(s->conn, type, packed, codec, raw_len);
	schedule_write(s);
}

bool wire_stream_is_full(const struct wire_stream *s)
{
	return s->full;
}

bool wire_stream_is_flushed(const struct wire_stream *s)
{
	return !wire_conn_pending(s->conn).len;
}

void wire_stream_set_paused(struct wire_stream *s, bool paused)
{
	if (s->closed || s->finishing || paused == s->paused)
		return;
	s->paused = paused;
	if (paused)
		event_del(s->read_event);
	else if (!s->read_wants_write)
		watch_event(s, s->read_event);
}

uint64_t wire_stream_received_bytes(const struct wire_stream *s)
{
	return s->received_bytes;
}

uint64_t wire_stream_sent_bytes(const struct wire_stream *s)
{
	return s->sent_bytes;
}

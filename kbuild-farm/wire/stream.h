/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/stream.h - Message streams over descriptors or TLS, in a libevent loop.
 *
 * A wire_io transfers bytes.  A wire_conn converts bytes to messages without
 * owning a descriptor, so that tests can feed it byte by byte.  A wire_stream
 * joins both in an event loop.
 *
 * Flow control: a stream queues messages without a limit, but once the queue
 * has reached WIRE_HIGH_WATER bytes, wire_stream_is_full() returns true until
 * on_drain is called.  A receiver pauses its stream with
 * wire_stream_set_paused(), so that the socket buffers fill and block the peer.
 * Input that was read before the pause (at most 64 KiB) is still delivered.
 *
 * Sockets are written with MSG_NOSIGNAL, so that a closed peer does not end the
 * program.  A program that uses pipes must ignore SIGPIPE.
 */
#ifndef WIRE_STREAM_H
#define WIRE_STREAM_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <sys/types.h>

struct wire_conn;
struct event_base;
struct wire_stream;

struct wire_io_ops {
	/*
	 * Like read(2) and write(2) on a non-blocking descriptor.  Both return
	 * the number of bytes; -EAGAIN if no progress is possible now; or
	 * another negative errno with `err` set.  read() returns 0 at the end
	 * of the stream.  A read() of 64 KiB must return all bytes that the io
	 * has buffered (such as a TLS record), because polling the descriptor
	 * does not report buffered bytes.
	 */
	ssize_t (*read)(void *ctx, void *to, size_t size, struct err *err);
	ssize_t (*write)(void *ctx, struct bytes in, struct err *err);
	/*
	 * Return true if the last read() returned -EAGAIN because TLS must
	 * write before it can read.  NULL for an io without such reads.
	 */
	bool (*read_must_write)(const void *ctx);
	/*
	 * End the output, so that the peer's read() returns 0.  This side can
	 * still read.  Returns false if the descriptor is not a socket.
	 */
	bool (*end_output)(void *ctx);
	/* Close the descriptors. */
	void (*free)(void *ctx);
};

struct wire_io {
	const struct wire_io_ops *ops;
	void *ctx;
	int rfd, wfd; /* descriptors to poll; may be equal */
};

/*
 * Create an io for two descriptors, which may be equal.  Sets O_NONBLOCK and
 * takes ownership.
 */
struct wire_io wire_io_from_fds(int rfd, int wfd);

/*
 * Called for a complete message.  `body` is decompressed and borrowed until the
 * call returns.  A negative errno with `err` set ends the session.  The
 * callback may send, but must not feed or free the wire_conn.
 */
typedef int wire_on_msg(void *ctx, uint16_t type, struct bytes body,
			struct err *err);

struct wire_conn *wire_conn_new(wire_on_msg *on_msg, void *ctx);
void wire_conn_free(struct wire_conn *conn);
/*
 * Skip at most `max_bytes` of text before the first message, such as the output
 * of a program that starts the peer.  If no message follows, the error contains
 * the text.
 */
void wire_conn_skip_text(struct wire_conn *conn, size_t max_bytes);

/*
 * Process received bytes and call on_msg for each message that they complete.
 * Returns 0, or a negative errno with `err` set: the error of on_msg, -EPROTO,
 * -EMSGSIZE or -ENOMEM.  After an error, further calls return the same error.
 */
int wire_conn_feed(struct wire_conn *conn, struct bytes in, struct err *err);
/*
 * Return true if a message has been received only in part.  The end of the
 * stream would then be an error.
 */
bool wire_conn_is_partial(const struct wire_conn *conn);

/*
 * Queue a message.  The body is at most WIRE_BODY_MAX bytes; the peer ends the
 * session over a longer body.
 */
void wire_conn_send(struct wire_conn *conn, uint16_t type, struct bytes body,
		    enum wire_codec codec);
/*
 * Queue a body that the caller has packed with wire_codec_pack(), so that a
 * body for several nodes is packed only once.
 */
void wire_conn_send_packed(struct wire_conn *conn, uint16_t type,
			   struct bytes packed, enum wire_codec codec,
			   uint32_t raw_len);

/*
 * wire_conn_pending() returns the unsent bytes, borrowed.  When the caller has
 * written the first `n` of these bytes, wire_conn_consume() removes them.
 */
struct bytes wire_conn_pending(const struct wire_conn *conn);
void wire_conn_consume(struct wire_conn *conn, size_t n);

#define WIRE_HIGH_WATER (4u << 20)
#define WIRE_LOW_WATER  (1u << 20)

struct wire_stream_ops {
	wire_on_msg *on_msg;
	/*
	 * Called once when the session has ended.  `why` is the reason; its
	 * text is empty if the stream ended between two messages.  Never called
	 * from wire_stream_new(), _send() or _free().  The owner must call
	 * wire_stream_free(), which is allowed in all callbacks of this struct.
	 */
	void (*on_close)(void *ctx, const struct err *why);
	/*
	 * Called when the queue of a full stream falls below WIRE_LOW_WATER;
	 * may be NULL.
	 */
	void (*on_drain)(void *ctx);
};

/*
 * Create a stream on two descriptors, which may be equal.  Sets O_NONBLOCK and
 * takes ownership.  Borrows `ops`.
 */
struct wire_stream *wire_stream_new(struct event_base *base, int rfd, int wfd,
				    const struct wire_stream_ops *ops,
				    void *ctx);
/* Create a stream on an io and take ownership of it. */
struct wire_stream *wire_stream_new_io(struct event_base *base,
				       struct wire_io io,
				       const struct wire_stream_ops *ops,
				       void *ctx);
/*
 * Write queued bytes once, as far as the kernel accepts them, and close the
 * descriptors.  No callback follows.  `s` may be NULL.
 */
void wire_stream_free(struct wire_stream *s);
/*
 * End the session after all queued messages have been written.  Further input
 * and output are discarded.  The loop calls on_close when all messages have
 * been written and the peer has closed its end, but at the latest 5 s after
 * this call.  On a pipe, on_close does not wait for the peer.  The text of
 * on_close's `why` is empty unless an error occurred.  Use this function for a
 * last message to a peer that may be slow to read, because wire_stream_free()
 * writes only once.
 */
void wire_stream_finish(struct wire_stream *s);
/* Like wire_conn_skip_text(). */
void wire_stream_skip_text(struct wire_stream *s, size_t max_bytes);
/*
 * Like wire_conn_send() and wire_conn_send_packed().  The message is discarded
 * if the stream is closed.
 */
void wire_stream_send(struct wire_stream *s, uint16_t type, struct bytes body,
		      enum wire_codec codec);
void wire_stream_send_packed(struct wire_stream *s, uint16_t type,
			     struct bytes packed, enum wire_codec codec,
			     uint32_t raw_len);
/*
 * Return true if the queue has reached WIRE_HIGH_WATER and has not fallen below
 * WIRE_LOW_WATER since.
 */
bool wire_stream_is_full(const struct wire_stream *s);
/* Return true if all queued bytes have been written. */
bool wire_stream_is_flushed(const struct wire_stream *s);
/*
 * Stop or resume reading.  A paused stream does not notice that the peer has
 * closed the connection.
 */
void wire_stream_set_paused(struct wire_stream *s, bool paused);
/* Return the number of bytes transferred in each direction. */
uint64_t wire_stream_received_bytes(const struct wire_stream *s);
uint64_t wire_stream_sent_bytes(const struct wire_stream *s);

#endif

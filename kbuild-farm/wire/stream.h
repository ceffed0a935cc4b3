/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/stream.h - a wire_conn on an io (wire/io.h), in a libevent loop.
 *
 * Back-pressure: what a sender adds beyond WIRE_HIGH_WATER is still kept,
 * but wire_stream_full() says so, and on_drain tells when there is room
 * again; a receiver that cannot take more stops reading with
 * wire_stream_pause(), and the kernel's buffers hold the peer back.  What
 * was read before it paused (at most 64 KiB) is still delivered.
 *
 * A peer that is gone must not end us: sockets are written with
 * MSG_NOSIGNAL; a program that gives pipes ignores SIGPIPE.
 */
#ifndef WIRE_STREAM_H
#define WIRE_STREAM_H

#include "wire/conn.h"
#include "wire/io.h"

#include <stdbool.h>

#define WIRE_HIGH_WATER (4u << 20)
#define WIRE_LOW_WATER  (1u << 20)

struct event_base;
struct wire_stream;

struct wire_stream_ops {
	wire_on_msg *on_msg;
	/*
	 * The conversation is over: `why` is the reason, with an empty text
	 * for a plain end of file between two messages.  Called once, never
	 * from within wire_stream_new(), _send() or _free(). wire_stream_free()
	 * is still the owner's, and allowed in each of these callbacks.
	 */
	void (*on_close)(void *ctx, const struct err *why);
	/* The backlog fell below WIRE_LOW_WATER after being full; may be NULL.
	 */
	void (*on_drain)(void *ctx);
};

/*
 * Takes both descriptors (they may be the same one), makes them
 * non-blocking, and closes them in wire_stream_free().  `ops` is kept, not
 * copied.
 */
struct wire_stream *wire_stream_new(struct event_base *base, int rfd, int wfd,
				    const struct wire_stream_ops *ops,
				    void *ctx);
/* The same over any io, which it takes and frees. */
struct wire_stream *wire_stream_new_io(struct event_base *base,
				       struct wire_io io,
				       const struct wire_stream_ops *ops,
				       void *ctx);
/*
 * Offers what still waits to the kernel, once, and closes; no callback
 * comes after it.  NULL is allowed.
 */
void wire_stream_free(struct wire_stream *s);
/* As wire_conn_send() and wire_conn_send_packed(); lost once it is closed. */
void wire_stream_send(struct wire_stream *s, uint16_t type, struct bytes body,
		      enum wire_codec codec);
void wire_stream_send_packed(struct wire_stream *s, uint16_t type,
			     struct bytes packed, enum wire_codec codec,
			     uint32_t raw_len);
/* From WIRE_HIGH_WATER reached until on_drain. */
bool wire_stream_full(const struct wire_stream *s);
/* A paused stream does not see that the peer left. */
void wire_stream_pause(struct wire_stream *s, bool paused);
/* Bytes that passed the io so far, each way. */
uint64_t wire_stream_received(const struct wire_stream *s);
uint64_t wire_stream_sent(const struct wire_stream *s);

#endif

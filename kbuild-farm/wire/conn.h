/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/conn.h - one end of a conversation, as bytes in and bytes out.
 *
 * It owns no descriptor, so that a test can feed it byte by byte;
 * wire/stream.h joins it to descriptors and an event loop.
 */
#ifndef WIRE_CONN_H
#define WIRE_CONN_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/frame.h"

#include <stdbool.h>

struct wire_conn;

/*
 * A whole message: `body` is unpacked and borrowed until the call returns.
 * A negative errno (with `err` set) ends the conversation.  It may send; it
 * may not feed or free the connection.
 */
typedef int wire_on_msg(void *ctx, uint16_t type, struct bytes body,
			struct err *err);

struct wire_conn *wire_conn_new(wire_on_msg *on_msg, void *ctx);
void wire_conn_free(struct wire_conn *conn);

/*
 * Bytes arrived; calls on_msg for each message completed by them.  Returns
 * 0, or a negative errno with `err` set: what on_msg returned, -EPROTO,
 * -EMSGSIZE or -ENOMEM.  After an error the connection takes no more bytes.
 */
int wire_conn_feed(struct wire_conn *conn, struct bytes in, struct err *err);
/* Has only a part of a message come?  Then the peer must not end here. */
bool wire_conn_midway(const struct wire_conn *conn);

/*
 * Queue a message; a body is at most WIRE_BODY_MAX bytes (the peer ends the
 * conversation over a longer one).
 */
void wire_conn_send(struct wire_conn *conn, uint16_t type, struct bytes body,
		    enum wire_codec codec);
/* Queue a body that wire_codec_pack() packed before (once for all nodes). */
void wire_conn_send_packed(struct wire_conn *conn, uint16_t type,
			   struct bytes packed, enum wire_codec codec,
			   uint32_t raw_len);

/* What waits to be sent, and how much of it the kernel took. */
struct bytes wire_conn_pending(const struct wire_conn *conn);
void wire_conn_sent(struct wire_conn *conn, size_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/conn.h"

#include "base/str.h"
#include "wire/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sent bytes are moved out of the way only when there are this many. */
#define CONSUME_MIN (64u << 10)
/* A buffer that grew beyond this goes back when it is empty. */
#define KEEP_MAX (2u << 20)
/* How much an error message shows of what is no message. */
#define QUOTE_MAX 48

struct wire_conn {
	wire_on_msg *on_msg;
	void *ctx;
	int failed; /* what ended it, or 0 */
	bool understood; /* one message came whole */

	uint8_t header[WIRE_FRAME_SIZE];
	size_t header_len; /* bytes of it that came */
	struct wire_frame frame; /* valid once the header is whole */
	struct buf body; /* what came of it, when not all at once */
	struct buf raw; /* the body, unpacked */

	struct buf out;
	size_t out_sent; /* bytes at the start of `out` that are gone */
};

struct wire_conn *wire_conn_new(wire_on_msg *on_msg, void *ctx)
{
	struct wire_conn *conn = xcalloc(1, sizeof(*conn));

	conn->on_msg = on_msg;
	conn->ctx = ctx;
	return conn;
}

void wire_conn_free(struct wire_conn *conn)
{
	if (!conn)
		return;
	buf_release(&conn->body);
	buf_release(&conn->raw);
	buf_release(&conn->out);
	free(conn);
}

static struct bytes cut_front(struct bytes *in, size_t n)
{
	struct bytes got = bytes_of(in->data, n);

	in->data += n;
	in->len -= n;
	return got;
}

/* The first line that is not empty, without control characters. */
static void quote(struct buf *out, struct bytes in)
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
 * What answered in place of kfarmd shows best by its first line; bytes that are
 * wrong in the middle of a conversation tell nothing.
 */
static int refuse_header(const struct wire_conn *conn, struct bytes rest,
			 struct err *err)
{
	struct buf first = { 0 }, shown = { 0 };

	if (!conn->understood) {
		buf_add(&first, conn->header, conn->header_len);
		buf_add(&first, rest.data,
			rest.len < QUOTE_MAX ? rest.len : QUOTE_MAX);
		quote(&shown, buf_bytes(&first));
	}
	if (shown.len)
		err_set(err, EPROTO, "not a kfarm message but \"%s\"",
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
	struct bytes got = cut_front(in, in->len < want ? in->len : want);
	int ret;

	memcpy(conn->header + conn->header_len, got.data, got.len);
	conn->header_len += got.len;
	/* A short greeting never becomes a header. */
	if (conn->header_len >= sizeof(uint32_t) &&
	    get_le32(conn->header) != WIRE_MAGIC)
		return refuse_header(conn, *in, err);
	if (conn->header_len < WIRE_FRAME_SIZE)
		return 0;
	ret = wire_frame_decode(&conn->frame, conn->header);
	if (ret == -EMSGSIZE)
		return err_set(err, EMSGSIZE, "a message beyond %u bytes",
			       WIRE_BODY_MAX);
	return ret ? refuse_header(conn, *in, err) : 0;
}

static int pass_message(struct wire_conn *conn, struct bytes body,
			struct err *err)
{
	const struct wire_frame *f = &conn->frame;
	int ret;

	conn->header_len = 0;
	conn->understood = true;
	if (f->codec == WIRE_PLAIN)
		return conn->on_msg(conn->ctx, f->type, body, err);

	buf_reset(&conn->raw);
	ret = wire_codec_unpack(&conn->raw, body, (enum wire_codec)f->codec,
				f->raw_len);
	if (ret)
		return err_set(err, -ret,
			       "a message (type %u) that does not "
			       "unpack",
			       f->type);
	return conn->on_msg(conn->ctx, f->type, buf_bytes(&conn->raw), err);
}

/* Memory is taken for what came, not for what was announced. */
static int keep_part(struct wire_conn *conn, struct bytes part, struct err *err)
{
	if (buf_reserve(&conn->body, part.len))
		return err_set(err, ENOMEM, "no memory for a message");
	buf_add_bytes(&conn->body, part);
	return 0;
}

static int take_body(struct wire_conn *conn, struct bytes *in, struct err *err)
{
	size_t want = conn->frame.body_len - conn->body.len;
	int ret;

	if (!conn->body.len && in->len >= want)
		return pass_message(conn, cut_front(in, want), err);

	ret = keep_part(conn, cut_front(in, in->len < want ? in->len : want),
			err);
	if (ret || conn->body.len < conn->frame.body_len)
		return ret;
	ret = pass_message(conn, buf_bytes(&conn->body), err);
	buf_reset(&conn->body);
	return ret;
}

static int feed_step(struct wire_conn *conn, struct bytes *in, struct err *err)
{
	int ret;

	if (conn->header_len < WIRE_FRAME_SIZE) {
		ret = take_header(conn, in, err);
		if (ret || conn->header_len < WIRE_FRAME_SIZE)
			return ret;
	}
	if (!in->len && conn->frame.body_len)
		return 0;
	return take_body(conn, in, err);
}

int wire_conn_feed(struct wire_conn *conn, struct bytes in, struct err *err)
{
	if (conn->failed)
		return err_set(err, -conn->failed, "the conversation is over");
	while (in.len && !conn->failed)
		conn->failed = feed_step(conn, &in, err);
	return conn->failed;
}

bool wire_conn_midway(const struct wire_conn *conn)
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
	size_t n = conn->out.len - conn->out_sent;

	return bytes_of(n ? conn->out.data + conn->out_sent : NULL, n);
}

void wire_conn_sent(struct wire_conn *conn, size_t n)
{
	conn->out_sent += n;
	if (conn->out_sent == conn->out.len) {
		conn->out_sent = 0;
		buf_reset(&conn->out);
		if (conn->out.cap > KEEP_MAX)
			buf_release(&conn->out);
	} else if (conn->out_sent >= CONSUME_MIN &&
		   conn->out_sent >= conn->out.len / 2) {
		/* Moves at most as many bytes as were sent since the last. */
		buf_consume(&conn->out, conn->out_sent);
		conn->out_sent = 0;
	}
}

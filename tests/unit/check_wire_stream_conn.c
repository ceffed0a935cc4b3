/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/stream.h"

#include "base/clock.h"
#include "wire/codec.h"
#include "wire/msg.h"

/* All messages of a connection in one buffer: type, length, body. */
struct received {
	struct buf log;
	unsigned n;
	int ret; /* return value of on_msg */
};

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct received *h = ctx;

	buf_put_u16(&h->log, type);
	buf_put_bytes(&h->log, body);
	h->n++;
	if (h->ret)
		err_set(err, -h->ret, "not that one");
	return h->ret;
}

static void send_text(struct wire_conn *conn, size_t n, enum wire_codec codec)
{
	struct buf text = { 0 };

	while (text.len < n)
		buf_printf(&text, "extern int v%zu;\n", text.len);
	wire_conn_send(conn, WIRE_OUTPUT, buf_bytes(&text), codec);
	buf_release(&text);
}

/* Write one side of a session, short enough to truncate at every byte. */
static void write_session(struct buf *out)
{
	struct wire_conn *conn = wire_conn_new(on_msg, NULL);
	struct wire_hello hello = { .version_min = 1, .version_max = 1 };
	struct wire_job job = { .job = 1,
				.source = (char *)"x.c",
				.object = (char *)"x.o" };
	struct buf body = { 0 };

	wire_hello_encode(&body, &hello);
	wire_conn_send(conn, WIRE_HELLO, buf_bytes(&body), WIRE_PLAIN);
	buf_reset(&body);
	wire_job_encode(&body, &job);
	wire_conn_send(conn, WIRE_JOB, buf_bytes(&body), WIRE_PLAIN);
	send_text(conn, 400, WIRE_LZO);
	send_text(conn, 300, WIRE_ZSTD);
	send_text(conn, 200, WIRE_PLAIN);
	wire_conn_send(conn, WIRE_CC_BEAT, bytes_of(NULL, 0), WIRE_PLAIN);
	buf_add_bytes(out, wire_conn_pending(conn));
	buf_release(&body);
	wire_conn_free(conn);
}

/* Feed a new connection with pieces of `step` bytes. */
static int feed(struct received *h, struct bytes in, size_t step,
		struct err *err)
{
	struct wire_conn *conn = wire_conn_new(on_msg, h);
	int ret = 0;

	for (size_t at = 0; at < in.len && !ret; at += step) {
		size_t n = in.len - at < step ? in.len - at : step;

		ret = wire_conn_feed(conn, bytes_of(in.data + at, n), err);
	}
	wire_conn_free(conn);
	return ret;
}

TIMEOUT(60);

TEST(input_pieces_of_every_size_give_the_same_messages)
{
	struct received once = { 0 }, pieces = { 0 };
	struct buf sent = { 0 };
	struct err err = { 0 };

	write_session(&sent);
	must(feed(&once, buf_bytes(&sent), sent.len, &err));
	ck_assert_uint_eq(once.n, 6);
	for (size_t step = 1; step < sent.len; step++) {
		pieces.n = 0;
		buf_reset(&pieces.log);
		must(feed(&pieces, buf_bytes(&sent), step, &err));
		ck_assert(bytes_equal(buf_bytes(&once.log),
				      buf_bytes(&pieces.log)));
	}
	buf_release(&once.log);
	buf_release(&pieces.log);
	buf_release(&sent);
}

TEST(a_truncated_session_gives_a_prefix_and_no_error)
{
	struct received whole = { 0 };
	struct buf sent = { 0 };
	struct err err = { 0 };

	write_session(&sent);
	feed(&whole, buf_bytes(&sent), sent.len, &err);
	for (size_t n = 0; n < sent.len; n++) {
		struct received part = { 0 };

		must(feed(&part, bytes_of(sent.data, n), 7, &err));
		ck_assert_uint_lt(part.n, whole.n);
		ck_assert_uint_le(part.log.len, whole.log.len);
		if (part.log.len)
			ck_assert_mem_eq(part.log.data, whole.log.data,
					 part.log.len);
		buf_release(&part.log);
	}
	buf_release(&whole.log);
	buf_release(&sent);
}

TEST(is_partial_is_true_only_within_a_message)
{
	struct received h = { 0 };
	struct wire_conn *conn = wire_conn_new(on_msg, &h);
	struct buf sent = { 0 };
	struct err err = { 0 };
	unsigned between = 0;

	write_session(&sent);
	for (size_t i = 0; i < sent.len; i++) {
		unsigned before = h.n;

		between += !wire_conn_is_partial(conn);
		wire_conn_feed(conn, bytes_of(sent.data + i, 1), &err);
		ck_assert_int_eq(wire_conn_is_partial(conn), (h.n == before));
	}
	ck_assert_uint_eq(between, 6);
	wire_conn_free(conn);
	buf_release(&sent);
	buf_release(&h.log);
}

/*
 * Every value of every byte of two uncompressed messages gives an error or
 * another message, but never the same message.
 */
TEST(a_changed_byte_never_gives_the_same_messages)
{
	struct received whole = { 0 };
	struct wire_conn *conn = wire_conn_new(on_msg, &whole);
	struct buf sent = { 0 };
	struct err err = { 0 };

	wire_conn_send(conn, WIRE_CANCEL, bytes_str("abcd"), WIRE_PLAIN);
	wire_conn_send(conn, WIRE_CC_LOCAL, bytes_of(NULL, 0), WIRE_PLAIN);
	buf_add_bytes(&sent, wire_conn_pending(conn));
	wire_conn_free(conn);
	feed(&whole, buf_bytes(&sent), sent.len, &err);

	for (size_t i = 0; i < sent.len * 256; i++) {
		struct received h = { 0 };
		uint8_t was = sent.data[i / 256];
		int ret;

		sent.data[i / 256] = (uint8_t)i;
		ret = feed(&h, buf_bytes(&sent), 5, &err);
		if (was != (uint8_t)i)
			ck_assert(ret || !bytes_equal(buf_bytes(&h.log),
						      buf_bytes(&whole.log)));
		sent.data[i / 256] = was;
		buf_release(&h.log);
	}
	buf_release(&sent);
	buf_release(&whole.log);
}

TEST(every_error_caused_by_a_flipped_bit_has_a_text)
{
	struct buf sent = { 0 };
	struct err err;

	write_session(&sent);
	for (size_t bit = 0; bit < sent.len * 8; bit++) {
		struct received h = { 0 };
		int ret;

		err.text[0] = '\0';
		sent.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ret = feed(&h, buf_bytes(&sent), 64, &err);
		ck_assert(ret == 0 || ret == -EPROTO || ret == -EMSGSIZE);
		ck_assert_int_eq(!ret, !err.text[0]);
		sent.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_release(&h.log);
	}
	buf_release(&sent);
}

TEST(another_protocol_is_rejected_by_its_first_bytes)
{
	struct received h = { 0 };
	struct err err = { 0 };

	err_is(feed(&h, bytes_str("GET / HTTP/1.1\r\nHost: x\r\n"), 1, &err),
	       -EPROTO, "not a kfarm message: \"GET ...\"");
	ck_assert_uint_eq(h.n, 0);
}

/* The first bytes, and their form in the error. */
static const struct greeting {
	const char *sent, *shown;
} greetings[] = {
	{ "Welcome to desk.\nHave a nice day.\n", ": \"Welcome to desk.\"" },
	{ "\n  \r\n\033[1mWelcome\a \xc3\xa4\n and more",
	  ": \"[1mWelcome ??\"" },
	{ "Welcome to this node, whose name is far longer than this is.\n",
	  ": \"Welcome to this node, whose name is far longer t...\"" },
	{ "Hi all\n", ": \"Hi all\"" },
	{ "no end of a line", ": \"no end of a line...\"" },
	{ "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", "" },
};

TEST_EACH(text_in_place_of_a_message_is_quoted_in_the_error, greetings)
{
	struct received h = { 0 };
	struct err err = { 0 };

	err_is(feed(&h, bytes_str(row->sent), 4096, &err), -EPROTO,
	       "not a kfarm message%s", row->shown);
}

/*
 * Text of up to 40 bytes is skipped before the first message, in pieces of any
 * size, even if it contains parts of the magic.
 */
static const struct preface {
	const char *text;
	bool accepted;
} prefaces[] = {
	{ "", true },
	{ "x", true },
	{ "kfr\n", true },
	{ "kkfkfrkfr\n", true },
	{ "If you do not see a prompt, press enter.", true },
	{ "If you don't see a prompt, try pressing..", false },
};

TEST_EACH(text_of_limited_size_before_the_first_message_is_skipped, prefaces)
{
	struct buf sent = { 0 }, plain = { 0 };

	write_session(&plain);
	buf_add_str(&sent, row->text);
	buf_add_bytes(&sent, buf_bytes(&plain));
	for (size_t step = 1; step < 50; step++) {
		struct wire_conn *conn;
		struct received h = { 0 };
		struct err err = { 0 };
		int ret = 0;

		conn = wire_conn_new(on_msg, &h);
		wire_conn_skip_text(conn, 40);
		for (size_t at = 0; at < sent.len && !ret; at += step) {
			size_t n = sent.len - at < step ? sent.len - at : step;

			ret = wire_conn_feed(conn, bytes_of(sent.data + at, n),
					     &err);
		}
		ck_assert_int_eq(ret, row->accepted ? 0 : -EPROTO);
		ck_assert_uint_eq(h.n, row->accepted ? 6 : 0);
		if (ret)
			ck_assert_ptr_nonnull(strstr(err.text, "If you don"));
		buf_release(&h.log);
		wire_conn_free(conn);
	}
	buf_release(&sent);
	buf_release(&plain);
}

TEST(text_between_messages_is_rejected)
{
	struct wire_conn *conn;
	struct buf sent = { 0 };
	struct received h = { 0 };
	struct err err = { 0 };

	conn = wire_conn_new(on_msg, &h);
	wire_conn_skip_text(conn, 4096);
	write_session(&sent);
	buf_add_str(&sent, "slurmstepd: error\n");
	write_session(&sent);
	err_is(wire_conn_feed(conn, buf_bytes(&sent), &err), -EPROTO,
	       "not a kfarm message");
	ck_assert_uint_eq(h.n, 6);
	wire_conn_free(conn);
	buf_release(&sent);
	buf_release(&h.log);
}

TEST(text_after_the_first_message_is_not_quoted)
{
	struct buf sent = { 0 };
	struct received h = { 0 };
	struct err err = { 0 };

	write_session(&sent);
	buf_add_str(&sent, "Welcome to this node\n");
	err_is(feed(&h, buf_bytes(&sent), 4096, &err), -EPROTO,
	       "not a kfarm message");
	buf_release(&sent);
	buf_release(&h.log);
}

TEST(a_header_with_a_huge_length_is_rejected_before_its_body)
{
	uint8_t header[WIRE_FRAME_SIZE] = { 'k', 'f', 'r', 'm', 6 };
	struct received h = { 0 };
	struct err err = { 0 };

	memset(header + 8, 0xff, 8);
	ck_assert_int_eq(feed(&h, bytes_of(header, sizeof(header)), 16, &err),
			 -EMSGSIZE);
	ck_assert_uint_eq(h.n, 0);
}

TEST_RANGE(a_body_larger_than_its_stated_length_is_rejected, 0, 2)
{
	static const enum wire_codec codecs[] = { WIRE_LZO, WIRE_ZSTD };
	uint8_t *zeros = calloc(1, WIRE_BODY_MAX);
	struct received h = { 0 };
	struct wire_conn *conn = wire_conn_new(on_msg, &h);
	struct buf packed = { 0 };
	struct err err = { 0 };

	/* The header states 10 bytes, but the body contains 1 MiB. */
	wire_codec_pack(&packed, bytes_of(zeros, WIRE_BODY_MAX), codecs[_i]);
	wire_conn_send_packed(conn, WIRE_OUTPUT, buf_bytes(&packed), codecs[_i],
			      10);
	ck_assert_int_eq(feed(&h, wire_conn_pending(conn), 4096, &err),
			 -EPROTO);
	ck_assert_uint_eq(h.n, 0);
	wire_conn_free(conn);
	buf_release(&packed);
	free(zeros);
}

TEST(an_error_of_on_msg_ends_the_session)
{
	struct received h = { .ret = -ENOTSUP };
	struct wire_conn *conn = wire_conn_new(on_msg, &h);
	struct buf sent = { 0 };
	struct err err = { 0 };

	write_session(&sent);
	err_is(wire_conn_feed(conn, buf_bytes(&sent), &err), -ENOTSUP,
	       "not that one");
	h.ret = 0;
	ck_assert_int_eq(wire_conn_feed(conn, buf_bytes(&sent), &err),
			 -ENOTSUP);
	ck_assert_uint_eq(h.n, 1);
	wire_conn_free(conn);
	buf_release(&sent);
	buf_release(&h.log);
}

TEST(a_body_compressed_once_is_sent_on_several_connections)
{
	struct buf raw = { 0 }, packed = { 0 };
	enum wire_codec codec;
	struct err err = { 0 };

	while (raw.len < WIRE_CHUNK_MAX)
		buf_add_str(&raw, "#define X 1\n");
	codec = wire_codec_pack(&packed, buf_bytes(&raw), WIRE_ZSTD);
	for (int i = 0; i < 3; i++) {
		struct received h = { 0 };
		struct wire_conn *conn = wire_conn_new(on_msg, &h);

		wire_conn_send_packed(conn, WIRE_OUTPUT, buf_bytes(&packed),
				      codec, (uint32_t)raw.len);
		must(feed(&h, wire_conn_pending(conn), 1000, &err));
		ck_assert_uint_eq(h.log.len, 2 + 4 + raw.len);
		ck_assert_mem_eq(h.log.data + 6, raw.data, raw.len);
		wire_conn_free(conn);
		buf_release(&h.log);
	}
	buf_release(&raw);
	buf_release(&packed);
}

TEST(partially_consumed_output_stays_in_order)
{
	struct received direct = { 0 }, slow = { 0 };
	struct wire_conn *from = wire_conn_new(on_msg, NULL);
	struct wire_conn *to = wire_conn_new(on_msg, &slow);
	struct buf sent = { 0 };
	struct err err = { 0 };
	size_t step = 1;

	ck_assert_uint_eq(wire_conn_pending(from).len, 0);
	for (int i = 0; i < 20; i++)
		send_text(from, 20000, i % 2 ? WIRE_PLAIN : WIRE_LZO);
	buf_add_bytes(&sent, wire_conn_pending(from));
	feed(&direct, buf_bytes(&sent), sent.len, &err);

	while (wire_conn_pending(from).len) {
		struct bytes b = wire_conn_pending(from);

		b.len = b.len < step ? b.len : step;
		must(wire_conn_feed(to, b, &err));
		wire_conn_consume(from, b.len);
		step = step * 7 % 9973;
	}
	ck_assert_uint_eq(slow.n, 20);
	ck_assert(bytes_equal(buf_bytes(&direct.log), buf_bytes(&slow.log)));
	wire_conn_free(from);
	wire_conn_free(to);
	buf_release(&sent);
	buf_release(&direct.log);
	buf_release(&slow.log);
}

/* Moving the remaining bytes at each step would copy about 200 GB. */
TEST(a_large_backlog_drains_in_linear_time)
{
	struct wire_conn *conn = wire_conn_new(on_msg, NULL);
	uint8_t *body = calloc(1, WIRE_BODY_MAX);
	uint64_t start = clock_ms();
	size_t left;

	for (int i = 0; i < 64; i++)
		wire_conn_send(conn, WIRE_OUTPUT, bytes_of(body, WIRE_BODY_MAX),
			       WIRE_PLAIN);
	for (left = wire_conn_pending(conn).len; left;
	     left = wire_conn_pending(conn).len)
		wire_conn_consume(conn, left < 10000 ? left : 10000);
	ck_assert_uint_lt(clock_ms() - start, 30000);
	wire_conn_free(conn);
	free(body);
}

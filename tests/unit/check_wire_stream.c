/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/stream.h"

#include "wire/msg.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BLOCK (64u << 10)

/* One end of a session and its events. */
struct end {
	struct wire_stream *s;
	unsigned messages, closes, drains;
	uint64_t bytes;
	char *reason;
	int ret; /* return value of on_msg */
	bool echo; /* send each message back */
	bool free_on_msg, free_on_close, free_on_drain, pause_on_msg;
	unsigned refill; /* messages to send from on_drain */
	bool busy; /* in send_body() or end_free(): no callback is allowed */
};

static struct event_base *base;
static struct end left, right;
static uint8_t block[BLOCK];

static void end_free(struct end *e)
{
	struct wire_stream *s = e->s;

	e->busy = true;
	e->s = NULL;
	wire_stream_free(s);
	e->busy = false;
}

static void send_body(struct end *e, uint16_t type, struct bytes body)
{
	e->busy = true;
	wire_stream_send(e->s, type, body, WIRE_PLAIN);
	e->busy = false;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct end *e = ctx;

	ck_assert(!e->busy);
	ck_assert_ptr_nonnull(e->s);
	e->messages++;
	e->bytes += body.len;
	if (e->echo)
		send_body(e, type, body);
	if (e->pause_on_msg)
		wire_stream_set_paused(e->s, true);
	if (e->free_on_msg)
		end_free(e);
	if (e->ret)
		err_set(err, -e->ret, "not that one");
	return e->ret;
}

static void on_close(void *ctx, const struct err *reason)
{
	struct end *e = ctx;

	ck_assert(!e->busy);
	ck_assert_ptr_nonnull(e->s);
	e->closes++;
	free(e->reason);
	e->reason = xstrdup(reason->text);
	if (e->free_on_close)
		end_free(e);
}

static void on_drain(void *ctx)
{
	struct end *e = ctx;

	ck_assert(!e->busy);
	e->drains++;
	ck_assert(!wire_stream_is_full(e->s));
	for (; e->refill; e->refill--)
		send_body(e, WIRE_OUTPUT, bytes_of(block, sizeof(block)));
	if (e->free_on_drain)
		end_free(e);
}

static const struct wire_stream_ops ops = { on_msg, on_close, on_drain };

static void join_sockets(struct end *a, struct end *b, const int fd[2])
{
	a->s = wire_stream_new(base, fd[0], fd[0], &ops, a);
	b->s = wire_stream_new(base, fd[1], fd[1], &ops, b);
}

static void join(struct end *a, struct end *b)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd),
			 0);
	join_sockets(a, b, fd);
}

static void join_tcp(struct end *a, struct end *b)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd[2];

	ck_assert(!bind(server, (struct sockaddr *)&at, sizeof(at)));
	ck_assert(!listen(server, 1));
	ck_assert(!getsockname(server, (struct sockaddr *)&at, &len));
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(!connect(fd[0], (struct sockaddr *)&at, sizeof(at)));
	fd[1] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(fd[1], 0);
	close(server);
	join_sockets(a, b, fd);
}

static void set_up(void)
{
	base = event_base_new();
	left = right = (struct end){ 0 };
}

static void tear_down(void)
{
	wire_stream_free(left.s);
	wire_stream_free(right.s);
	free(left.reason);
	free(right.reason);
	event_base_free(base);
}

/* Run the loop until no more events occur. */
static void settle(void)
{
	unsigned before;

	do {
		before = left.messages + right.messages + left.closes +
			 right.closes + left.drains + right.drains;
		for (int i = 0; i < 50; i++)
			event_base_loop(base, EVLOOP_NONBLOCK);
	} while (before != left.messages + right.messages + left.closes +
				   right.closes + left.drains + right.drains);
}

FIXTURE(set_up, tear_down);
TIMEOUT(30);

TEST(messages_are_delivered_in_both_directions)
{
	join(&left, &right);
	right.echo = true;
	for (int i = 0; i < 100; i++)
		send_body(&left, WIRE_CANCEL, bytes_str("four"));
	settle();
	ck_assert_uint_eq(right.messages, 100);
	ck_assert_uint_eq(left.messages, 100);
	ck_assert_uint_eq(left.bytes, 400);
	ck_assert_uint_eq(wire_stream_sent_bytes(left.s), 2000);
	ck_assert_uint_eq(wire_stream_received_bytes(left.s), 2000);
	ck_assert_uint_eq(left.closes + right.closes, 0);
}

TEST(a_compressed_message_is_delivered_decompressed)
{
	join(&left, &right);
	wire_stream_send(left.s, WIRE_OUTPUT, bytes_of(block, BLOCK),
			 WIRE_ZSTD);
	wire_stream_send_packed(left.s, WIRE_OUTPUT, bytes_of(block, 10),
				WIRE_PLAIN, 10);
	settle();
	ck_assert_uint_eq(right.messages, 2);
	ck_assert_uint_eq(right.bytes, BLOCK + 10);
	ck_assert_uint_lt(wire_stream_received_bytes(right.s), 1000);
}

TEST(a_large_backlog_is_delivered_and_drains_once)
{
	unsigned n = 0;

	join(&left, &right);
	while (!wire_stream_is_full(left.s)) {
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
		n++;
	}
	ck_assert_uint_ge((uint64_t)n * (BLOCK + 16), WIRE_HIGH_WATER);
	ck_assert_uint_lt((uint64_t)(n - 1) * (BLOCK + 16), WIRE_HIGH_WATER);
	for (; n < 1000; n++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	left.refill = 3;
	settle();
	ck_assert_uint_eq(left.drains, 1);
	ck_assert_uint_eq(right.messages, 1003);
	ck_assert_uint_eq(right.bytes, (uint64_t)1003 * BLOCK);
	ck_assert(!wire_stream_is_full(left.s));
}

TEST(a_paused_reader_stops_the_output_of_its_peer)
{
	join(&left, &right);
	wire_stream_set_paused(right.s, true);
	for (int i = 0; i < 200; i++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	ck_assert_uint_eq(right.messages, 0);
	ck_assert(wire_stream_is_full(left.s));
	ck_assert_uint_lt(wire_stream_sent_bytes(left.s), 2u << 20);
	ck_assert_uint_eq(left.drains, 0);

	wire_stream_set_paused(right.s, false);
	settle();
	ck_assert_uint_eq(right.messages, 200);
	ck_assert_uint_eq(left.drains, 1);
}

TEST(after_a_pause_only_messages_already_read_are_delivered)
{
	join(&left, &right);
	right.pause_on_msg = true;
	for (int i = 0; i < 20000; i++)
		send_body(&left, WIRE_CANCEL, bytes_str("four"));
	settle();
	ck_assert_uint_ge(right.messages, 1);
	ck_assert_uint_le(right.messages, (64u << 10) / 20 + 1);
	while (right.messages < 20000) {
		unsigned before = right.messages;

		wire_stream_set_paused(right.s, false);
		settle();
		ck_assert_uint_gt(right.messages, before);
	}
}

TEST(a_connection_closed_between_messages_has_an_empty_reason)
{
	join(&left, &right);
	send_body(&right, WIRE_BYE, bytes_of(NULL, 0));
	end_free(&right); /* the BYE is still sent */
	settle();
	ck_assert_uint_eq(left.messages, 1);
	ck_assert_uint_eq(left.closes, 1);
	ck_assert_str_eq(left.reason, "");
	ck_assert_uint_eq(right.closes, 0);
}

/*
 * Let the left end receive these bytes and the end of the connection.  It skips
 * at most `text_max` bytes of text.
 */
static void receive_raw_after_text(size_t text_max, const void *data, size_t n)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd),
			 0);
	left.s = wire_stream_new(base, fd[0], fd[0], &ops, &left);
	wire_stream_skip_text(left.s, text_max);
	ck_assert_int_eq(write(fd[1], data, n), (ssize_t)n);
	close(fd[1]);
	settle();
}

static void receive_raw(const void *data, size_t n)
{
	receive_raw_after_text(0, data, n);
}

TEST(text_before_the_end_of_the_connection_is_quoted)
{
	receive_raw_after_text(4096, "no free machine\n", 16);
	ck_assert_uint_eq(left.closes, 1);
	ck_assert_str_eq(left.reason,
			 "not a kfarm message: \"no free machine\"");
}

TEST(a_connection_closed_within_a_message_is_an_error)
{
	receive_raw("kfr", 3);
	ck_assert_uint_eq(left.closes, 1);
	ck_assert_str_eq(left.reason,
			 "connection closed in the middle of a message");
}

TEST(invalid_input_closes_the_session_once)
{
	receive_raw("GET / HTTP/1.1\r\n\r\nkfrmkfrmkfrm", 30);
	ck_assert_uint_eq(left.closes, 1);
	ck_assert_str_eq(left.reason,
			 "not a kfarm message: \"GET / HTTP/1.1\"");
	send_body(&left, WIRE_BYE, bytes_of(NULL, 0)); /* discarded */
	settle();
	ck_assert_uint_eq(left.closes, 1);
}

TEST(an_error_of_on_msg_is_the_reason_of_the_close)
{
	join(&left, &right);
	right.ret = -ENOTSUP;
	send_body(&left, WIRE_CANCEL, bytes_of(NULL, 0));
	send_body(&left, WIRE_CANCEL, bytes_of(NULL, 0));
	settle();
	ck_assert_uint_eq(right.messages, 1);
	ck_assert_uint_eq(right.closes, 1);
	ck_assert_str_eq(right.reason, "not that one");
	ck_assert_uint_eq(left.closes, 0);
}

TEST(a_write_to_a_closed_peer_is_reported_by_the_event_loop)
{
	join(&left, &right);
	end_free(&right);
	send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	ck_assert_uint_eq(left.closes, 0);
	settle();
	ck_assert_uint_eq(left.closes, 1);
}

/* The BYE is in the receive buffer when the write fails. */
TEST(a_received_message_is_delivered_although_a_write_fails)
{
	join(&left, &right);
	for (int i = 0; i < 100; i++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	right.messages = 0;
	wire_stream_set_paused(right.s, true);
	for (int i = 0; i < 100; i++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	left.messages = 0;
	send_body(&right, WIRE_BYE, bytes_str("why"));
	end_free(&right);
	settle();
	ck_assert_uint_eq(left.messages, 1);
	ck_assert_uint_eq(left.bytes, 3);
	ck_assert_uint_eq(left.closes, 1);
}

/* Much output precedes the last message, and the peer reads none of it yet. */
TEST(a_finished_stream_writes_all_of_its_output)
{
	join(&left, &right);
	wire_stream_set_paused(left.s, true);
	for (int i = 0; i < 100; i++)
		send_body(&right, WIRE_OUTPUT, bytes_of(block, BLOCK));
	send_body(&right, WIRE_BYE, bytes_str("why"));
	wire_stream_finish(right.s);
	send_body(&right, WIRE_OUTPUT, bytes_of(block, BLOCK));
	send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	ck_assert_uint_eq(right.closes, 0);
	wire_stream_set_paused(left.s, false);
	settle();
	ck_assert_uint_eq(left.messages, 101);
	ck_assert_uint_eq(left.bytes, 100 * BLOCK + 3);
	ck_assert_uint_eq(left.closes, 1);
	ck_assert_str_eq(left.reason, "");
	ck_assert_uint_eq(right.closes, 0);
	end_free(&left);
	settle();
	ck_assert_uint_eq(right.closes, 1);
	ck_assert_str_eq(right.reason, "");
	ck_assert_uint_eq(right.messages, 0);
	ck_assert_uint_eq(right.drains, 0);
}

/*
 * The peer has sent more than this end reads, and reads its own input later.
 * TCP discards output if a socket with unread input is closed.
 */
TEST(a_finished_stream_is_read_completely_over_tcp)
{
	join_tcp(&left, &right);
	wire_stream_set_paused(left.s, true);
	wire_stream_set_paused(right.s, true);
	left.free_on_close = true;
	for (int i = 0; i < 10; i++)
		send_body(&right, WIRE_OUTPUT, bytes_of(block, BLOCK));
	send_body(&right, WIRE_BYE, bytes_str("why"));
	for (int i = 0; i < 100; i++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	wire_stream_finish(right.s);
	right.free_on_close = true;
	settle();
	wire_stream_set_paused(left.s, false);
	while (left.s || right.s)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(left.reason, "");
	ck_assert_uint_eq(left.messages, 11);
	ck_assert_str_eq(right.reason, "");
}

/* Invalid bytes arrive, and then the peer closes its end of this pipe. */
TEST(a_finished_stream_ignores_its_input)
{
	int out[2], in[2];

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(in), 0);
	right.s = wire_stream_new(base, in[0], out[1], &ops, &right);
	for (int i = 0; i < 2; i++)
		send_body(&right, WIRE_OUTPUT, bytes_of(block, BLOCK));
	wire_stream_finish(right.s);
	ck_assert_int_eq(write(in[1], "invalid", 7), 7);
	settle();
	close(in[1]);
	settle();
	ck_assert_uint_eq(right.closes, 0);
	left.s = wire_stream_new(base, out[0], dup(out[0]), &ops, &left);
	settle();
	ck_assert_uint_eq(left.messages, 2);
	ck_assert_uint_eq(right.closes, 1);
	ck_assert_str_eq(right.reason, "");
}

TEST(a_finished_stream_closes_although_its_peer_does_not_read)
{
	join(&left, &right);
	wire_stream_set_paused(left.s, true);
	for (int i = 0; i < 100; i++)
		send_body(&right, WIRE_OUTPUT, bytes_of(block, BLOCK));
	wire_stream_finish(right.s);
	while (!right.closes)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(right.closes, 1);
}

TEST_RANGE(a_stream_can_be_freed_in_its_callbacks, 0, 3)
{
	join(&left, &right);
	if (_i == 0)
		right.free_on_msg = true;
	else if (_i == 1)
		right.free_on_close = true;
	else
		left.free_on_drain = true;
	for (int i = 0; i < 200; i++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, 32768));
	settle();
	if (left.s)
		end_free(&left);
	settle();
	if (_i == 0)
		ck_assert_uint_eq(right.messages, 1);
	else if (_i == 1)
		ck_assert_uint_eq(right.closes, 1);
	ck_assert(_i == 2 ? !left.s : !right.s);
	ck_assert_uint_eq(right.closes, _i ? 1 : 0);
}

TEST(a_stream_freed_in_on_msg_gets_no_on_close)
{
	join(&left, &right);
	right.ret = -EPROTO;
	right.free_on_msg = true;
	send_body(&left, WIRE_CANCEL, bytes_of(NULL, 0));
	settle();
	ck_assert_uint_eq(right.messages, 1);
	ck_assert_uint_eq(right.closes, 0);
}

TEST(a_session_runs_over_two_pipes)
{
	int down[2], up[2];

	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	left.s = wire_stream_new(base, up[0], down[1], &ops, &left);
	right.s = wire_stream_new(base, down[0], up[1], &ops, &right);
	right.echo = true;
	for (int i = 0; i < 50; i++)
		send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	ck_assert_uint_eq(left.messages, 50);

	signal(SIGPIPE, SIG_IGN);
	end_free(&right);
	send_body(&left, WIRE_OUTPUT, bytes_of(block, BLOCK));
	settle();
	ck_assert_uint_eq(left.closes, 1);
}

static void ignore_log(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

TEST(an_unpollable_descriptor_is_reported_by_the_event_loop)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	event_set_log_callback(ignore_log);
	left.s = wire_stream_new(base, fd, fd, &ops, &left);
	ck_assert_uint_eq(left.closes, 0);
	settle();
	ck_assert_uint_eq(left.closes, 1);
	ck_assert_str_eq(left.reason, "cannot poll file descriptor");
}

TEST(freeing_null_is_allowed)
{
	wire_stream_free(NULL);
}

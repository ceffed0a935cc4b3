/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */
#include "tls/session.h"

#include "../lib/test.h"
#include "tls-fixture.h"
#include "tls/key.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <time.h>

#define BLOCK (64u << 10)

/* One end of a session and its events. */
struct end {
	struct wire_stream *s;
	unsigned messages;
	int closes;
	uint64_t bytes;
	char *why;
	bool echo, free_on_msg;
};

static struct end left, right;
static uint8_t block[BLOCK];

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct end *e = ctx;

	(void)err;
	e->messages++;
	e->bytes += body.len;
	ck_assert_mem_eq(body.data, block, body.len);
	if (e->echo)
		wire_stream_send(e->s, type, body, WIRE_PLAIN);
	if (e->free_on_msg) {
		wire_stream_free(e->s);
		e->s = NULL;
	}
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	struct end *e = ctx;

	e->closes++;
	e->why = xstrdup(why->text);
}

static const struct wire_stream_ops ops = { .on_msg = on_msg,
					    .on_close = on_close };

static struct wire_io take_io(struct play_end *e)
{
	struct tls_session *s = e->session;

	tls_handshake_free(e->handshake);
	e->handshake = NULL;
	e->session = NULL;
	return tls_session_io(s);
}

static void start_streams(void)
{
	left = right = (struct end){ 0 };
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (uint8_t)(i * 2654435761u >> 11);
	play_begin();
	play_handshake();
	left.s = wire_stream_new_io(base, take_io(&client), &ops, &left);
	right.s = wire_stream_new_io(base, take_io(&server), &ops, &right);
}

static void release_streams(void)
{
	wire_stream_free(left.s);
	wire_stream_free(right.s);
	free(left.why);
	free(right.why);
	play_done();
}

static void send_message(struct end *e, size_t len)
{
	wire_stream_send(e->s, WIRE_OUTPUT, bytes_of(block, len), WIRE_PLAIN);
}

static void run_until(const uint64_t *n, uint64_t want)
{
	while (*n < want)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void run_loop(int times)
{
	for (int i = 0; i < times; i++)
		ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

TIMEOUT(60);

TEST(messages_of_all_lengths_are_transferred_both_ways)
{
	static const size_t lengths[] = { 0,     1,     4,     100,
					  16379, 16384, 16385, BLOCK };
	uint64_t all = 0;

	start_streams();
	right.echo = true;
	for (int i = 0; i < 800; i++) {
		size_t len = lengths[i % 8];

		send_message(&left, len);
		all += len;
	}
	run_until(&left.bytes, all);
	run_loop(3);
	ck_assert_uint_eq(left.messages, 800);
	ck_assert_uint_eq(right.messages, 800);
	ck_assert_uint_eq(wire_stream_sent_bytes(left.s),
			  wire_stream_received_bytes(right.s));
	release_streams();
}

TEST(a_paused_reader_keeps_the_stream_of_the_writer_full)
{
	unsigned before;

	start_streams();
	wire_stream_set_paused(right.s, true);
	while (!wire_stream_is_full(left.s))
		send_message(&left, BLOCK);
	run_loop(20);
	before = right.messages;
	ck_assert_uint_eq(before, 0);
	ck_assert(wire_stream_is_full(left.s));
	wire_stream_set_paused(right.s, false);
	run_until(&right.bytes, WIRE_HIGH_WATER - BLOCK);
	run_loop(20);
	ck_assert(!wire_stream_is_full(left.s));
	release_streams();
}

TEST(both_ends_can_send_100_blocks_concurrently)
{
	start_streams();
	for (int i = 0; i < 100; i++) {
		send_message(&left, BLOCK);
		send_message(&right, BLOCK);
	}
	run_until(&left.bytes, 100 * BLOCK);
	run_until(&right.bytes, 100 * BLOCK);
	release_streams();
}

TEST(an_orderly_close_delivers_the_last_message_first)
{
	start_streams();
	send_message(&left, 100);
	wire_stream_free(left.s);
	left.s = NULL;
	play_until_not(&right.closes, 0);
	ck_assert_uint_eq(right.messages, 1);
	ck_assert_str_eq(right.why, "");
	release_streams();
}

TEST(a_cut_connection_is_reported_as_a_reset)
{
	int fd;

	play_begin();
	play_handshake();
	fd = tls_session_fd(client.session);
	left = right = (struct end){ 0 };
	right.s = wire_stream_new_io(base, take_io(&server), &ops, &right);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	play_until_not(&right.closes, 0);
	ck_assert_str_eq(right.why, "read: Connection reset by peer");
	release_streams();
}

TEST(a_stream_can_be_freed_in_its_message_callback)
{
	start_streams();
	right.free_on_msg = true;
	for (int i = 0; i < 10; i++)
		send_message(&left, 100);
	play_until_not(&left.closes, 0);
	ck_assert_uint_eq(right.messages, 1);
	release_streams();
}

/*
 * A peer with the admitted key that uses OpenSSL directly.  It sends KeyUpdate
 * requests repeatedly and does not read the replies (RFC 8446, 4.6.3).  The
 * replies wait for buffer space without a busy loop.
 */
static SSL_CTX *raw_context;
static SSL *raw;

static int accept_certificate(X509_STORE_CTX *store, void *ctx)
{
	(void)store;
	(void)ctx;
	return 1;
}

static void raw_certificate(EVP_PKEY *pair)
{
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 1000);
	X509_set_pubkey(cert, pair);
	ck_assert_int_gt(X509_sign(cert, pair, NULL), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(raw_context, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(raw_context, pair), 1);
	X509_free(cert);
}

static void raw_connect(void)
{
	static const unsigned char protocol[] = "\7kfarm/1";
	EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int fd[2], small = 4096;

	play_begin();
	ck_assert(tls_key_hash_public(pair, &admitted));
	raw_context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_cert_verify_callback(raw_context, accept_certificate, NULL);
	SSL_CTX_set_alpn_protos(raw_context, protocol, sizeof(protocol) - 1);
	raw_certificate(pair);
	EVP_PKEY_free(pair);
	play_socketpair(fd);
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	raw = SSL_new(raw_context);
	SSL_set_fd(raw, fd[0]);
	SSL_set_connect_state(raw);
	server.session = tls_session_accept(server.context, fd[1], play_admit,
					    NULL);
	play_shake(&server, 5000);
	while (server.ret == 1) {
		SSL_do_handshake(raw);
		run_loop(1);
	}
	ck_assert_msg(!server.ret, "%s", server.err.text);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

TEST(key_updates_of_a_peer_that_does_not_read_cause_no_busy_loop)
{
	static const struct timeval second = { .tv_sec = 1 };
	static char got[TLS_RECORD_MAX];
	double before;
	int n = -1;

	raw_connect();
	left = right = (struct end){ 0 };
	right.s = wire_stream_new_io(base, take_io(&server), &ops, &right);
	/* The replies exceed the socket buffer, but the requests do not. */
	for (int i = 0; i < 100; i++) {
		ck_assert(SSL_key_update(raw, SSL_KEY_UPDATE_REQUESTED));
		ck_assert_int_eq(SSL_do_handshake(raw), 1);
		run_loop(1);
	}
	before = cpu_ms();
	event_base_loopexit(base, &second);
	event_base_dispatch(base);
	ck_assert_double_lt(cpu_ms() - before, 200);
	ck_assert_int_eq(right.closes, 0);
	/* The peer reads, and the session continues. */
	send_message(&right, 100);
	for (int i = 0; i < 200000 && n <= 0; i++) {
		run_loop(1);
		n = SSL_read(raw, got, sizeof(got));
	}
	ck_assert_int_eq(n, WIRE_FRAME_SIZE + 100);
	ck_assert_int_eq(right.closes, 0);
	SSL_free(raw);
	SSL_CTX_free(raw_context);
	release_streams();
}

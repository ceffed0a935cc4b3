/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */

#include "../lib/test.h"
#include "tls-fixture.h"
#include "tls/key.h"
#include "tls/session.h"

#include <limits.h>

/* Read until data arrives or the session ends. */
static ssize_t read_blocking(struct play_end *e, void *to, size_t size)
{
	ssize_t n;

	for (int i = 0; i < 60000; i++) {
		n = tls_session_read(e->session, to, size, &e->err);
		if (n != -EAGAIN)
			return n;
		usleep(1000);
	}
	ck_abort_msg("nothing came");
	return 0;
}

TIMEOUT(60);

TEST(two_authenticated_ends_exchange_data)
{
	char got[TLS_RECORD_MAX];

	play_begin();
	play_handshake();
	ck_assert(digest_equal(tls_session_peer_fingerprint(client.session),
			       tls_context_fingerprint(server.context)));
	ck_assert(digest_equal(tls_session_peer_fingerprint(server.session),
			       tls_context_fingerprint(client.context)));
	ck_assert_int_eq(tls_session_write(client.session, bytes_str("hello"),
					   &client.err),
			 5);
	ck_assert_int_eq(read_blocking(&server, got, sizeof(got)), 5);
	ck_assert_mem_eq(got, "hello", 5);
	ck_assert_int_eq(tls_session_write(server.session, bytes_str("you"),
					   &server.err),
			 3);
	ck_assert_int_eq(read_blocking(&client, got, sizeof(got)), 3);
	ck_assert_mem_eq(got, "you", 3);
	play_done();
}

TEST(a_read_ends_with_0_after_a_close_and_econnreset_after_a_cut)
{
	char got[TLS_RECORD_MAX];
	int fd;

	play_begin();
	play_handshake();
	tls_session_free(server.session);
	server.session = NULL;
	ck_assert_int_eq(read_blocking(&client, got, sizeof(got)), 0);
	play_done();

	play_begin();
	play_handshake();
	fd = tls_session_fd(server.session);
	ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
	ck_assert_int_eq(read_blocking(&client, got, sizeof(got)), -ECONNRESET);
	text_is(client.err.text, "read: Connection reset by peer");
	play_done();
}

TEST(a_failed_write_is_reported_as_a_write_error)
{
	ssize_t n;

	play_begin();
	play_handshake();
	tls_session_free(server.session);
	server.session = NULL;
	do
		n = tls_session_write(client.session, bytes_str("hello"),
				      &client.err);
	while (n > 0 || n == -EAGAIN);
	ck_assert_int_eq(n, -EPIPE);
	text_is(client.err.text, "write: Broken pipe");
	play_done();
}

TEST(a_client_rejects_a_server_with_another_key)
{
	char server_key[TLS_KEY_FINGERPRINT_SIZE],
		want[TLS_KEY_FINGERPRINT_SIZE];
	struct digest other;

	play_begin();
	digest_bytes(bytes_str("another"), &other);
	tls_key_format_fingerprint(tls_context_fingerprint(server.context),
				   server_key);
	tls_key_format_fingerprint(&other, want);
	play_connect(&other);
	play_until_not(&client.ret, 1);
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(client.ret, -EACCES);
	text_is(client.err.text,
		"key mismatch: node has %s, configuration has %s: another "
		"machine, or a new key",
		server_key, want);
	ck_assert_int_eq(server.ret, -EACCES);
	text_is(server.err.text, "client rejected the key of this node, %s",
		server_key);
	play_done();
}

TEST(a_server_rejects_an_unknown_client)
{
	char got[TLS_RECORD_MAX], client_key[TLS_KEY_FINGERPRINT_SIZE];

	play_begin();
	admitted = *tls_context_fingerprint(server.context);
	play_connect(tls_context_fingerprint(server.context));
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(server.ret, -EACCES);
	tls_key_format_fingerprint(tls_context_fingerprint(client.context),
				   client_key);
	text_is(server.err.text, "client key not authorized: %s", client_key);
	/*
	 * The client can have finished; it receives the rejection when it
	 * reads.
	 */
	play_until_not(&client.ret, 1);
	if (!client.ret)
		client.ret = (int)read_blocking(&client, got, sizeof(got));
	ck_assert_int_eq(client.ret, -EACCES);
	text_is(client.err.text,
		"node rejected the key of this machine: %s is not in "
		"/etc/kfarm/clients on the node; add it there, or run "
		"`kfarm nodes update` if `kfarm nodes add` installed "
		"kfarmd",
		client_key);
	play_done();
}

TEST_RANGE(chacha20_is_negotiated_if_either_end_lacks_aes, 0, 4)
{
	bool client_aes = _i & 1, server_aes = _i & 2;
	const char *want = client_aes && server_aes ?
				   "TLS_AES_128_GCM_SHA256" :
				   "TLS_CHACHA20_POLY1305_SHA256";

	play_begin_with(client_aes, server_aes);
	play_handshake();
	ck_assert_str_eq(tls_session_cipher(client.session), want);
	ck_assert_str_eq(tls_session_cipher(server.session), want);
	play_done();
}

TEST(cpu_has_aes_agrees_with_proc_cpuinfo)
{
	bool aes, gcm;

	if (system("grep -qE '^(flags|Features)' /proc/cpuinfo"))
		SKIP("/proc/cpuinfo lists no features");
	aes = !system("grep -qE '^(flags|Features).* aes( |$)' /proc/cpuinfo");
	gcm = !system(
		"grep -qE '^(flags|Features).* p(clm|m)ul' /proc/cpuinfo");
	ck_assert_int_eq(tls_cpu_has_aes(),
			 aes && (gcm || !system("grep -q ' pclmulqdq' "
						"/proc/cpuinfo")));
}

TEST(data_beyond_the_socket_buffer_is_transferred_completely)
{
	static uint8_t in[4 << 20], out[4 << 20];
	size_t sent = 0, got = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 2654435761u >> 13);
	play_begin();
	play_handshake();
	while (got < sizeof(in)) {
		ssize_t n = tls_session_write(
			client.session, bytes_of(in + sent, sizeof(in) - sent),
			&client.err);

		if (n >= 0)
			sent += (size_t)n;
		else
			ck_assert_int_eq(n, -EAGAIN);
		n = sizeof(out) - got < TLS_RECORD_MAX ?
			    0 :
			    tls_session_read(server.session, out + got,
					     sizeof(out) - got, &server.err);
		if (!n)
			n = tls_session_read(server.session, out + got,
					     sizeof(out) - got, &server.err);
		if (n >= 0)
			got += (size_t)n;
		else
			ck_assert_int_eq(n, -EAGAIN);
	}
	ck_assert_mem_eq(in, out, sizeof(in));
	play_done();
}

/* ------------------------------------------------------- hostile peers */

static const struct hostile {
	const char *text;
	size_t len;
	int error;
	const char *error_text;
} hostile[] = {
#define BYTES(t) t, sizeof(t) - 1
	{ BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO, "http request" },
	{ BYTES("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), -EPROTO, "TLS 1.3" },
	{ BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), -EPROTO,
	  "TLS 1.3" },
	/* a ClientHello of SSLv2 */
	{ BYTES("\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10\0\0\x0a"
		"0123456789abcdef"),
	  -EPROTO, "TLS 1.3" },
	/* a record of 16 KiB and one byte */
	{ BYTES("\x16\x03\x01\x48\x01\x01\x00\x00\x00"), -EPROTO, "TLS 1.3" },
	/* an alert, application data, a ChangeCipherSpec */
	{ BYTES("\x15\x03\x03\x00\x02\x02\x28"), -EPROTO, "" },
	{ BYTES("\x17\x03\x03\x00\x02\x02\x28"), -EPROTO, "TLS 1.3" },
	{ BYTES("\x14\x03\x03\x00\x01\x02"), -EPROTO, "TLS 1.3" },
	/* an invalid ClientHello, and one with a wrong length */
	{ BYTES("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), -EPROTO, "TLS 1.3" },
	{ BYTES("\x16\x03\x01\x00\x08\x01\xff\xff\xff\x03\x03\x00\x00"),
	  -EPROTO, "TLS 1.3" },
};

TEST_EACH(a_server_rejects_a_peer_that_does_not_speak_tls_1_3, hostile)
{
	int fd[2];

	play_begin();
	play_socketpair(fd);
	server.session = tls_session_accept(server.context, fd[1], play_admit,
					    NULL);
	play_shake(&server, 5000);
	ck_assert_int_eq(write(fd[0], row->text, row->len), (int)row->len);
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(server.ret, row->error);
	text_has(server.err.text, row->error_text);
	close(fd[0]);
	play_done();
}

TEST_EACH(a_client_rejects_a_peer_that_does_not_speak_tls_1_3, hostile)
{
	int fd[2];

	play_begin();
	play_socketpair(fd);
	client.session = tls_session_connect(
		client.context, fd[0], tls_context_fingerprint(server.context));
	play_shake(&client, 5000);
	ck_assert_int_eq(write(fd[1], row->text, row->len), (int)row->len);
	play_until_not(&client.ret, 1);
	ck_assert_int_eq(client.ret, row->error);
	close(fd[1]);
	play_done();
}

TEST(a_handshake_with_a_silent_peer_times_out)
{
	int fd[2];

	play_begin();
	play_socketpair(fd);
	server.session = tls_session_accept(server.context, fd[1], play_admit,
					    NULL);
	play_shake(&server, 50);
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(server.ret, -ETIMEDOUT);
	text_is(server.err.text, "handshake timed out after 0.05 s");
	close(fd[0]);
	play_done();
}

TEST(a_handshake_fails_if_the_peer_closes_the_connection)
{
	int fd[2];

	play_begin();
	play_socketpair(fd);
	server.session = tls_session_accept(server.context, fd[1], play_admit,
					    NULL);
	play_shake(&server, 5000);
	close(fd[0]);
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(server.ret, -ECONNRESET);
	play_done();
}

/* A proxy between both ends that forwards byte by byte. */
static struct {
	int near, far;
	unsigned passed; /* bytes of the client */
	unsigned corrupted; /* index of the byte to change */
} relay;

static void relay_begin(unsigned corrupted)
{
	int near[2], far[2];

	play_begin();
	play_socketpair(near);
	play_socketpair(far);
	relay.near = near[1];
	relay.far = far[1];
	relay.passed = 0;
	relay.corrupted = corrupted;
	client.session = tls_session_connect(
		client.context, near[0],
		tls_context_fingerprint(server.context));
	server.session = tls_session_accept(server.context, far[0], play_admit,
					    NULL);
	play_shake(&client, 5000);
	play_shake(&server, 5000);
}

static void relay_forward(void)
{
	char byte;

	if (read(relay.near, &byte, 1) == 1) {
		byte ^= relay.passed++ == relay.corrupted ? 0x40 : 0;
		ck_assert_int_eq(write(relay.far, &byte, 1), 1);
	}
	if (read(relay.far, &byte, 1) == 1)
		ck_assert_int_eq(write(relay.near, &byte, 1), 1);
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

static void relay_done(void)
{
	close(relay.near);
	close(relay.far);
	play_done();
}

TEST(a_session_works_if_bytes_arrive_one_by_one)
{
	char got[TLS_RECORD_MAX];

	relay_begin(UINT_MAX);
	while (client.ret == 1 || server.ret == 1)
		relay_forward();
	ck_assert_int_eq(client.ret, 0);
	ck_assert_int_eq(server.ret, 0);
	ck_assert_int_eq(tls_session_write(client.session, bytes_str("hello"),
					   &client.err),
			 5);
	while (tls_session_read(server.session, got, sizeof(got),
				&server.err) == -EAGAIN)
		relay_forward();
	ck_assert_mem_eq(got, "hello", 5);
	relay_done();
}

/*
 * Change bytes of the client's part of the handshake, except the version in the
 * first record, a legacy field that both ends ignore.
 */
TEST(a_changed_byte_from_the_client_fails_the_handshake)
{
	unsigned at = 3;

	for (;; at += 41) {
		relay_begin(at);
		while (server.ret == 1)
			relay_forward();
		if (relay.passed <= at)
			break;
		ck_assert_msg(server.ret < 0, "byte %u", at);
		relay_done();
	}
	ck_assert_msg(!server.ret, "%s", server.err.text);
	relay_done();
	ck_assert_uint_gt(at, 300);
}

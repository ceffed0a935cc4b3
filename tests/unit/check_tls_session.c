/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */

#include "../lib/test.h"
#include "tls-fixture.h"
#include "tls/key.h"
#include "tls/session.h"

#include <limits.h>

/* Read until data arrives or the session ends. */
static ssize_t read_patiently(struct play_end *e, void *to, size_t size)
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

TEST(two_ends_that_know_each_other_talk)
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
	ck_assert_int_eq(read_patiently(&server, got, sizeof(got)), 5);
	ck_assert_mem_eq(got, "hello", 5);
	ck_assert_int_eq(tls_session_write(server.session, bytes_str("you"),
					   &server.err),
			 3);
	ck_assert_int_eq(read_patiently(&client, got, sizeof(got)), 3);
	ck_assert_mem_eq(got, "you", 3);
	play_done();
}

TEST(an_end_in_order_is_told_from_a_cut)
{
	char got[TLS_RECORD_MAX];
	int fd;

	play_begin();
	play_handshake();
	tls_session_free(server.session);
	server.session = NULL;
	ck_assert_int_eq(read_patiently(&client, got, sizeof(got)), 0);
	play_done();

	play_begin();
	play_handshake();
	fd = tls_session_fd(server.session);
	ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
	ck_assert_int_eq(read_patiently(&client, got, sizeof(got)),
			 -ECONNRESET);
	text_is(client.err.text, "read: Connection reset by peer");
	play_done();
}

TEST(a_failed_write_is_reported_as_a_write)
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

TEST(a_client_leaves_a_server_with_another_key)
{
	char theirs[TLS_KEY_FINGERPRINT_SIZE], want[TLS_KEY_FINGERPRINT_SIZE];
	struct digest other;

	play_begin();
	digest_bytes(bytes_str("another"), &other);
	tls_key_format_fingerprint(tls_context_fingerprint(server.context),
				   theirs);
	tls_key_format_fingerprint(&other, want);
	play_connect(&other);
	play_until_not(&client.ret, 1);
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(client.ret, -EACCES);
	text_is(client.err.text,
		"key mismatch: node has %s, configuration has %s: another "
		"machine, or a new key",
		theirs, want);
	ck_assert_int_eq(server.ret, -EACCES);
	text_is(server.err.text, "client rejected the key of this node, %s",
		theirs);
	play_done();
}

TEST(a_server_refuses_a_client_that_it_does_not_know)
{
	char got[TLS_RECORD_MAX], ours[TLS_KEY_FINGERPRINT_SIZE];

	play_begin();
	admitted = *tls_context_fingerprint(server.context);
	play_connect(tls_context_fingerprint(server.context));
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(server.ret, -EACCES);
	tls_key_format_fingerprint(tls_context_fingerprint(client.context),
				   ours);
	text_is(server.err.text, "client key not authorized: %s", ours);
	/*
	 * The client can have finished; it receives the rejection when it
	 * reads.
	 */
	play_until_not(&client.ret, 1);
	if (!client.ret)
		client.ret = (int)read_patiently(&client, got, sizeof(got));
	ck_assert_int_eq(client.ret, -EACCES);
	text_is(client.err.text,
		"node rejected the key of this machine: %s is not in "
		"/etc/kfarm/clients on the node; add it there, or run "
		"`kfarm nodes update` if `kfarm nodes add` installed "
		"kfarmd",
		ours);
	play_done();
}

TEST_RANGE(chacha_is_taken_where_either_side_lacks_aes, 0, 4)
{
	bool ours = _i & 1, theirs = _i & 2;
	const char *want = ours && theirs ? "TLS_AES_128_GCM_SHA256" :
					    "TLS_CHACHA20_POLY1305_SHA256";

	play_begin_with(ours, theirs);
	play_handshake();
	ck_assert_str_eq(tls_session_cipher(client.session), want);
	ck_assert_str_eq(tls_session_cipher(server.session), want);
	play_done();
}

/* Compare with the kernel's list of CPU features, if there is one. */
TEST(what_the_processor_has_is_what_the_kernel_says)
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

TEST(what_is_more_than_the_socket_takes_is_taken_in_part)
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
	int answer;
	const char *words;
} hostile[] = {
#define SAYS(t) t, sizeof(t) - 1
	{ SAYS("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), -EPROTO, "http request" },
	{ SAYS("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), -EPROTO, "TLS 1.3" },
	{ SAYS("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), -EPROTO,
	  "TLS 1.3" },
	/* a ClientHello of SSLv2 */
	{ SAYS("\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10\0\0\x0a"
	       "0123456789abcdef"),
	  -EPROTO, "TLS 1.3" },
	/* a record of 16 KiB and one byte */
	{ SAYS("\x16\x03\x01\x48\x01\x01\x00\x00\x00"), -EPROTO, "TLS 1.3" },
	/* an alert, application data, a ChangeCipherSpec */
	{ SAYS("\x15\x03\x03\x00\x02\x02\x28"), -EPROTO, "" },
	{ SAYS("\x17\x03\x03\x00\x02\x02\x28"), -EPROTO, "TLS 1.3" },
	{ SAYS("\x14\x03\x03\x00\x01\x02"), -EPROTO, "TLS 1.3" },
	/* an invalid ClientHello, and one with a wrong length */
	{ SAYS("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), -EPROTO, "TLS 1.3" },
	{ SAYS("\x16\x03\x01\x00\x08\x01\xff\xff\xff\x03\x03\x00\x00"), -EPROTO,
	  "TLS 1.3" },
};

TEST_EACH(a_stranger_who_speaks_something_else_is_left, hostile)
{
	int fd[2];

	play_begin();
	play_socketpair(fd);
	server.session = tls_session_accept(server.context, fd[1], play_admit,
					    NULL);
	play_shake(&server, 5000);
	ck_assert_int_eq(write(fd[0], row->text, row->len), (int)row->len);
	play_until_not(&server.ret, 1);
	ck_assert_int_eq(server.ret, row->answer);
	text_has(server.err.text, row->words);
	close(fd[0]);
	play_done();
}

TEST_EACH(a_client_leaves_what_speaks_something_else, hostile)
{
	int fd[2];

	play_begin();
	play_socketpair(fd);
	client.session = tls_session_connect(
		client.context, fd[0], tls_context_fingerprint(server.context));
	play_shake(&client, 5000);
	ck_assert_int_eq(write(fd[1], row->text, row->len), (int)row->len);
	play_until_not(&client.ret, 1);
	ck_assert_int_eq(client.ret, row->answer);
	close(fd[1]);
	play_done();
}

TEST(who_says_nothing_is_left_at_the_deadline)
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

TEST(who_leaves_within_the_handshake_is_left)
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
	unsigned spoilt; /* index of the byte to change */
} relay;

static void relay_begin(unsigned spoilt)
{
	int near[2], far[2];

	play_begin();
	play_socketpair(near);
	play_socketpair(far);
	relay.near = near[1];
	relay.far = far[1];
	relay.passed = 0;
	relay.spoilt = spoilt;
	client.session = tls_session_connect(
		client.context, near[0],
		tls_context_fingerprint(server.context));
	server.session = tls_session_accept(server.context, far[0], play_admit,
					    NULL);
	play_shake(&client, 5000);
	play_shake(&server, 5000);
}

static void relay_pass(void)
{
	char byte;

	if (read(relay.near, &byte, 1) == 1) {
		byte ^= relay.passed++ == relay.spoilt ? 0x40 : 0;
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

TEST(bytes_that_come_one_by_one_are_as_good)
{
	char got[TLS_RECORD_MAX];

	relay_begin(UINT_MAX);
	while (client.ret == 1 || server.ret == 1)
		relay_pass();
	ck_assert_int_eq(client.ret, 0);
	ck_assert_int_eq(server.ret, 0);
	ck_assert_int_eq(tls_session_write(client.session, bytes_str("hello"),
					   &client.err),
			 5);
	while (tls_session_read(server.session, got, sizeof(got),
				&server.err) == -EAGAIN)
		relay_pass();
	ck_assert_mem_eq(got, "hello", 5);
	relay_done();
}

/*
 * The client's part of the handshake.  The version in its first record is a
 * legacy field that both ends ignore.
 */
TEST(a_byte_that_was_changed_on_the_way_ends_it)
{
	unsigned at = 3;

	for (;; at += 41) {
		relay_begin(at);
		while (server.ret == 1)
			relay_pass();
		if (relay.passed <= at)
			break;
		ck_assert_msg(server.ret < 0, "byte %u", at);
		relay_done();
	}
	ck_assert_msg(!server.ret, "%s", server.err.text);
	relay_done();
	ck_assert_uint_gt(at, 300);
}

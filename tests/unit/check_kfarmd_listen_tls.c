/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd wire tls toolchain */
#include "../lib/test.h"
#include "kfarmd-listen.h"

#include "base/log.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/session.h"
#include "tls/clients.h"

FIXTURE_ONCE(node_set_up_all, node_tear_down_all);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

/*
 * ------------------------------------------------------------- known clients
 */

TEST(a_client_with_a_listed_key_can_run_jobs)
{
	static struct client c;

	converse(&c, "127.0.0.1");
	have_cell(&c);
	play_remote(&c, 1, "a.c", NULL);
	client_wait_job(&c, 1);
	ck_assert(c.job[1].has_result);
	ck_assert_uint_eq(c.job[1].result.wait_status, 0);
	client_release(&c);
}

static void read_status(struct buf *out)
{
	char *line = xasprintf("exec '%s' --status --json --store '%s'",
			       kfarmd_path(), node_store);
	char *argv[] = { (char *)"sh", (char *)"-c", line, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 1u << 16, 10000, out, &status, &err));
	free(line);
}

TEST(the_status_lists_name_key_and_address_of_a_client)
{
	static struct client c;
	struct buf out = { 0 };
	char *key = xasprintf("\"key\": \"%s\"", friend.pin);

	converse(&c, "127.0.0.1");
	read_status(&out);
	ck_assert_msg(strstr(buf_str(&out), "\"client\": \"cellar\"") != NULL,
		      "%s", buf_str(&out));
	text_has(buf_str(&out), key);
	text_has(buf_str(&out), "127.0.0.1:");
	buf_release(&out);
	free(key);
	client_release(&c);
}

TEST(a_client_removed_from_the_list_is_disconnected)
{
	static struct client c;

	converse(&c, "127.0.0.1");
	client_idle(1500);
	ck_assert(!c.closed);
	write_list(stranger.pin);
	client_wait(&c.closed);
	ck_assert_ptr_nonnull(c.bye);
	text_has(c.bye, "list of clients");
	client_release(&c);
}

/* An editor that writes in place truncates the file first. */
TEST(a_key_is_removed_only_after_two_checks_without_it)
{
	struct kfarmd a = { .clients = tls_clients_new(list) };
	struct kfarmd_peer p = { 0 };
	struct err err;

	ck_assert(tls_key_parse_fingerprint(&p.fingerprint, friend.pin));
	for (int i = 0; i < 3; i++) {
		write_list(friend.pin);
		ck_assert(!kfarmd_peer_is_removed(&a, &p));
		must(fs_write(list, bytes_str(""), 0644, &err));
		ck_assert(!kfarmd_peer_is_removed(&a, &p));
	}
	ck_assert(kfarmd_peer_is_removed(&a, &p));
	tls_clients_free(a.clients);
}

static void keep_line(void *last, const char *line)
{
	snprintf(last, 512, "%s", line);
}

TEST(a_session_logs_an_error_of_the_list_of_clients)
{
	struct kfarmd a = { .clients = tls_clients_new(list) };
	struct kfarmd_peer p = { 0 };
	char last[512] = "";

	log_set_sink(keep_line, last);
	ck_assert(tls_key_parse_fingerprint(&p.fingerprint, friend.pin));
	write_list(friend.pin);
	ck_assert(!kfarmd_peer_is_removed(&a, &p));
	ck_assert_str_eq(last, "");
	ck_assert_int_eq(chmod(list, 0664), 0);
	ck_assert(!kfarmd_peer_is_removed(&a, &p));
	ck_assert(kfarmd_peer_is_removed(&a, &p));
	text_has(last, "writable by group or others");
	log_set_sink(NULL, NULL);
	tls_clients_free(a.clients);
}

TEST(a_key_added_to_the_list_is_accepted_without_a_restart)
{
	struct tls_session *s;
	struct err err;

	s = shake(&stranger, connect_from("127.0.0.1"), &node_pin);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(first_word(s, &err), -EACCES);
	tls_session_free(s);
	write_list(stranger.pin);
	s = shake(&stranger, connect_from("127.0.0.1"), &node_pin);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(first_word(s, &err), 1);
	tls_session_free(s);
}

/*
 * ----------------------------------------------------------- unknown clients
 */

TEST(an_unknown_key_is_rejected_and_the_error_names_the_list)
{
	struct tls_session *s = shake(&stranger, connect_from("127.0.0.1"),
				      &node_pin);
	struct err err;

	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(first_word(s, &err), -EACCES);
	text_has(err.text, stranger.pin);
	text_has(err.text, "is not in /etc/kfarm/clients");
	tls_session_free(s);
}

TEST(a_client_rejects_a_node_with_another_key)
{
	struct digest other;

	digest_bytes(bytes_str("other"), &other);
	ck_assert_ptr_null(shake(&friend, connect_from("127.0.0.1"), &other));
	ck_assert_int_eq(shaken.ret, -EACCES);
	text_has(shaken.err.text, "another machine");
}

/* Return the output of an openssl s_client that connects to kfarmd. */
static char *s_client(const char *words)
{
	char *line = xasprintf("cd %s && openssl req -new -x509 -key "
			       "friend.pem -subj /CN=x -out friend.crt && "
			       "openssl s_client -connect 127.0.0.1:%u %s "
			       "</dev/null 2>&1 || :",
			       work, port, words);
	char *argv[] = { (char *)"sh", (char *)"-c", line, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 1u << 16, 20000, &out, &status, &err));
	free(line);
	return buf_steal(&out);
}

/* Options of s_client, and a part of its output. */
static const struct {
	const char *words, *message;
} other_clients[] = {
	{ "-tls1_2 -cert friend.crt -key friend.pem -alpn kfarm/1",
	  "protocol version" },
	{ "-tls1_1 -cipher ALL@SECLEVEL=0", "alert" },
	{ "-tls1_3 -cert friend.crt -key friend.pem -alpn http/1.1",
	  "no application protocol" },
	{ "-tls1_3 -alpn kfarm/1", "certificate required" },
	{ "-tls1_3 -cert friend.crt -key friend.pem -alpn kfarm/1 "
	  "-ciphersuites TLS_AES_256_GCM_SHA384",
	  "handshake failure" },
	{ "-tls1_3 -cert friend.crt -key friend.pem -alpn kfarm/1 "
	  "-groups P-256",
	  "handshake failure" },
};

TEST_EACH(other_tls_versions_and_parameters_are_rejected, other_clients)
{
	char *words = xasprintf("%s -ign_eof", row->words);
	char *out = s_client(words);

	ck_assert_msg(strstr(out, row->message) != NULL, "%s", out);
	free(words);
	free(out);
}

TEST(no_session_ticket_is_sent)
{
	char *out = s_client("-tls1_3 -cert friend.crt -key friend.pem "
			     "-alpn kfarm/1 -msg");

	ck_assert_msg(strstr(out, "ALPN protocol: kfarm/1") != NULL, "%s", out);
	ck_assert_ptr_null(strstr(out, "NewSessionTicket"));
	ck_assert_ptr_null(strstr(out, "New, TLSv1.2"));
	free(out);
}

TEST(a_client_without_alpn_receives_no_hello)
{
	char *out = s_client("-tls1_3 -cert friend.crt -key friend.pem "
			     "-ign_eof -quiet");

	ck_assert_ptr_null(strstr(out, "kfarmd"));
	free(out);
}

static const char *const garbage[] = {
	"GET / HTTP/1.1\r\nHost: node\r\n\r\n",
	"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
	"\x16\x03\x01\xff\xff\x01",
	"KFAR\x01",
};

TEST_EACH(a_connection_without_tls_is_closed, garbage)
{
	static struct client c;
	int fd = connect_from("127.0.0.1");
	size_t len = strlen(*row);

	ck_assert_int_eq(write(fd, *row, len), (ssize_t)len);
	/* kfarmd sends at most an alert; a partial record keeps it waiting. */
	shutdown(fd, SHUT_WR);
	ck_assert_uint_le(wait_for_close(fd, CLIENT_MS), 7);
	close(fd);
	converse(&c, "127.0.0.1");
	client_release(&c);
}

TEST(random_bytes_end_only_their_own_connection)
{
	static struct client c;
	char block[2048];
	unsigned seed = 1;

	converse(&c, "127.0.0.1");
	for (int i = 0; i < 200; i++) {
		char from[32];
		int fd;

		snprintf(from, sizeof(from), "127.0.%d.%d", 1 + i / 16,
			 1 + i % 16);
		fd = connect_from(from);
		for (size_t k = 0; k < sizeof(block); k++)
			block[k] = (char)(rand_r(&seed) >> 8);
		/* Half of them start like a TLS handshake. */
		if (i % 2)
			memcpy(block, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
			       9);
		ck_assert_int_ge(send(fd, block, sizeof(block), MSG_NOSIGNAL),
				 0);
		ck_assert_uint_le(wait_for_close(fd, CLIENT_MS), 7);
		close(fd);
	}
	client_idle(1500);
	ck_assert(!c.closed);
	client_release(&c);
}

/* The first client opens the maximum number of sessions. */
TEST(a_client_with_all_its_sessions_does_not_block_others)
{
	static struct client many[KFARMD_SESSIONS_PER_KEY], c;
	char *both = xasprintf("%s greedy\n%s", stranger.pin, friend.pin);
	struct tls_session *s;
	struct err err;

	write_list(both);
	free(both);
	for (unsigned i = 0; i < KFARMD_SESSIONS_PER_KEY; i++)
		converse_as(&many[i], &stranger, "127.0.0.1");
	for (unsigned i = 0; i < 2; i++) {
		s = shake(&stranger, connect_from("127.0.0.1"), &node_pin);
		ck_assert_ptr_nonnull(s);
		ck_assert_int_ne(first_word(s, &err), 1);
		tls_session_free(s);
	}
	converse(&c, "127.0.0.1");
	client_release(&c);
	/* When one session ends, the client can start another. */
	client_release(&many[0]);
	client_idle(1000);
	converse_as(&many[0], &stranger, "127.0.0.1");
	for (unsigned i = 0; i < KFARMD_SESSIONS_PER_KEY; i++)
		client_release(&many[i]);
}

/* A ClientHello that arrives byte by byte and would take a minute. */
TEST(a_slow_handshake_times_out)
{
	uint64_t start = clock_ms();
	int fd = connect_from("127.0.0.1");
	char byte = 0x16;

	while (send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
	       clock_ms() - start < CLIENT_MS) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		byte = byte == 0x16 ? 3 : 1;
		if (poll(&p, 1, 300))
			break;
	}
	ck_assert_uint_ge(clock_ms() - start, 4500);
	ck_assert_uint_lt(clock_ms() - start, CLIENT_MS);
	close(fd);
}

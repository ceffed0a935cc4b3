/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-listen.h - A kfarmd --listen PORT, a key in its list of
 * clients, and a key that is not in the list.
 */
#ifndef AGENT_DOOR_PLAY_H
#define AGENT_DOOR_PLAY_H

#include "../lib/test.h"
#include "kfarmd-node.h"

#include "tls/key.h"
#include "tls/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

/* The owner of a key, such as a build host. */
struct person {
	struct tls_context *context;
	char pin[TLS_KEY_FINGERPRINT_SIZE];
};

static char *work, *list;
static uint16_t port;
static int held_port;
static struct digest node_pin;
static struct person friend, stranger;
static pid_t daemon_pid;

/* ------------------------------------------------------------- set-up */

static inline char *in_work(const char *name)
{
	return xasprintf("%s/%s", work, name);
}

static inline struct digest make_person(struct person *p, const char *name)
{
	char *path = in_work(name);
	struct tls_key *key;
	struct err err;
	struct digest pin;

	must(tls_key_load_or_create(&key, path, &err));
	pin = *tls_key_fingerprint(key);
	if (p) {
		tls_key_format_fingerprint(&pin, p->pin);
		must(tls_context_new(&p->context, key, true, &err));
	}
	tls_key_free(key);
	free(path);
	return pin;
}

static inline void write_list(const char *pin)
{
	char *text = xasprintf("# clients\n%s cellar\n", pin);
	struct err err;

	must(fs_write(list, bytes_str(text), 0644, &err));
	free(text);
}

/*
 * Reserve a port as long as the socket bound to it is open.  kfarmd can bind to
 * the same port, because no other socket listens on it.
 */
static inline int hold_port(uint16_t *out)
{
	static const int yes = 1;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
	ck_assert(!bind(fd, (struct sockaddr *)&at, sizeof(at)));
	ck_assert(!getsockname(fd, (struct sockaddr *)&at, &len));
	*out = ntohs(at.sin_port);
	return fd;
}

static inline int try_connect(const char *from)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	struct sockaddr_in there = { .sin_family = AF_INET,
				     .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
	inet_pton(AF_INET, from, &here.sin_addr);
	ck_assert_int_ge(fd, 0);
	if (!bind(fd, (struct sockaddr *)&here, sizeof(here)) &&
	    !connect(fd, (struct sockaddr *)&there, sizeof(there)))
		return fd;
	close(fd);
	return -1;
}

static inline int connect_from(const char *from)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;
	int fd;

	while ((fd = try_connect(from)) < 0) {
		ck_assert_uint_lt(clock_ms(), deadline);
		usleep(10000);
	}
	return fd;
}

static inline void set_up(void)
{
	char *place;

	client_set_up();
	work = node_dir();
	list = in_work("clients");
	node_pin = make_person(NULL, "key.pem");
	make_person(&friend, "friend.pem");
	make_person(&stranger, "stranger.pem");
	write_list(friend.pin);
	held_port = hold_port(&port);
	place = xasprintf("%u", port);
	daemon_pid = kfarmd_start(
		node_store, -1,
		(const char *[]){ "--listen", place, "--config", work, NULL });
	free(place);
	/* From a separate address, to which the try is charged. */
	close(connect_from("127.9.9.9"));
}

static inline void tear_down(void)
{
	uint64_t start = clock_ms();

	ck_assert(!kill(daemon_pid, SIGTERM));
	ck_assert_int_eq(spawn_wait(daemon_pid), 0);
	ck_assert_uint_lt(clock_ms() - start, CLIENT_MS);
	close(held_port);
	tls_context_free(friend.context);
	tls_context_free(stranger.context);
	node_remove(work);
	free(list);
	client_tear_down();
}

/* ---------------------------------------------------------- handshakes */

static struct {
	bool over;
	int ret;
	struct err err;
} shaken;

static inline void on_shaken(void *ctx, int ret, const struct err *err)
{
	(void)ctx;
	shaken.over = true;
	shaken.ret = ret;
	shaken.err = *err;
}

/*
 * Return the session, which the caller frees; NULL: shaken.err has the error.
 */
static inline struct tls_session *shake(const struct person *p, int fd,
					const struct digest *pin)
{
	struct tls_session *s;
	struct tls_handshake *h;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	s = tls_session_connect(p->context, fd, pin);
	shaken.over = false;
	h = tls_handshake_new(client_base, s, 10000, on_shaken, NULL);
	client_wait(&shaken.over);
	tls_handshake_free(h);
	if (!shaken.ret)
		return s;
	tls_session_free(s);
	return NULL;
}

static inline void converse_as(struct client *c, const struct person *p,
			       const char *from)
{
	struct tls_session *s = shake(p, connect_from(from), &node_pin);

	ck_assert_msg(s != NULL, "%s", shaken.err.text);
	client_attach_io(c, tls_session_io(s));
	client_greet(c);
	client_wait(&c->has_fit);
}

static inline void converse(struct client *c, const char *from)
{
	converse_as(c, &friend, from);
}

static inline void have_cell(struct client *c)
{
	ck_assert_msg(c->fit.usable, "not fit: %s", c->fit.reason);
	play_cell(c, 0);
	play_put(c, 0, ROOT "/a.c", "int x;\n");
}

/* Return 1 if the server sends data after the handshake, or the error. */
static inline int first_word(struct tls_session *s, struct err *err)
{
	struct pollfd p = { .fd = tls_session_fd(s), .events = POLLIN };
	char block[TLS_RECORD_MAX];
	ssize_t n;

	do {
		ck_assert_int_eq(poll(&p, 1, CLIENT_MS), 1);
		n = tls_session_read(s, block, sizeof(block), err);
	} while (n == -EAGAIN);
	return n > 0 ? 1 : (int)n;
}

/*
 * Wait until it closes the connection within `ms`.  Returns the bytes received.
 */
static inline size_t wait_for_close(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t deadline = clock_ms() + (unsigned)ms;
	char block[4096];
	size_t all = 0;
	ssize_t n;

	for (;;) {
		ck_assert_uint_lt(clock_ms(), deadline);
		if (!poll(&p, 1, 100))
			continue;
		n = recv(fd, block, sizeof(block), MSG_DONTWAIT);
		if (n <= 0)
			return all;
		all += (size_t)n;
	}
}

#endif

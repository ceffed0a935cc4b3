/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/tls-fixture.h - Two ends of TLS on a socket pair, each with a key.
 */
#ifndef UNIT_TLS_PLAY_H
#define UNIT_TLS_PLAY_H

#include "base/str.h"
#include "tls/key.h"
#include "tls/session.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One end, and the result of its handshake. */
struct play_end {
	struct tls_context *context;
	struct tls_session *session;
	struct tls_handshake *handshake;
	int ret; /* 1: in progress */
	struct err err;
};

static struct event_base *base;
static struct play_end client, server;
static struct digest admitted; /* the only key that the server admits */

static void play_context(struct play_end *e, bool aes)
{
	char path[] = "/tmp/kfarm-check.XXXXXX", key[64];
	struct tls_key *k = NULL;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(key, sizeof(key), "%s/key", path);
	*e = (struct play_end){ .ret = 1 };
	ck_assert_msg(!tls_key_load_or_create(&k, key, &e->err), "%s",
		      e->err.text);
	ck_assert_msg(!tls_context_new(&e->context, k, aes, &e->err), "%s",
		      e->err.text);
	tls_key_free(k);
	unlink(key);
	rmdir(path);
}

static inline void play_begin_with(bool client_aes, bool server_aes)
{
	base = event_base_new();
	play_context(&client, client_aes);
	play_context(&server, server_aes);
	admitted = *tls_context_fingerprint(client.context);
}

static inline void play_begin(void)
{
	play_begin_with(true, true);
}

static void play_free(struct play_end *e)
{
	tls_handshake_free(e->handshake);
	tls_session_free(e->session);
	tls_context_free(e->context);
	*e = (struct play_end){ .ret = 1 };
}

static inline void play_done(void)
{
	play_free(&client);
	play_free(&server);
	event_base_free(base);
}

static inline bool play_admit(void *ctx, const struct digest *pin)
{
	(void)ctx;
	return digest_equal(pin, &admitted);
}

static void play_ended(void *ctx, int ret, const struct err *err)
{
	struct play_end *e = ctx;

	ck_assert_int_eq(e->ret, 1);
	e->ret = ret;
	e->err = *err;
}

static inline void play_shake(struct play_end *e, unsigned timeout_ms)
{
	e->handshake = tls_handshake_new(base, e->session, timeout_ms,
					 play_ended, e);
}

static inline void play_socketpair(int fd[static 2])
{
	ck_assert_int_eq(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    0, fd),
			 0);
}

/* Create both ends; the client expects this server.  Does not run the loop. */
static inline void play_connect(const struct digest *pin)
{
	int fd[2];

	play_socketpair(fd);
	client.session = tls_session_connect(client.context, fd[0], pin);
	server.session = tls_session_accept(server.context, fd[1], play_admit,
					    NULL);
	play_shake(&client, 5000);
	play_shake(&server, 5000);
}

/* Run until `*n` differs from `before`. */
static inline void play_until_not(const int *n, int before)
{
	while (*n == before)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

static inline void play_handshake(void)
{
	play_connect(tls_context_fingerprint(server.context));
	play_until_not(&client.ret, 1);
	play_until_not(&server.ret, 1);
	ck_assert_msg(!client.ret, "%s", client.err.text);
	ck_assert_msg(!server.ret, "%s", server.err.text);
}

#endif

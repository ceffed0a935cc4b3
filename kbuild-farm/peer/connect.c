/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/connect.h"

#include "base/dial.h"
#include "base/str.h"
#include "tls/handshake.h"
#include "tls/io.h"
#include "tls/session.h"

#include <stdlib.h>

struct peer_connect {
	struct event_base *base;
	const struct tls_context *tls;
	const struct node_entry *entry;
	peer_connected *done;
	void *ctx;
	struct dial *dial;
	struct tls_session *session;
	struct tls_handshake *handshake;
};

static void drop_session(struct peer_connect *c)
{
	tls_handshake_free(c->handshake);
	c->handshake = NULL;
	tls_session_free(c->session);
	c->session = NULL;
}

static void on_handshake(void *ctx, int ret, const struct err *err)
{
	struct peer_connect *c = ctx;
	struct wire_io io;

	if (ret) {
		struct err why = *err;

		drop_session(c);
		dial_again(c->dial, why.text);
		return;
	}
	io = tls_io(c->session);
	c->session = NULL;
	c->done(c->ctx, &io, NULL);
}

static void on_dialed(void *ctx, int fd, const struct err *err)
{
	struct peer_connect *c = ctx;

	if (fd < 0) {
		c->done(c->ctx, NULL, err);
		return;
	}
	c->session = tls_session_connect(c->tls, fd, &c->entry->pin);
	c->handshake = tls_handshake_new(c->base, c->session, PEER_HANDSHAKE_MS,
					 on_handshake, c);
}

struct peer_connect *peer_connect_new(struct event_base *base,
				      const struct tls_context *tls,
				      const struct node_entry *entry,
				      peer_connected *done, void *ctx)
{
	struct peer_connect *c = xcalloc(1, sizeof(*c));
	char *host, *port;

	*c = (struct peer_connect){ .base = base,
				    .tls = tls,
				    .entry = entry,
				    .done = done,
				    .ctx = ctx };
	node_address_split(&entry->address, &host, &port);
	c->dial = dial_start(base, host, port, PEER_CONNECT_MS, on_dialed, c);
	free(host);
	free(port);
	return c;
}

void peer_connect_free(struct peer_connect *c)
{
	if (!c)
		return;
	drop_session(c);
	dial_free(c->dial);
	free(c);
}

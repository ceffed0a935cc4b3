/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/dialer.h"

#include "base/dial.h"
#include "base/str.h"
#include "tls/session.h"

#include <stdlib.h>

struct tls_dialer {
	struct event_base *base;
	const struct tls_context *tls;
	const struct digest *fingerprint;
	tls_dialer_done_fn *on_done;
	void *ctx;
	struct dial *dial;
	struct tls_session *session;
	struct tls_handshake *handshake;
};

static void drop_session(struct tls_dialer *d)
{
	tls_handshake_free(d->handshake);
	d->handshake = NULL;
	tls_session_free(d->session);
	d->session = NULL;
}

static void on_handshake(void *ctx, int ret, const struct err *err)
{
	struct tls_dialer *d = ctx;
	struct wire_io io;

	if (ret) {
		struct err why = *err;

		drop_session(d);
		dial_retry(d->dial, why.text);
		return;
	}
	io = tls_session_io(d->session);
	d->session = NULL;
	d->on_done(d->ctx, &io, NULL);
}

static void on_connected(void *ctx, int fd, const struct err *err)
{
	struct tls_dialer *d = ctx;

	if (fd < 0) {
		d->on_done(d->ctx, NULL, err);
		return;
	}
	d->session = tls_session_connect(d->tls, fd, d->fingerprint);
	d->handshake = tls_handshake_new(
		d->base, d->session, TLS_DIALER_HANDSHAKE_MS, on_handshake, d);
}

struct tls_dialer *tls_dialer_new(struct event_base *base,
				  const struct tls_context *tls,
				  const char *host, const char *port,
				  const struct digest *fingerprint,
				  tls_dialer_done_fn *on_done, void *ctx)
{
	static const struct dial_limits limits = {
		.lookup_ms = TLS_DIALER_LOOKUP_MS,
		.connect_ms = TLS_DIALER_TCP_MS,
	};
	struct tls_dialer *d = xcalloc(1, sizeof(*d));

	*d = (struct tls_dialer){ .base = base,
				  .tls = tls,
				  .fingerprint = fingerprint,
				  .on_done = on_done,
				  .ctx = ctx };
	d->dial = dial_start(base, host, port, &limits, on_connected, d);
	return d;
}

void tls_dialer_free(struct tls_dialer *d)
{
	if (!d)
		return;
	drop_session(d);
	dial_free(d->dial);
	free(d);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/handshake.h"

#include "base/str.h"
#include "tls/session.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct tls_handshake {
	struct tls_session *session;
	struct event *readable, *writable, *late;
	unsigned timeout_ms;
	tls_handshake_fn *done;
	void *ctx;
};

/* The last thing that is done with `h`: the callback may free it. */
static void end_handshake(struct tls_handshake *h, int ret,
			  const struct err *err)
{
	event_del(h->readable);
	event_del(h->writable);
	event_del(h->late);
	h->done(h->ctx, ret, err);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct tls_handshake *h = arg;
	enum tls_wait wait = TLS_WAIT_READ;
	struct err err = { 0 };
	int ret = tls_session_handshake(h->session, &wait, &err);

	(void)fd;
	(void)what;
	if (ret != -EAGAIN) {
		end_handshake(h, ret, &err);
		return;
	}
	event_add(wait == TLS_WAIT_READ ? h->readable : h->writable, NULL);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct tls_handshake *h = arg;
	struct err err;

	(void)fd;
	(void)what;
	err_set(&err, ETIMEDOUT, "no handshake within %.3g s",
		h->timeout_ms / 1000.0);
	end_handshake(h, -ETIMEDOUT, &err);
}

struct tls_handshake *tls_handshake_new(struct event_base *base,
					struct tls_session *session,
					unsigned timeout_ms,
					tls_handshake_fn *done, void *ctx)
{
	const struct timeval patience = { timeout_ms / 1000,
					  timeout_ms % 1000 * 1000 };
	struct tls_handshake *h = xcalloc(1, sizeof(*h));
	int fd = tls_session_fd(session);

	*h = (struct tls_handshake){ .session = session,
				     .timeout_ms = timeout_ms,
				     .done = done,
				     .ctx = ctx };
	h->readable = event_new(base, fd, EV_READ, on_socket, h);
	h->writable = event_new(base, fd, EV_WRITE, on_socket, h);
	h->late = evtimer_new(base, on_late, h);
	if (!h->readable || !h->writable || !h->late)
		str_out_of_memory();
	/* A socket that was just connected takes the first message at once. */
	event_add(h->writable, NULL);
	event_add(h->late, &patience);
	return h;
}

void tls_handshake_free(struct tls_handshake *h)
{
	if (!h)
		return;
	event_free(h->readable);
	event_free(h->writable);
	event_free(h->late);
	free(h);
}

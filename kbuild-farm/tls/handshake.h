/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/handshake.h - a session's handshake in a libevent loop, by a deadline.
 */
#ifndef TLS_HANDSHAKE_H
#define TLS_HANDSHAKE_H

#include "base/err.h"

struct event_base;
struct tls_handshake;
struct tls_session;

/*
 * It has come to its end: `ret` as of tls_session_handshake(), or -ETIMEDOUT,
 * with `err` set where it is not 0.  Called once, from the loop.  The
 * handshake is to be freed, here or later; the session is the caller's.
 */
typedef void tls_handshake_fn(void *ctx, int ret, const struct err *err);

/* The session must outlive it. */
struct tls_handshake *tls_handshake_new(struct event_base *base,
					struct tls_session *session,
					unsigned timeout_ms,
					tls_handshake_fn *done, void *ctx);
/* Allowed at any time; nothing is called afterwards.  NULL is allowed. */
void tls_handshake_free(struct tls_handshake *h);

#endif

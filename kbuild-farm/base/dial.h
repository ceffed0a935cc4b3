/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/dial.h - Asynchronous TCP connections to a host name.
 *
 * The name is resolved first. getaddrinfo(3) can block for half a minute if a
 * name server does not reply, and cannot be interrupted.  It therefore runs on
 * detached threads, which free a cancelled lookup when getaddrinfo() returns.
 * Up to RESOLVE_THREADS_MAX lookups run concurrently, so that a few blocked
 * lookups do not delay the others; further lookups are queued.
 *
 * Then the addresses are tried in order: the next attempt starts when the
 * previous attempt has failed or has been pending for a quarter of a second
 * (RFC 8305, section 5, "Connection Attempt Delay").  The first connection that
 * succeeds is used.
 */
#ifndef BASE_DIAL_H
#define BASE_DIAL_H

#include "base/err.h"

struct event_base;
struct dial;

/* Maximum number of threads that resolve names. */
#define RESOLVE_THREADS_MAX 64
/* Number of addresses of a host that are tried; any others are ignored. */
#define DIAL_ADDRESSES_MAX 12

/*
 * Called from the loop.  `fd` is a connected socket with the options of
 * socket_set_tcp_options(), which the callee then owns.  If no address is left,
 * `fd` is -1 and `err` names each address and its failure.  The callback may
 * call dial_retry() and dial_free().
 */
typedef void dial_done_fn(void *ctx, int fd, const struct err *err);

/*
 * Connect to `host`, a name or an address (IPv6 without brackets), and the
 * decimal `port`.  `limit_ms` limits the lookup and the connection together.
 * The caller frees the result with dial_free().
 */
struct dial *dial_start(struct event_base *base, const char *host,
			const char *port, unsigned limit_ms,
			dial_done_fn *on_done, void *ctx);
/*
 * Reject the connected peer for `reason` and try the remaining addresses with
 * the full time limit again.
 */
void dial_retry(struct dial *d, const char *reason);
/* Cancel all attempts and free `d`, which may be NULL. */
void dial_free(struct dial *d);

#endif

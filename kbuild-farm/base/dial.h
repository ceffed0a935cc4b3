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

struct dial_limits {
	unsigned lookup_ms; /* limit of the lookup of the host name */
	unsigned connect_ms; /* limit from the end of the lookup */
};

/* Maximum number of threads that resolve names. */
#define RESOLVE_THREADS_MAX 64
/* Maximum number of addresses of a host that are tried. */
#define DIAL_ADDRESSES_MAX 12

/*
 * Called from the loop.  On success, `fd` is a connected socket with the
 * options of socket_set_tcp_options(), and the callee owns it.  On failure,
 * `fd` is -1, and `err` contains the error of the lookup or the error of each
 * address.  The callback may call dial_retry() and dial_free().
 */
typedef void dial_done_fn(void *ctx, int fd, const struct err *err);

/*
 * Connect to `port`, a decimal number, at `host`, which is a name or an address
 * (IPv6 without brackets).  The caller frees the result with dial_free().
 */
struct dial *dial_start(struct event_base *base, const char *host,
			const char *port, const struct dial_limits *limits,
			dial_done_fn *on_done, void *ctx);
/*
 * Reject the connected peer for `reason`, restart the `connect_ms` limit, and
 * try the remaining addresses.
 */
void dial_retry(struct dial *d, const char *reason);
/* Cancel all attempts and free `d`, which may be NULL. */
void dial_free(struct dial *d);

#endif

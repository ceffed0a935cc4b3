/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/resolve.h - the addresses of a host's name, for an event loop.
 *
 * getaddrinfo(3) can take half a minute where a name server does not answer,
 * and cannot be interrupted.  So it runs on threads that nobody waits for:
 * what was given up is freed by its thread, when that returns.  Up to
 * RESOLVE_THREADS names are looked up at the same time, so that a few that
 * hang do not delay the others; further ones wait for their turn.
 */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include "base/err.h"

#define RESOLVE_THREADS 64

struct addrinfo;
struct event_base;
struct resolve;

/*
 * From the loop, once: the addresses of stream sockets in the order in which
 * they are to be tried (getaddrinfo's, RFC 6724), borrowed until
 * resolve_free(), which is allowed here; or NULL with `err`.
 */
typedef void resolve_done(void *ctx, const struct addrinfo *list,
			  const struct err *err);

/*
 * Look up a name or a numeric address, IPv6 without brackets, and a numeric
 * port.  NULL with `err` where no thread or descriptor can be had.
 */
struct resolve *resolve_start(struct event_base *base, const char *host,
			      const char *port, resolve_done *done, void *ctx,
			      struct err *err);
/* Nobody wants it any more; waits for nothing.  NULL is fine. */
void resolve_free(struct resolve *r);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/dial.h - a TCP connection to a host, without waiting for anything.
 *
 * Its name is looked up (base/resolve.h), then all of its addresses are tried:
 * the next one when the one before has failed, or has been silent for a
 * quarter of a second (RFC 8305, section 5, "Connection Attempt Delay").  The
 * first that answers counts.
 */
#ifndef BASE_DIAL_H
#define BASE_DIAL_H

#include "base/err.h"

#define DIAL_ADDRESSES 12 /* of a host at most; the others are not tried */

struct dial;
struct event_base;

/*
 * From the loop: a connected socket, as socket_new_tcp() makes them, which is
 * the caller's; or -1, with `err` naming each address and what came of it, and
 * then there is nothing more to be had.  dial_again() and dial_free() are
 * allowed here.
 */
typedef void dial_done(void *ctx, int fd, const struct err *err);

/*
 * `host` is a name or an address, IPv6 without brackets, `port` is decimal.
 * `limit_ms` is for the name and the connection together.
 */
struct dial *dial_start(struct event_base *base, const char *host,
			const char *port, unsigned limit_ms, dial_done *done,
			void *ctx);
/*
 * Who answered there was the wrong one, for `why`: try the addresses that are
 * left, with as much time again.
 */
void dial_again(struct dial *d, const char *why);
/* The attempts are over; NULL is fine. */
void dial_free(struct dial *d);

#endif

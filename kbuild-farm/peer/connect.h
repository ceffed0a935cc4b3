/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/connect.h - the way to a tls: node, without waiting for anything.
 *
 * All addresses of its name are tried (base/dial.h).  Where one is not who it
 * should be, which its key shows, or does not shake hands in time, those that
 * are left are tried: an address is a hint, the key decides.
 */
#ifndef PEER_CONNECT_H
#define PEER_CONNECT_H

#include "node/roster.h"
#include "wire/io.h"

#define PEER_CONNECT_MS   3000 /* for its name and the connection together */
#define PEER_HANDSHAKE_MS 5000

struct event_base;
struct peer_connect;
struct tls_context;

/*
 * From the loop, once: what a stream runs over, which is the callee's; or NULL
 * with `err`.  peer_connect_free() is allowed here.
 */
typedef void peer_connected(void *ctx, const struct wire_io *io,
			    const struct err *err);

/* `tls` and `entry` must outlive it, and `tls` the io that it leads to. */
struct peer_connect *peer_connect_new(struct event_base *base,
				      const struct tls_context *tls,
				      const struct node_entry *entry,
				      peer_connected *done, void *ctx);
/* Gives up, if it is not done.  NULL is fine. */
void peer_connect_free(struct peer_connect *c);

#endif

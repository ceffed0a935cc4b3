/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/listen.h - Listening sockets: Unix sockets and TLS over TCP.
 *
 * A Unix socket has mode 0600.  kfarmd holds a flock(2) on PATH.lock while it
 * runs, so that two processes never share a path.  kfarmd replaces a socket at
 * which no process listens.
 *
 * Before kfarmd reads a message of a TLS peer, it authenticates the peer: both
 * sides prove their keys, and the peer's key must be in the list of clients
 * (tls/clients.h) or belong to an announced neighbor (kfarmd/neighbor.h).
 * Until then the connection is pending, for at most KFARMD_LISTEN_TLS_TIMEOUT_S
 * seconds, and kfarmd/admission.h limits the number of pending connections.
 */
#ifndef KFARMD_LISTEN_H
#define KFARMD_LISTEN_H

#include "base/err.h"
#include "base/str.h"

struct kfarmd;
struct kfarmd_listen;

#define KFARMD_LISTEN_TLS_TIMEOUT_S 5

/*
 * Listen at each of `addresses`: unix:PATH, or a network address as in
 * kfarmd/settings.h.  For a network address, the directory `dir` must contain
 * the files "key.pem" and "clients".  Sets a->listen_text and, with a network
 * address, a->clients and a->tls.
 *
 * Returns 0; -EADDRINUSE if another process listens at an address; -EEXIST if a
 * PATH exists and is not a socket; or another negative errno; with `err` set.
 */
int kfarmd_listen_new(struct kfarmd_listen **out, struct kfarmd *a,
		      const struct strv *addresses, const char *dir,
		      struct err *err);
/*
 * Close the sockets and all connections of neighbors, remove the Unix sockets
 * and their lock files, and reset a->listen_text, a->clients and a->tls.  No
 * session may use these members any more.  NULL is allowed.
 */
void kfarmd_listen_free(struct kfarmd_listen *l);

#endif

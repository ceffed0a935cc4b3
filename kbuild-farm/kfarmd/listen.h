/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/listen.h - Listening sockets: Unix sockets and TLS over TCP.
 *
 * A Unix socket has mode 0600.  PATH.lock is locked by flock(2) while kfarmd
 * runs, so that two processes never share a path; a socket without a listener
 * is replaced.
 *
 * TLS clients are authenticated by key before any message is read: both sides
 * prove their keys, and the client's key must be in the list of clients
 * (tls/clients.h).  Until then the connection is pending, for at most
 * KFARMD_LISTEN_TLS_TIMEOUT_S seconds, and kfarmd/admission.h limits the number
 * of pending connections.
 */
#ifndef KFARMD_LISTEN_H
#define KFARMD_LISTEN_H

#include "base/err.h"
#include "base/str.h"

struct event_base;
struct kfarmd;
struct kfarmd_listen_tls;
struct kfarmd_listen;

#define KFARMD_LISTEN_TLS_TIMEOUT_S 5

/*
 * Listen at each of `addresses` (kfarmd_settings_check_address()) with
 * DIR/key.pem and DIR/clients.  Sets a->clients to the list in DIR/clients and
 * appends the bound addresses to `bound_addresses`.  Returns 0, or a negative
 * errno with `err` set.
 */
int kfarmd_listen_tls_new(struct kfarmd_listen_tls **out, struct kfarmd *a,
			  const struct strv *addresses, const char *dir,
			  struct strv *bound_addresses, struct err *err);
/* Close the sockets; all sessions that use a->clients must have ended. */
void kfarmd_listen_tls_free(struct kfarmd_listen_tls *d);

/*
 * Listen at the Unix socket `path`.  Returns 0; -EADDRINUSE if another process
 * listens at the path; -EEXIST if the path is not a socket; or another negative
 * errno; with `err` set.
 */
int kfarmd_listen_new(struct kfarmd_listen **out, struct kfarmd *a,
		      const char *path, struct err *err);
/* Close and remove the socket and the lock file. */
void kfarmd_listen_free(struct kfarmd_listen *l);

#endif

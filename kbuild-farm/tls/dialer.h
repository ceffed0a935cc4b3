/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/dialer.h - TLS connections to a machine with a known key.
 *
 * All addresses of the host name are tried (dial_start()).  An address is only
 * a hint: if the machine at this address has a wrong key or the handshake takes
 * too long, the next address is tried.
 */
#ifndef TLS_DIALER_H
#define TLS_DIALER_H

#include "base/err.h"

struct digest;
struct event_base;
struct tls_context;
struct tls_dialer;
struct wire_io;

/*
 * Time limits of a dial.  The resolver of glibc waits 5 s for a name server
 * before it queries the next server, so the limit of the lookup exceeds 5 s.
 */
#define TLS_DIALER_LOOKUP_MS    6000
#define TLS_DIALER_TCP_MS       3000
#define TLS_DIALER_HANDSHAKE_MS 5000
/* sum of the above limits */
#define TLS_DIALER_MAX_MS \
	(TLS_DIALER_LOOKUP_MS + TLS_DIALER_TCP_MS + TLS_DIALER_HANDSHAKE_MS)

/*
 * Called once from the event loop.  On success, `io` is the TLS connection,
 * which the callee owns; otherwise `io` is NULL and `err` is set.  The callee
 * may call tls_dialer_free().
 */
typedef void tls_dialer_done_fn(void *ctx, const struct wire_io *io,
				const struct err *err);

/*
 * Start to dial `host`, a name or an address (IPv6 without brackets), and the
 * decimal `port`; the server's key must have `fingerprint`.  `tls` and
 * `fingerprint` must outlive the dialer; `tls` must also outlive the resulting
 * io.
 */
struct tls_dialer *tls_dialer_new(struct event_base *base,
				  const struct tls_context *tls,
				  const char *host, const char *port,
				  const struct digest *fingerprint,
				  tls_dialer_done_fn *on_done, void *ctx);
/* Abort a dial in progress.  `d` can be NULL. */
void tls_dialer_free(struct tls_dialer *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/session.h - TLS over a connected socket that does not block.
 *
 * First the handshake, which tls/handshake.h drives in an event loop; until
 * it is done nothing that the peer sent has reached anybody but OpenSSL.
 * Then tls/io.h makes of the session what a wire_stream runs over.
 *
 * TLS 1.3 lets a client be done before the server has looked at its key.  A
 * client knows that it is admitted when the server's first byte comes; until
 * then tls_session_read() may say that it is not.
 */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "base/bytes.h"
#include "tls/context.h"

#include <sys/types.h>

struct tls_session;

enum tls_wait {
	TLS_WAIT_READ, /* until the socket can be read */
	TLS_WAIT_WRITE
};

/*
 * Both take the socket, and close it in tls_session_free().  The context must
 * outlive them.  A client wants the server to have the key `pin`; a server
 * asks `admit` about the client's.
 */
struct tls_session *tls_session_connect(const struct tls_context *c, int fd,
					const struct digest *pin);
struct tls_session *tls_session_accept(const struct tls_context *c, int fd,
				       tls_admit *admit, void *ctx);
/* Tells the peer that it ends, if there is room for it.  NULL is allowed. */
void tls_session_free(struct tls_session *s);

/*
 * Go on with the handshake: 0, it is done; -EAGAIN, and *wait says for what;
 * -EACCES: one side does not know the other's key; -EPROTO; -ECONNRESET; or
 * another negative errno; with `err` saying what to do.
 */
int tls_session_handshake(struct tls_session *s, enum tls_wait *wait,
			  struct err *err);

/*
 * As struct wire_io_ops has them.  `size` must be TLS_RECORD at least; then
 * nothing that has come stays behind in the session.
 */
#define TLS_RECORD 16384
ssize_t tls_session_read(struct tls_session *s, void *to, size_t size,
			 struct err *err);
ssize_t tls_session_write(struct tls_session *s, struct bytes in,
			  struct err *err);
bool tls_session_read_must_write(const struct tls_session *s);

/*
 * Is this, an error's text of tls_session_handshake() with anything around it,
 * about a key that one end showed and the other did not want?
 */
bool tls_session_refused_key(const char *why);

int tls_session_fd(const struct tls_session *s);
/* The fingerprint of the key that the peer showed; zero: none yet. */
const struct digest *tls_session_peer(const struct tls_session *s);
/* "TLS_AES_128_GCM_SHA256"; once the handshake is done. */
const char *tls_session_cipher(const struct tls_session *s);

#endif

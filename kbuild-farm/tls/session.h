/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/session.h - TLS sessions over connected non-blocking sockets.
 *
 * 1. tls_context_new() makes the settings shared by all sessions with one key
 * 2. tls_session_connect() or tls_session_accept() creates a session
 * 3. tls_handshake_new() performs the handshake in an event loop
 * 4. tls_session_io() converts the session to the struct wire_io of a stream
 *
 * Only TLS 1.3, X25519, Ed25519 keys on both sides and ALPN "kfarm/1" are
 * enabled.  Tickets, resumption and early data are disabled, so that in each
 * session both sides prove the possession of their keys.  ChaCha20-Poly1305 is
 * preferred if either side lacks AES instructions, else AES-128-GCM.
 *
 * Before the handshake is complete, only OpenSSL processes input from the peer.
 *
 * In TLS 1.3, the handshake of a client can complete before the server has
 * checked the client's key.  The first byte from the server proves to a client
 * that it is admitted; until then tls_session_read() can return -EACCES.
 *
 * OpenSSL's socket BIO uses write(2), which raises SIGPIPE if the peer has
 * closed the connection.  A session therefore uses its own BIO, which calls
 * send(2) with MSG_NOSIGNAL.
 */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"
#include "wire/stream.h"

#include <stdbool.h>
#include <sys/types.h>

struct event_base;
struct tls_context;
struct tls_handshake;
struct tls_key;
struct tls_session;

/*
 * Return true if the processor has instructions for AES and for GCM's
 * multiplication.  Without them AES-GCM is several times slower than
 * ChaCha20-Poly1305.
 */
bool tls_cpu_has_aes(void);

/* Return true to admit the peer with this key; called in the handshake. */
typedef bool tls_admit_fn(void *ctx, const struct digest *pin);

/*
 * Create a context.  `aes` is the result of tls_cpu_has_aes().  The key is not
 * needed after the call.  Returns 0, or -EIO with `err` set.
 */
int tls_context_new(struct tls_context **out, const struct tls_key *key,
		    bool aes, struct err *err);
/* Free the context.  All of its sessions must have been freed before. */
void tls_context_free(struct tls_context *c);
/* Return the fingerprint of this machine's key, borrowed. */
const struct digest *tls_context_fingerprint(const struct tls_context *c);

/*
 * Create a session and take ownership of the socket, which tls_session_free()
 * closes.  The context must outlive the session.  A client requires that the
 * server's key has `fingerprint`; a server calls `on_admit` for the client's
 * key.
 */
struct tls_session *tls_session_connect(const struct tls_context *c, int fd,
					const struct digest *fingerprint);
struct tls_session *tls_session_accept(const struct tls_context *c, int fd,
				       tls_admit_fn *on_admit, void *ctx);
/*
 * Close the session.  Sends a close notification if the socket buffer has
 * space.  `s` may be NULL.
 */
void tls_session_free(struct tls_session *s);

/*
 * Read and write as the members `read` and `write` of struct wire_io_ops
 * specify.  `size` must be at least TLS_RECORD_MAX, so that no decrypted bytes
 * remain in the session.
 */
#define TLS_RECORD_MAX 16384
ssize_t tls_session_read(struct tls_session *s, void *to, size_t size,
			 struct err *err);
ssize_t tls_session_write(struct tls_session *s, struct bytes in,
			  struct err *err);

/*
 * Return true if `error_text` reports that the client or the node has rejected
 * the key of the other side.  Recognizes only errors of a client's session.
 */
bool tls_session_is_key_error(const char *error_text);
/*
 * Return true if `error_text` reports that the node has rejected the client's
 * key.
 */
bool tls_session_is_rejection(const char *error_text);

/* Return the socket, which the session owns. */
int tls_session_fd(const struct tls_session *s);
/*
 * Return the fingerprint of the peer's key; zero before the peer has sent it.
 */
const struct digest *tls_session_peer_fingerprint(const struct tls_session *s);
/*
 * Return the cipher, such as "TLS_AES_128_GCM_SHA256".  The handshake must be
 * complete.
 */
const char *tls_session_cipher(const struct tls_session *s);

/*
 * Return a struct wire_io that owns the session.  The handshake must be
 * complete.
 */
struct wire_io tls_session_io(struct tls_session *session);

/*
 * Called once from the loop when the handshake has ended.  `ret` is 0, -EACCES
 * if one side rejected the other's key, -ETIMEDOUT, -EPROTO, -ECONNRESET or
 * another negative errno; `err` is set unless `ret` is 0.  The callee frees the
 * handshake now or later, and owns the session.
 */
typedef void tls_handshake_done_fn(void *ctx, int ret, const struct err *err);

/*
 * Start the handshake with a time limit.  The session must outlive the
 * handshake.
 */
struct tls_handshake *tls_handshake_new(struct event_base *base,
					struct tls_session *session,
					unsigned timeout_ms,
					tls_handshake_done_fn *on_done,
					void *ctx);
/* Cancel the handshake at any time. No callback follows. `h` may be NULL. */
void tls_handshake_free(struct tls_handshake *h);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/context.h - TLS settings shared by all sessions with one key.
 *
 * Only TLS 1.3, X25519, Ed25519 keys on both sides and ALPN "kfarm/1" are
 * enabled.  Tickets, resumption and early data are disabled, so that each
 * session proves both keys.  ChaCha20-Poly1305 is preferred if either side
 * lacks AES instructions, else AES-128-GCM.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>

struct ssl_st;
struct tls_context;
struct tls_key;

/*
 * Return true if the processor has instructions for AES and for GCM's
 * multiplication.  Without them AES-GCM is several times slower than
 * ChaCha20-Poly1305.
 */
bool tls_cpu_has_aes(void);

/* Return true to accept the peer with this key. Called during the handshake. */
typedef bool tls_admit_fn(void *ctx, const struct digest *pin);

/* The peer of a session. */
struct tls_peer {
	tls_admit_fn *on_admit;
	void *ctx;
	/* fingerprint of the peer's key; zero before it was received */
	struct digest fingerprint;
	bool refused; /* on_admit() has rejected the peer */
};

/*
 * Create a context.  `aes` is the result of tls_cpu_has_aes().  The key is not
 * needed after the call.  Returns 0, or -EIO with `err` set.
 */
int tls_context_new(struct tls_context **out, const struct tls_key *key,
		    bool aes, struct err *err);
/* Free the context after all of its sessions. */
void tls_context_free(struct tls_context *c);
/* Return the fingerprint of this machine's key, borrowed. */
const struct digest *tls_context_fingerprint(const struct tls_context *c);

/* Create the SSL object of a session, which calls `peer->on_admit`. */
struct ssl_st *tls_context_ssl(const struct tls_context *c,
			       struct tls_peer *peer);

#endif

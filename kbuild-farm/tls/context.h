/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/context.h - what all sessions with one key have in common.
 *
 * TLS 1.3 and nothing older, X25519, Ed25519 on both sides, ALPN "kfarm/1";
 * no tickets, no resumption, no early data, so that each session proves both
 * keys.  Two ciphers: ChaCha20-Poly1305 comes first where either side lacks
 * instructions for AES, else AES-128-GCM.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "base/digest.h"
#include "base/err.h"

struct ssl_st;
struct tls_context;
struct tls_key;

/* May the peer with this key go on?  Called within the handshake. */
typedef bool tls_admit(void *ctx, const struct digest *pin);

/* A session's peer, as the handshake finds it. */
struct tls_peer {
	tls_admit *admit;
	void *ctx;
	struct digest pin; /* of the key that it showed; zero: none yet */
	bool refused; /* by `admit` */
};

/*
 * `aes`: this side has the instructions (tls_cpu_has_aes()).  The key may go
 * once this has returned.  0, or -EIO with `err` set.
 */
int tls_context_new(struct tls_context **out, const struct tls_key *key,
		    bool aes, struct err *err);
/* Its sessions must have gone. */
void tls_context_free(struct tls_context *c);
/* The fingerprint of our own key. */
const struct digest *tls_context_pin(const struct tls_context *c);

/* For tls/session: OpenSSL's part of one, which is asked about `peer`. */
struct ssl_st *tls_context_ssl(const struct tls_context *c,
			       struct tls_peer *peer);

#endif

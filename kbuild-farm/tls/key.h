/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/key.h - our own Ed25519 key (RFC 8410), in a PEM file (PKCS #8) that
 * nobody else may read.
 *
 * TLS wants a certificate with it.  It is made in memory, signed by the key
 * itself, and nothing but the key in it is ever looked at: its dates mean
 * nothing, so that no clock can be wrong.
 */
#ifndef TLS_KEY_H
#define TLS_KEY_H

#include "base/digest.h"
#include "base/err.h"

struct ssl_ctx_st;
struct tls_key;

/*
 * Make a key and write it to `path`, whole or not at all, for its owner
 * alone; its directory must be there.  0; -EEXIST where something has that
 * name; or a negative errno with `err` set.
 */
int tls_key_make(const char *path, struct err *err);
/*
 * 0; -ENOENT: there is none; -EPERM: others can read it; -EINVAL: it is none;
 * or a negative errno; with `err` saying what to do.
 */
int tls_key_load(struct tls_key **out, const char *path, struct err *err);
/* Load it, and make it first where there is none. */
int tls_key_open(struct tls_key **out, const char *path, struct err *err);
void tls_key_free(struct tls_key *key);
/* Its fingerprint (tls/pin.h). */
const struct digest *tls_key_pin(const struct tls_key *key);
/* For tls/context: sessions show this key.  0, or -EIO with `err` set. */
int tls_key_give(const struct tls_key *key, struct ssl_ctx_st *to,
		 struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/key.h - Ed25519 keys (RFC 8410) and their fingerprints.
 *
 * A machine's key is in a PEM file (PKCS #8) that only its owner can read.  TLS
 * requires a certificate, which is created in memory and signed with the key
 * itself.  A peer checks only the key in the certificate.  The dates of the
 * certificate are not checked, because the clock of a machine can be wrong.
 *
 * A fingerprint is the SHA-256 of a key's SubjectPublicKeyInfo (RFC 5280, 4.1).
 * Its text is "SHA256:" followed by base64 (RFC 4648, 4) without "=".  OpenSSH
 * uses the same text format, but hashes another encoding of the key.
 */
#ifndef TLS_KEY_H
#define TLS_KEY_H

#include "base/digest.h"
#include "base/err.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct tls_key;

/*
 * Hash an OpenSSL key.  Returns false if it is NULL or not an Ed25519 key, or
 * if memory runs out.
 */
bool tls_key_hash_public(struct evp_pkey_st *key, struct digest *fingerprint);

#define TLS_KEY_FINGERPRINT_SIZE 51 /* with the NUL */

/*
 * Parse a fingerprint.  Returns false, with `fingerprint` unchanged, if `text`
 * is not a valid fingerprint.
 */
bool tls_key_parse_fingerprint(struct digest *fingerprint, const char *text);
/*
 * Like tls_key_parse_fingerprint(), for text from the user.  Returns 0, or
 * -EINVAL with `err` set.
 */
int tls_key_check_fingerprint(struct digest *fingerprint, const char *text,
			      struct err *err);
/* Format a fingerprint as text. */
void tls_key_format_fingerprint(const struct digest *fingerprint,
				char out[static TLS_KEY_FINGERPRINT_SIZE]);

/*
 * Load the key in the file `path`.  Returns 0; -ENOENT; -EPERM if other users
 * can read the file; -EINVAL if it holds no valid key; or another negative
 * errno.  `err` explains what the user must do.
 */
int tls_key_load(struct tls_key **out, const char *path, struct err *err);
/*
 * Like tls_key_load(), but if the file does not exist, generate a key and write
 * it atomically to a file that only its owner can read.  The directory of the
 * file must exist.
 */
int tls_key_load_or_create(struct tls_key **out, const char *path,
			   struct err *err);
/* Free the key; NULL is allowed. */
void tls_key_free(struct tls_key *key);
/* Return the fingerprint of the key, borrowed. */
const struct digest *tls_key_fingerprint(const struct tls_key *key);

#define TLS_KEY_PUBLIC_SIZE    32
#define TLS_KEY_SIGNATURE_SIZE 64

/* Sign a message.  Returns 0, or -EIO with `err` set. */
int tls_key_sign(const struct tls_key *key, struct bytes message,
		 uint8_t signature[static TLS_KEY_SIGNATURE_SIZE],
		 struct err *err);
/* Copy the public key (RFC 8032, 5.1.5). */
void tls_key_public(const struct tls_key *key,
		    uint8_t out[static TLS_KEY_PUBLIC_SIZE]);
/*
 * Compute the fingerprint of a public key from an untrusted source.  Returns
 * false if the key is invalid.
 */
bool tls_key_fingerprint_of(const uint8_t public[static TLS_KEY_PUBLIC_SIZE],
			    struct digest *fingerprint);
/* Return true if the signature of the message was made with the key. */
bool tls_key_verify(const uint8_t public[static TLS_KEY_PUBLIC_SIZE],
		    struct bytes message,
		    const uint8_t signature[static TLS_KEY_SIGNATURE_SIZE]);
/*
 * Use this key for the sessions of an OpenSSL context.  Returns 0, or -EIO with
 * `err` set.
 */
int tls_key_use(const struct tls_key *key, struct ssl_ctx_st *ssl_ctx,
		struct err *err);

#endif

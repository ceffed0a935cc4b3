/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/key.h - Public keys by fingerprint, and verification of signatures.
 *
 * A key is accepted from any source if gpg reports that its primary key has the
 * requested fingerprint.  The key is cached as DATA/keys/FINGERPRINT.gpg, a
 * binary keyring with only this key, which gpgv can read.
 *
 * A source is the URL of a binary or armored file of keys.  In the URL, "%s" is
 * replaced by the 40 hexadecimal digits of the fingerprint:
 *
 *	https://keyserver.example.org/pks/lookup?op=get&search=0x%s
 *
 * The source "wkd:NAME@DOMAIN" stands for the two URLs at which the Web Key
 * Directory of DOMAIN can have the key of NAME.
 *
 * The program gpg reads the keys.  Each call of gpg has a temporary home
 * directory.  gpg reads no configuration, starts no agent, does not use the
 * network and does not prompt.  Its time and memory are limited.  Functions
 * that run gpg return -ENOPKG if it is not installed.
 *
 * A listing is the output of `gpg --with-colons`, described in GnuPG's
 * doc/DETAILS.  User names are ignored.
 *
 * A signature is accepted if gpgv succeeds and its status lines report exactly
 * one signature by the key with the requested primary fingerprint.  Exit
 * status 0 of gpgv is not sufficient: gpgv also returns it for expired and
 * revoked keys, and for any key in the file.
 *
 * A signature by an expired key is accepted if it was made before the key
 * expired.  The owner of such a key can backdate a signature, so callers show
 * fetch_signature.key_expired wherever they list the signature.
 *
 * On failure, the functions that verify return one of these errors or another
 * negative errno, but never -ENOENT, with `err` stating what to do:
 *
 *	-ENOKEY        the keyring does not contain the signing key
 *	-EKEYREVOKED   the key was revoked
 *	-EKEYEXPIRED   the signature was made after the key expired, or the
 *	               signature itself has expired
 *	-EKEYREJECTED  any other invalid signature: the bytes differ from the
 *	               signed bytes, there is no signature or more than one, or
 *	               the signature is by another key
 *	-ENOPKG        gpgv is not installed, or a key has expired and gpg is
 *	               not installed
 */
#ifndef FETCH_KEY_H
#define FETCH_KEY_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct fetch_options; /* fetch/download.h */

/* Maximum size of a file of keys, in bytes. */
#define FETCH_KEY_BYTES_MAX (8u << 20)

/* 40 upper-case hexadecimal digits and a NUL. */
#define FETCH_FINGERPRINT_SIZE 41

/*
 * Find the key `fingerprint` and store the path of its keyring in `keyring`,
 * which the caller frees.  The key is taken from the first of `files` that
 * contains it, else from the cache, else from the first of `sources` that has
 * it.  If the key or a subkey in the cached copy has expired, `sources` precede
 * the cache, because the owner may have extended the validity of the key.  A
 * key from a file or a source replaces the cached copy, but is rejected if it
 * lacks a revocation that the cached copy contains.  `files` and `sources` may
 * be NULL.
 *
 * If `refresh` is true, `sources` precede `files`, and the cache is not used.
 * Callers set `refresh` if a verification returns -ENOKEY: the signature may
 * have been made by a subkey that the cached copy lacks.  On failure the cached
 * copy remains.
 *
 * Returns 0; -ENOKEY with all reasons if the key is not found; -EINVAL for an
 * invalid fingerprint; -ENOPKG if gpg is missing; another negative errno if the
 * key cannot be cached.
 */
int fetch_key_find(const char *data_dir, const char *fingerprint,
		   const struct strv *files, const struct strv *sources,
		   const struct fetch_options *options, bool refresh,
		   char **keyring, struct err *err);

/*
 * Append the URLs of a source to `urls`.  Returns 0, or -EINVAL if `source` is
 * invalid.
 */
int fetch_key_urls(const char *source, const char *fingerprint,
		   struct strv *urls, struct err *err);

struct fetch_key {
	char fingerprint[FETCH_FINGERPRINT_SIZE];
	bool primary; /* false: a subkey */
	bool secret;
	bool revoked;
	int64_t expires_s; /* seconds since 1970; 0: never */
};

/*
 * Return true if a key or subkey is revoked in `trusted` but not in `other`, a
 * listing of the same key from another source.
 */
bool fetch_key_lacks_revocation(struct bytes trusted, struct bytes other);

/* Upper limit for the size of a signed text, in bytes. */
#define FETCH_SIGNED_TEXT_BYTES_MAX (8u << 20)

/* A verified signature.  The first two fields are fingerprints. */
struct fetch_signature {
	char fingerprint[FETCH_FINGERPRINT_SIZE]; /* primary key */
	char signing_key[FETCH_FINGERPRINT_SIZE]; /* primary key or subkey */
	int64_t made_s; /* seconds since 1970 */
	bool key_expired; /* expired after the signature was made */
};

/*
 * Verify a clearsigned text.  Append its signed block, with escapes undone, to
 * `verified`; the signature covers no other bytes.  `fingerprint` has 40
 * hexadecimal digits, in upper or lower case.  `signature` may be NULL.
 * `verified` and `signature` are written only on success.
 */
int fetch_gpgv_verify_text(const char *keyring, const char *fingerprint,
			   struct bytes clearsigned, struct buf *verified,
			   struct fetch_signature *signature, struct err *err);

/*
 * Verify a detached signature over bytes that arrive in pieces: call start,
 * feed for each piece, finish, and free.  gpgv runs concurrently; feed blocks
 * while gpgv has not yet read earlier bytes.  Feed fails with gpgv's error as
 * soon as gpgv has exited, and with -ETIMEDOUT if gpgv has read nothing for two
 * minutes.
 */
struct fetch_gpgv_stream;
int fetch_gpgv_stream_start(struct fetch_gpgv_stream **out, const char *keyring,
			    const char *fingerprint, struct bytes signature,
			    struct err *err);
int fetch_gpgv_stream_feed(struct fetch_gpgv_stream *s, struct bytes in,
			   struct err *err);

/* End the input and return the verdict.  Call it once per stream. */
int fetch_gpgv_stream_finish(struct fetch_gpgv_stream *s,
			     struct fetch_signature *signature,
			     struct err *err);

/* Free a stream at any time, and kill a running gpgv.  Accepts NULL. */
void fetch_gpgv_stream_free(struct fetch_gpgv_stream *s);

/*
 * Check gpgv's status lines (GnuPG's doc/DETAILS) for exactly one good
 * signature by the key with the primary fingerprint `fingerprint`.
 *
 * Of each line, only the keyword and numeric fields are read; user names are
 * ignored.  `listing` is the keyring's listing and matters only for an expired
 * key; `wait_status` is the wait status of gpgv.  `out` is written only on
 * success.
 */
int fetch_gpgv_status_check(struct bytes lines, int wait_status,
			    const char *fingerprint, struct bytes listing,
			    struct fetch_signature *out, struct err *err);

/* Return true if the status lines report a signature by an expired key. */
bool fetch_gpgv_status_key_expired(struct bytes lines);

#endif

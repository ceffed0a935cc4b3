/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/key.h - Retrieval of public keys by fingerprint.
 *
 * A key is accepted from any source if gpg reports the requested fingerprint
 * for its primary key.  It is cached as DATA/keys/FINGERPRINT.gpg, a binary
 * keyring with only this key, which gpgv can read.
 *
 * A source is the URL of a file, binary or armored, in which "%s" stands for
 * the 40 hexadecimal digits of the fingerprint:
 *
 *	https://keyserver.example.org/pks/lookup?op=get&search=0x%s
 *
 * or "wkd:NAME@DOMAIN", which stands for the two URLs of a Web Key Directory.
 *
 * The program gpg reads the keys.  Each call of gpg has a temporary home
 * directory.  gpg reads no configuration, starts no agent, does not use the
 * network and does not prompt.  Its time and memory are limited.  Functions
 * that run gpg return -ENOPKG if it is not installed.  fetch/gpgv.h verifies
 * signatures.
 *
 * A listing is the output of `gpg --with-colons`, described in GnuPG's
 * doc/DETAILS.  User names are ignored.
 */
#ifndef FETCH_KEY_H
#define FETCH_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct fetch_options; /* fetch/download.h */

/* Maximum size of a file of keys, in bytes. */
#define FETCH_KEY_BYTES_MAX (8u << 20)

/* 40 upper-case hexadecimal digits and a NUL. */
#define FETCH_FINGERPRINT_SIZE 41

/* Return true if `text` is 40 hexadecimal digits, in either case. */
bool fetch_key_is_fingerprint(const char *text);

/*
 * Find the key `fingerprint` and store the path of its keyring in `keyring`,
 * which the caller frees.  The key is taken from the first of `files` that
 * contains it (which replaces the cached copy), else from the cache, else from
 * the first of `sources` that has it.  `files` and `sources` may be NULL.  A
 * key is rejected if it lacks a revocation that the cached copy contains.
 *
 * With `refresh`, the order is sources, then files, and the cache is not used.
 * Callers set it after -ENOKEY of fetch/gpgv.h, which means that the signature
 * was made by a subkey that the cached copy lacks.  On failure the cached copy
 * remains.
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
 * Append the listing of a file of keys, binary or armored, to `listing`.
 * Returns 0, or -EINVAL for any other file.
 */
int fetch_key_list(struct bytes file, struct buf *listing, struct err *err);
/*
 * Read the next key and remove it from the front of `listing`.  Returns false
 * at the end.
 */
bool fetch_key_next(struct bytes *listing, struct fetch_key *out);
/*
 * Return true if a key or subkey is revoked in `trusted` but not in `other`, a
 * listing of the same key from another source.
 */
bool fetch_key_lacks_revocation(struct bytes trusted, struct bytes other);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/gpg.h - OpenPGP keys, read by the program gpg.
 *
 * Each call runs gpg with a temporary home directory.  gpg reads no
 * configuration, starts no agent, does not use the network and does not prompt.
 * Its time and memory are limited.  Signatures are checked by fetch/gpgv.h.
 *
 * A listing is the output of `gpg --with-colons`, described in GnuPG's
 * doc/DETAILS.  User names are ignored.
 *
 * Functions that run gpg return -ENOPKG if it is not installed.
 */
#ifndef FETCH_GPG_H
#define FETCH_GPG_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append the listing of a file of keys, binary or armored, to `listing`.
 * Returns 0, or -EINVAL for any other file.
 */
int fetch_gpg_list(struct bytes file, struct buf *listing, struct err *err);

/*
 * Extract the key with the primary fingerprint `fingerprint` (40 upper-case
 * digits) from a file of public keys.  Appends a binary keyring to `key` and
 * the listing of the file to `listing`.  Returns 0; -ENOKEY if the file
 * contains only other keys; -EINVAL if it contains no key or a secret key.
 */
int fetch_gpg_extract(struct bytes file, const char *fingerprint,
		      struct buf *key, struct buf *listing, struct err *err);

/* 40 upper-case hexadecimal digits and a NUL. */
#define FETCH_FINGERPRINT_SIZE 41

struct fetch_gpg_key {
	char fingerprint[FETCH_FINGERPRINT_SIZE];
	bool primary; /* false: a subkey */
	bool secret;
	bool revoked;
	int64_t expires_s; /* seconds since 1970; 0: never */
};

/*
 * Read the next key and remove it from the front of `listing`.  Returns false
 * at the end.
 */
bool fetch_gpg_next(struct bytes *listing, struct fetch_gpg_key *out);

/*
 * Return true if a key or subkey is revoked in `trusted` but not in `other`, a
 * listing of the same key from another source.
 */
bool fetch_gpg_lacks_revocation(struct bytes trusted, struct bytes other);

#endif

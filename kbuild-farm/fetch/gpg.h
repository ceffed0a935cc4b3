/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/gpg.h - OpenPGP keys, as the program gpg reads them.
 *
 * Each call gives gpg a home of its own, which is removed again.  It reads no
 * configuration, starts no agent, asks no network and nobody at a terminal;
 * time and memory are limited.  No signature is checked here: gpgv does that.
 *
 * -ENOPKG: there is no gpg.
 *
 * A listing is what `gpg --with-colons` prints, described in GnuPG's
 * doc/DETAILS.  Names of users and the like are not read.
 */
#ifndef FETCH_GPG_H
#define FETCH_GPG_H

#include "base/buf.h"
#include "base/err.h"

/*
 * The listing of a file of keys, binary or armored,
 * appended to `listing`.  Returns 0, or -EINVAL for a file that is none.
 */
int fetch_gpg_list(struct bytes file, struct buf *listing, struct err *err);

/*
 * What a file of public keys holds of the key whose primary fingerprint is
 * `fingerprint` (40 upper-case digits), appended to `key` as a binary keyring
 * and to `listing`.  Returns 0; -ENOKEY when it holds other keys; -EINVAL when
 * it holds none or secret ones.
 */
int fetch_gpg_extract(struct bytes file, const char *fingerprint,
		      struct buf *key, struct buf *listing, struct err *err);

#define FETCH_FINGERPRINT 41 /* 40 upper-case hexadecimal digits and a NUL */

struct fetch_gpg_key {
	char fingerprint[FETCH_FINGERPRINT];
	bool is_primary; /* else a subkey */
	bool is_secret;
	bool is_revoked;
	int64_t expires; /* seconds since 1970; 0: never */
};

/* The next key, taken off the front of `listing`; false: no more. */
bool fetch_gpg_next(struct bytes *listing, struct fetch_gpg_key *out);

/*
 * Is a key or subkey revoked in `known`, and that is left out in `other`,
 * the listing of the same key from somewhere else?
 */
bool fetch_gpg_forgets(struct bytes known, struct bytes other);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/keylist.h - what gpg's listing says of keys.
 *
 * The lines are those of `gpg --with-colons`, described in GnuPG's
 * doc/DETAILS.  Names of users and the like are not read.
 */
#ifndef FETCH_KEYLIST_H
#define FETCH_KEYLIST_H

#include "base/bytes.h"

#define FETCH_FINGERPRINT 41 /* 40 upper-case hexadecimal digits and a NUL */

struct fetch_keylist_key {
	char fingerprint[FETCH_FINGERPRINT];
	bool is_primary; /* else a subkey */
	bool is_secret;
	bool is_revoked;
	int64_t expires; /* seconds since 1970; 0: never */
};

/* The next key, taken off the front of `listing`; false: no more. */
bool fetch_keylist_next(struct bytes *listing, struct fetch_keylist_key *out);

/*
 * Is a key or subkey revoked in `known`, and that is left out in `other`,
 * the listing of the same key from somewhere else?
 */
bool fetch_keylist_forgets(struct bytes known, struct bytes other);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/key.h - public keys by fingerprint: had from somewhere, kept here.
 *
 * A key is accepted from wherever it comes when gpg says that the fingerprint
 * of its primary key is the one that was asked for.  It is kept as
 * DATA/keys/FINGERPRINT.gpg, a binary keyring with nothing but this key, as
 * gpgv reads it.
 *
 * A source is the URL of a file, binary or armored; "%s" in it stands
 * for the 40 digits:
 *
 *	https://keyserver.example.org/pks/lookup?op=get&search=0x%s
 *
 * or "wkd:NAME@DOMAIN", the two addresses of a Web Key Directory.
 */
#ifndef FETCH_KEY_H
#define FETCH_KEY_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct fetch_options; /* fetch/http.h */

/* A file of keys that is larger than this is none. */
#define FETCH_KEY_MOST (8u << 20)

/* Are these 40 hexadecimal digits, in either case? */
bool fetch_key_is_fingerprint(const char *text);

/*
 * The keyring with the key `fingerprint`, its path in *keyring for the
 * caller to free: from the first of `files` that holds it (the kept copy is
 * then replaced), else the kept copy, else from the first of `sources` that
 * has it.  `files` and `sources` may be NULL.  A copy that leaves out a
 * revocation that the kept one has does not count.
 *
 * `anew`: from the sources first, then the files, and not the kept copy, for a
 * signature by a subkey that this one does not know yet (-ENOKEY of
 * fetch/gpgv.h).  When that fails the kept copy stays.
 *
 * Returns 0; -ENOKEY when none has it, with what each of them said; -EINVAL
 * for a fingerprint that is none; -ENOPKG when there is no gpg; another
 * negative errno when it cannot be kept.
 */
int fetch_key_get(const char *data_dir, const char *fingerprint,
		  const struct strv *files, const struct strv *sources,
		  const struct fetch_options *options, bool anew,
		  char **keyring, struct err *err);

/*
 * The URLs of a source, appended to `urls`: 0, or -EINVAL when it is none.
 */
int fetch_key_urls(const char *source, const char *fingerprint,
		   struct strv *urls, struct err *err);

#endif

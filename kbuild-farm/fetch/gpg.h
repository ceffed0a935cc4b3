/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/gpg.h - OpenPGP keys, as the program gpg reads them.
 *
 * Each call gives gpg a home of its own, which is removed again.  It reads no
 * configuration, starts no agent, asks no network and nobody at a terminal;
 * time and memory are limited.  No signature is checked here: gpgv does that.
 *
 * -ENOPKG: there is no gpg.
 */
#ifndef FETCH_GPG_H
#define FETCH_GPG_H

#include "base/buf.h"
#include "base/err.h"

/*
 * The listing (fetch/keylist.h) of a file of keys, binary or armored,
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

#endif

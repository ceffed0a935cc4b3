/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/status.h - what gpgv's status lines come to.
 *
 * The lines are described in GnuPG's doc/DETAILS.  Of each only the keyword
 * and fields of known form are read; names of users and the like are not.
 */
#ifndef FETCH_STATUS_H
#define FETCH_STATUS_H

#include "base/bytes.h"
#include "base/err.h"
#include "fetch/gpgv.h"

/*
 * Is this one good signature of the key with the primary fingerprint
 * `fingerprint`?  `listing` is what fetch/gpg.h lists of gpgv's keyring, and
 * counts for an expired key alone; `wait_status` is how gpgv ended.  `out` is
 * written only on success.  Returns what fetch/gpgv.h lists.
 */
int fetch_status_judge(struct bytes lines, int wait_status,
		       const char *fingerprint, struct bytes listing,
		       struct fetch_signature *out, struct err *err);

/* Do they tell of a signature by a key that has expired? */
bool fetch_status_is_late(struct bytes lines);

#endif

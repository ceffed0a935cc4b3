/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/gpgv.h - OpenPGP signatures, as the program gpgv judges them.
 *
 * A keyring is a binary file that holds one key (fetch/key.h makes it).  A
 * signature counts when gpgv ends well and its status lines name exactly one
 * signature, of the key whose primary fingerprint was asked for.  That
 * gpgv ends with 0 says too little: it does so for keys that have expired
 * or were revoked, and for whatever key the file holds.
 *
 * An expired key's signature counts if it was made before the key expired
 * (struct fetch_signature says so); whoever has such a key can of course
 * date a signature back, which is why it is named wherever it is listed.
 *
 * All functions here return one of these, `err` saying what to do:
 *
 *	-ENOKEY        signed by a key that the keyring does not hold
 *	-EKEYREVOKED   the key was revoked
 *	-EKEYEXPIRED   made after the key expired, or the signature expired
 *	-EKEYREJECTED  anything else that is no good signature: the bytes are
 *	               not those that were signed, none or several
 *	               signatures, another key
 *	-ENOPKG        there is no gpgv, or no gpg to ask of an expired key;
 *	               or another negative errno, but not -ENOENT
 */
#ifndef FETCH_GPGV_H
#define FETCH_GPGV_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "fetch/gpg.h"

#include <stdbool.h>
#include <stdint.h>

/* More bytes than this are no text that is signed. */
#define FETCH_TEXT_MOST (8u << 20)

struct fetch_signature {
	char fingerprint[FETCH_FINGERPRINT]; /* of the primary key */
	char key[FETCH_FINGERPRINT]; /* that signed: primary or subkey */
	int64_t made; /* seconds since 1970 */
	bool key_expired; /* since then */
};

/*
 * The bytes that a clearsigned text's signature covers, appended to
 * `verified`: nothing of what stands around the signed block, escapes
 * undone.  `fingerprint` has 40 digits in either case.  `signature` may be
 * NULL.  Nothing is written to either on failure.
 */
int fetch_gpgv_text(const char *keyring, const char *fingerprint,
		    struct bytes clearsigned, struct buf *verified,
		    struct fetch_signature *signature, struct err *err);

/*
 * A detached signature over bytes that come piece by piece: start, feed
 * until all are there, end, free.  gpgv works beside the caller; a feed
 * waits when it is slower.  A feed fails as soon as gpgv has ended (with
 * the reason), or took nothing for two minutes (-ETIMEDOUT).
 */
struct fetch_gpgv_stream;

int fetch_gpgv_start(struct fetch_gpgv_stream **out, const char *keyring,
		     const char *fingerprint, struct bytes signature,
		     struct err *err);
int fetch_gpgv_feed(struct fetch_gpgv_stream *s, struct bytes in,
		    struct err *err);
/* There is no more: what does it say?  Once per stream. */
int fetch_gpgv_end(struct fetch_gpgv_stream *s,
		   struct fetch_signature *signature, struct err *err);
/* At any time; a gpgv that still runs is ended.  NULL is fine. */
void fetch_gpgv_free(struct fetch_gpgv_stream *s);

#endif

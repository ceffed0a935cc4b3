/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/gpgv.h - Verification of OpenPGP signatures by gpgv.
 *
 * A keyring is a binary file with one key (fetch/key.h creates it).  A
 * signature is accepted if gpgv succeeds and its status lines report exactly
 * one signature by the key with the requested primary fingerprint.  Exit
 * status 0 of gpgv is not sufficient: gpgv also returns it for expired and
 * revoked keys, and for any key in the file.
 *
 * A signature by an expired key is accepted if it was made before the key
 * expired.  The owner of such a key can backdate a signature, so callers show
 * fetch_signature.key_expired wherever they list the signature.
 *
 * On failure, functions return one of these errors or another negative errno,
 * but never -ENOENT, with `err` stating what to do:
 *
 *	-ENOKEY        the keyring does not contain the signing key
 *	-EKEYREVOKED   the key was revoked
 *	-EKEYEXPIRED   the signature was made after the key expired, or the
 *	               signature itself has expired
 *	-EKEYREJECTED  any other invalid signature: the bytes differ from the
 *	               signed ones, no or several signatures, another key
 *	-ENOPKG        gpgv is not installed, or a key has expired and gpg is
 *	               not installed
 */
#ifndef FETCH_GPGV_H
#define FETCH_GPGV_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "fetch/key.h"

#include <stdbool.h>
#include <stdint.h>

struct fetch_gpgv_stream;

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
 * ignored.  `listing` is the output of fetch_key_list() for the keyring and
 * matters only for an expired key; `wait_status` is the wait status of gpgv.
 * `out` is written only on success.
 */
int fetch_gpgv_status_check(struct bytes lines, int wait_status,
			    const char *fingerprint, struct bytes listing,
			    struct fetch_signature *out, struct err *err);

/* Return true if the status lines report a signature by an expired key. */
bool fetch_gpgv_status_key_expired(struct bytes lines);

#endif

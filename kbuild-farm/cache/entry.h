/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/entry.h - A signed result on a server.
 *
 * A server has at most one entry for each key and signer.  The address of the
 * entry is the SHA-256 of
 *
 *	bytes	"kfarm cache name\0"
 *	bytes	the key (cache/key.h)
 *	bytes	the fingerprint of the signer
 *
 * Because the fingerprint is part of the address, users do not overwrite each
 * other's entries.  An entry is an ActionResult (cache/action-result.h) with
 * this metadata:
 *
 *	u8	version of this format
 *	bytes	public key of the signer (TLS_KEY_PUBLIC_SIZE)
 *	bytes	signature (TLS_KEY_SIGNATURE_SIZE)
 *	bytes	the record (cache/record.h)
 *
 * The signature covers
 *
 *	bytes	"kfarm cache entry\0"
 *	u8	version
 *	bytes	the key
 *	bytes	the record, which has the digests and sizes of all blobs
 *
 * A server can therefore withhold results, but it cannot change or exchange
 * them.  Each blob is an item in the server's CAS.  The ActionResult names the
 * blob as a file with a path such as "object", because a server can delete or
 * reject items that no result names.  The path of a compressed output ends with
 * ".zst".
 *
 * The signing key is also the key with which the build host authenticates to
 * nodes.  This is safe: the signature of an entry is never valid in TLS 1.3,
 * where the signed message begins with 64 spaces.
 */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "cache/action-result.h"
#include "cache/record.h"

struct tls_key;

/* Maximum size of an encoded ActionResult. */
#define CACHE_ENTRY_MAX (1u << 20)

struct cache_entry {
	struct cache_blob blobs[WIRE_N_OUTPUTS]; /* see cache/record.h */
	struct buf action_result; /* set by cache_entry_encode() */
	/* set by cache_entry_decode(), without the outputs that are blobs */
	struct peer_job_result result;
};

void cache_entry_release(struct cache_entry *e);
/* Encode and sign a result.  Returns 0 or a negative errno with `err` set. */
int cache_entry_encode(struct cache_entry *out, const struct digest *key,
		       const struct peer_job_result *result,
		       const struct tls_key *signer, struct err *err);
/* Compute the address of an entry. */
void cache_entry_address(struct digest *out, const struct digest *key,
			 const struct digest *signer);
/*
 * Decode the ActionResult that a server has for `key`.  Returns 0; -ENOMSG if
 * the result is not kfarm's; or -EBADMSG if the entry is damaged or forged, or
 * has another signer.
 */
int cache_entry_decode(struct cache_entry *out, const struct digest *key,
		       struct bytes action_result, const struct digest *signer);
/*
 * Verify the content of the blob of output `i`, and add the output to
 * e->result.  Returns 0 or -EBADMSG.
 */
int cache_entry_add_output(struct cache_entry *e, int i, struct bytes content);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/entry.h - A signed result on a server.
 *
 * The entry of a key is an ActionResult (cache/action-result.h).  Its metadata:
 *
 *	u8	version of this format
 *	bytes	public key of the signer (TLS_KEY_PUBLIC_SIZE)
 *	bytes	signature (TLS_KEY_SIGNATURE_SIZE)
 *	u32	size of the record
 *	bytes	the record (cache/record.h), compressed with zstd
 *
 * Each output that is not part of the record is a file of the ActionResult,
 *with a path such as "object", and an item in the server's CAS.  If the path
 *ends with ".zst", the item is compressed.  The signature covers
 *
 *	bytes	"kfarm cache entry\0"
 *	u8	version
 *	bytes	the key
 *	u32	exit code
 *	u32	number of files, for each: u32 length and the path; its digest;
 *		u32 size
 *	bytes	the metadata after the signature
 *
 * A server thus can withhold results, but cannot change or exchange them.  The
 * key also authenticates the build host to nodes; a signature of TLS 1.3 covers
 * a message that begins with 64 spaces.
 */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "cache/action-result.h"
#include "peer/sandbox.h"

struct tls_key;

/* Maximum size of an encoded ActionResult. */
#define CACHE_ENTRY_MAX (1u << 20)

/* An item in the CAS, with one output. */
struct cache_entry_item {
	enum wire_output output;
	bool compressed;
	struct digest digest; /* of the item */
	uint64_t size_bytes;
	struct digest output_digest;
	/* set by cache_entry_encode() */
	struct buf content;
};

struct cache_entry {
	struct cache_entry_item items[WIRE_N_OUTPUTS];
	size_t n_items;
	struct buf action_result; /* set by cache_entry_encode() */
	/*
	 * Set by cache_entry_decode(): the result without the outputs of the
	 * items, and the fingerprint of the signer.
	 */
	struct peer_job_result result;
	struct digest signer;
};

void cache_entry_release(struct cache_entry *e);
/* Encode and sign a result.  Returns 0 or a negative errno with `err` set. */
int cache_entry_encode(struct cache_entry *out, const struct digest *key,
		       const struct peer_job_result *result,
		       const struct tls_key *signer, struct err *err);
/*
 * Decode the ActionResult that a server has for `key`.  Returns 0; -ENOMSG if
 * the result is not kfarm's; -EKEYREJECTED if the signer is not among the
 * `trust`; or -EBADMSG if the entry is damaged or forged.
 */
int cache_entry_decode(struct cache_entry *out, const struct digest *key,
		       struct bytes action_result, const struct digest *trust,
		       size_t n_trust);
/*
 * Verify the content of an item, and add the output to e->result.  Returns 0 or
 * -EBADMSG.
 */
int cache_entry_add_item(struct cache_entry *e,
			 const struct cache_entry_item *item,
			 struct bytes content);

#endif

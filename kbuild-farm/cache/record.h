/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/record.h - A result as bytes, without its large outputs.
 *
 *	u8	version of this format
 *	u8	number of side outputs
 *	u32	CPU time in ms, u32 duration in ms, u32 peak memory in KiB
 *	for each of the WIRE_N_OUTPUTS outputs:
 *	u32	size in bytes
 *	bytes	the output; if it is longer than the limit, its digest
 *
 * Numbers are little-endian.
 */
#ifndef CACHE_RECORD_H
#define CACHE_RECORD_H

#include "peer/sandbox.h"

/* Maximum size of an output in the record of the local and a remote cache. */
#define CACHE_RECORD_INLINE_MAX        4096u
#define CACHE_RECORD_REMOTE_INLINE_MAX (64u << 10)

/*
 * Return true if a record with the limit `inline_max` has only the digest of
 * the output.
 */
bool cache_record_is_blob(enum wire_output i, uint32_t size,
			  uint32_t inline_max);
/*
 * Append the record of a result to `out`, and set `blobs` to the digests of the
 * outputs that are not part of it.
 */
void cache_record_encode(struct buf *out, const struct peer_job_result *result,
			 uint32_t inline_max,
			 struct digest blobs[static WIRE_N_OUTPUTS]);
/*
 * Decode a record: set sizes and times, the outputs that are part of it, and
 * the digests of the others, whose sizes are at most wire_output_max().
 * Returns 0 or -EBADMSG.  The caller releases `out` in any case.
 */
int cache_record_decode(struct bytes record, uint32_t inline_max,
			struct peer_job_result *out,
			struct digest blobs[static WIRE_N_OUTPUTS]);

#endif

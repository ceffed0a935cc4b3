/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/record.h - A result as bytes, without its large outputs.
 *
 *	u8	version of this format
 *	u32	size of the following bytes before their compression
 *	bytes	compressed with zstd:
 *
 *	u8	number of side outputs
 *	u32	CPU time in ms
 *	u32	duration in ms
 *	u32	peak memory in KiB
 *	for each of the WIRE_N_OUTPUTS outputs:
 *	u32	size in bytes
 *	bytes	the output, or the digest of its blob and the size of the blob
 *		(u32)
 *
 * Numbers are little-endian.  A blob contains one large output.  The local
 * cache or a server stores the blob under its digest.  A blob that is smaller
 * than its output is compressed with zstd.
 *
 * At level 1, zstd compresses arm64 objects without debug information to 36 %
 * of their size, and objects with DWARF 5 to 32 %.  For an object of 15 KiB,
 * compression takes 0.06 ms, and decompression in a lookup takes 0.03 ms.  For
 * an object of 400 KiB with DWARF 5, the times are 1.1 ms and 0.4 ms.
 */
#ifndef CACHE_RECORD_H
#define CACHE_RECORD_H

#include "base/digest.h"
#include "peer/sandbox.h"

/* An output that is not part of the record. */
struct cache_blob {
	struct digest digest; /* of the content; unset: there is no blob */
	uint32_t size_bytes;
	struct buf content; /* set by cache_record_encode() */
};

/*
 * Append the record of a result to `out`.  Outputs that are too large for the
 * record are stored in `blobs`.  The caller releases the blobs.
 */
void cache_record_encode(struct buf *out, const struct peer_job_result *result,
			 struct cache_blob blobs[static WIRE_N_OUTPUTS]);
/*
 * Decode a record: set sizes and times, the outputs that the record contains,
 * and the digests and sizes of the blobs.  Output sizes are at most
 * wire_output_max().  Returns 0 or -EBADMSG.  The caller releases `out` in any
 * case.
 */
int cache_record_decode(struct bytes record, struct peer_job_result *out,
			struct cache_blob blobs[static WIRE_N_OUTPUTS]);
/*
 * Add the output `i` to the result, whose record has been decoded.  The caller
 * has verified the content of its blob.  Returns 0 or -EBADMSG.
 */
int cache_record_add_output(struct peer_job_result *result, int i,
			    struct bytes content);
void cache_record_release_blobs(struct cache_blob blobs[static WIRE_N_OUTPUTS]);

#endif

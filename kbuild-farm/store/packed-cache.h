/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/packed-cache.h - Cache of blobs in compressed form, ready to send.
 *
 * A function of the caller defines the compressed form: it packs a blob piece
 * by piece, at most STORE_PIECE_MAX bytes at a time.  One thread packs the
 * pieces of a blob in order.  No thread packs the blob again while it remains
 * in the cache.
 *
 * A blob from store_packed_cache_get() does not change or move until it is put
 * back, so a thread can send it while other threads add blobs.
 */
#ifndef STORE_PACKED_CACHE_H
#define STORE_PACKED_CACHE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define STORE_PIECE_MAX (256u << 10)

/*
 * Append the packed form of `piece` to `out`, which is empty.  The piece starts
 * at `offset` of the blob `d`, which has `size` bytes.  An empty blob has one
 * empty piece.  Called on the requesting thread without a lock.  Returns 0 or a
 * negative errno.
 */
typedef int (*store_pack_fn)(void *arg, const struct digest *d, uint64_t size,
			     uint64_t offset, struct bytes piece,
			     struct buf *out);

struct store_packed_cache;

/* A packed blob; read-only. */
struct store_packed_blob {
	struct digest digest;
	uint64_t raw_bytes; /* size before packing */
	size_t packed_bytes; /* bytes of all pieces */
	size_t n_pieces; /* at least 1 */
	struct bytes *pieces;
};

/*
 * Create a cache of at most `limit` bytes.  Blobs that all users have put back
 * take at most `idle_limit` of these bytes.  `pack` is called with `arg`.
 */
struct store_packed_cache *store_packed_cache_new(size_t limit,
						  size_t idle_limit,
						  store_pack_fn pack,
						  void *arg);
/* Free the cache after all blobs were put back.  `p` can be NULL. */
void store_packed_cache_free(struct store_packed_cache *p);

/*
 * Get a blob from the cache.  If the cache lacks the blob, pack and verify the
 * file at `path`.  If another thread is packing the blob, wait for that thread.
 *
 * Returns 0 with *out, which the caller puts back; -ESTALE if the file has
 * changed; -ENOBUFS if blobs in use fill the cache; -EFBIG if the packed blob
 * exceeds half of the limit; or an error of the file or of `pack`.  `err` names
 * the file.
 */
int store_packed_cache_get(struct store_packed_cache *p, const struct digest *d,
			   uint64_t size, const char *path,
			   const struct store_packed_blob **out,
			   struct err *err);
/* Put back a blob, which may be NULL. */
void store_packed_cache_put(struct store_packed_cache *p,
			    const struct store_packed_blob *blob);

struct store_packed_cache_stats {
	/*
	 * memory_bytes counts all blobs; in_use_bytes counts only blobs that
	 * have users or are being packed
	 */
	size_t n_blobs, memory_bytes, in_use_bytes;
	uint64_t n_packed, raw_bytes, packed_bytes;
	uint64_t n_reused, n_dropped;
};

void store_packed_cache_stats(struct store_packed_cache *p,
			      struct store_packed_cache_stats *out);

#endif

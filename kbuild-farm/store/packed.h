/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/packed.h - blobs in the form in which they are sent, made once.
 *
 * What the form is, the caller says with a function: it gets a piece of a
 * blob, at most STORE_PIECE_MAX bytes, and writes what shall be kept of it.
 * The pieces of a blob are made in order, by one thread, once, however many
 * threads ask; and not again as long as memory allows.
 *
 * What store_packed_file() returns does not change or move until
 * it is put back, so one thread may send it while others add.
 */
#ifndef STORE_PACKED_H
#define STORE_PACKED_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define STORE_PIECE_MAX (256u << 10)

/*
 * Append the form of the piece of blob `d`, `size` bytes long, that begins at
 * `offset`.  Called on the thread that asked, without a lock; `out` is empty.
 * An empty blob has one piece, which is empty.  0 or a negative errno.
 */
typedef int (*store_pack_fn)(void *arg, const struct digest *d, uint64_t size,
			     uint64_t offset, struct bytes piece,
			     struct buf *out);

struct store_packed;

/* A blob that was packed; read only. */
struct store_packed_blob {
	struct digest digest;
	uint64_t size; /* unpacked */
	size_t packed; /* bytes of all pieces */
	size_t n; /* at least 1 */
	struct bytes *piece;
};

/*
 * Keeps at most `limit` bytes, and of what was put back by all who had it
 * `idle_limit`; `pack` is called with `arg`.
 */
struct store_packed *store_packed_new(size_t limit, size_t idle_limit,
				      store_pack_fn pack, void *arg);
/* Everything must have been put back.  NULL is fine. */
void store_packed_free(struct store_packed *p);

/*
 * The blob, from memory or from the file at `path`, which is hashed while it
 * is packed.  When another thread is at it, waits for that thread.
 *
 * Returns 0 and *out, to be put back; -ESTALE: the file is something else by
 * now; -ENOBUFS: all memory is taken by blobs that were not put back yet;
 * -EFBIG: packed, it is more than half of the limit; an error of the file or
 * of the packing function.  `err` names the file.
 */
int store_packed_file(struct store_packed *p, const struct digest *d,
		      uint64_t size, const char *path,
		      const struct store_packed_blob **out, struct err *err);
/* NULL is fine. */
void store_packed_put(struct store_packed *p,
		      const struct store_packed_blob *blob);

struct store_packed_stats {
	size_t blobs, memory, in_use; /* bytes in all, bytes not put back */
	uint64_t made, raw_bytes, packed_bytes;
	uint64_t reused, dropped;
};

void store_packed_stats(struct store_packed *p, struct store_packed_stats *out);

#endif

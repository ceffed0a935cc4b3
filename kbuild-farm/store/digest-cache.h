/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/digest-cache.h - Cache of file digests on the build host, keyed by
 * file stamp.
 *
 * A lookup needs one stat(2).  Racily clean files (base/file-stamp.h) are not
 * cached.  All functions are thread-safe.  A full cache evicts the least
 * recently used file.
 */
#ifndef STORE_DIGEST_CACHE_H
#define STORE_DIGEST_CACHE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/file-stamp.h"

struct store_file_digest {
	struct file_stamp stamp;
	struct digest digest;
	bool executable; /* the owner has the permission to execute the file */
	bool reliable; /* a change of the content changes the stamp */
};

struct store_digest_cache;

/*
 * Create a cache of at most `max` files; each entry takes less than 200 bytes.
 */
struct store_digest_cache *store_digest_cache_new(size_t max);
/* Free the cache. */
void store_digest_cache_free(struct store_digest_cache *cache);

/*
 * Return the digest of the file at `path`, following symbolic links.  The file
 * is read if its digest is not cached.
 *
 * Returns 0; -EAGAIN if the file changes continuously; -EISDIR if `path` is a
 * directory; -EINVAL if it is a FIFO, socket or device; or another negative
 * errno.  `err` names the file.
 */
int store_digest_cache_get(struct store_digest_cache *cache, const char *path,
			   struct store_file_digest *out, struct err *err);
/*
 * Look up the digest of the file that has this stamp, for a caller that has
 * already called stat(2).  Returns false if the digest is not cached.  Does not
 * access the file.
 */
bool store_digest_cache_find(struct store_digest_cache *cache,
			     const struct file_stamp *stamp,
			     struct store_file_digest *out);

/*
 * Load the digests that store_digest_cache_save() wrote to `path`.  Skips a
 * file whose ctime has no fraction of a second, because a stamp with this ctime
 * does not identify a file reliably.  Ignores `path` if it is missing, damaged
 * or owned by another user.
 */
void store_digest_cache_load(struct store_digest_cache *cache,
			     const char *path);
/*
 * Write the digests to `path`, whose directory is created if necessary.  Does
 * nothing if no file was read since the cache was loaded or saved.  Errors are
 * ignored, because the next process can read the files again.
 */
void store_digest_cache_save(struct store_digest_cache *cache,
			     const char *path);

struct store_digest_cache_stats {
	size_t n_files;
	uint64_t n_read, n_reused; /* files read, and cached digests returned */
};

void store_digest_cache_stats(struct store_digest_cache *cache,
			      struct store_digest_cache_stats *out);

#endif

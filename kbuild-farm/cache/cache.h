/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/cache.h - The result cache: results of earlier compiles, by key.
 *
 * A result is a record of the store (store/store.h) under its key
 * (cache/key.h).  It contains the small outputs of the compile and the digests
 * of the blobs with its large outputs, so equal objects exist only once.
 * Records and blobs are compressed (cache/record.h).  Only verified results
 * with exit status 0 are cached.  Every read is verified; a result that is
 * damaged, truncated or incomplete counts as missing and is removed.
 *
 * Several builds can use one cache concurrently.  All functions are
 * thread-safe.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/str.h"
#include "cache/record.h"
#include "store/store.h"

struct cache;

/* A cache on a server (cache/remote.h). */
struct cache_remote_setup {
	const char *url; /* NULL: no server */
	bool write; /* upload results */
	/* limit of a lookup; 0: see cache_remote_look_up() */
	uint64_t timeout_ms;
	const char *ca_file; /* NULL: the system's authorities */
	/* client certificate and its key; NULL: none */
	const char *certificate, *certificate_key;
	const char *header_file; /* file with header lines, or NULL */
	struct strv trust; /* fingerprints of other users' keys */
};

struct cache_setup {
	const char *dir; /* NULL: cache_default_dir() */
	uint64_t size_bytes; /* limit of the disk space; 0: 10 GiB */
	/* ignore existing results but store new results (--recache) */
	bool write_only;
	struct cache_remote_setup remote;
};

#define CACHE_SIZE_DEFAULT (UINT64_C(10) << 30)

/* Return the directory "results" in fs_cache_home(); the caller frees it. */
char *cache_default_dir(void);
/*
 * Open the cache.  Returns 0, or a negative errno with `err` naming the
 * directory and the remedy.
 */
int cache_open(struct cache **out, const struct cache_setup *setup,
	       struct err *err);
void cache_free(struct cache *c); /* `c` can be NULL */

/*
 * Look up the result of a compile.  On success, `out` has the verified outputs,
 * the number of side outputs, and the times and the peak memory of the original
 * compile.  The digests in `out` are unset.  The caller releases `out`.
 * Returns 0; -ENOENT if no result is found; -EBADMSG if the result was damaged
 * and has been removed; or another negative errno.  `out` is zeroed on failure.
 */
int cache_find(struct cache *c, const struct digest *key,
	       struct peer_job_result *out);
/*
 * Store a verified result.  Returns 0; -EFBIG if the result is larger than the
 * cache; -ECANCELED if writing is disabled; or another negative errno with
 * `err` set.  The first error other than -EFBIG, such as a full disk, disables
 * writing.
 */
int cache_add(struct cache *c, const struct digest *key,
	      const struct peer_job_result *result, struct err *err);

/*
 * Read the blob of output `i` from the cache's store, and add the output to a
 * result whose record has been decoded.  Returns 0; -ENOENT; -EBADMSG if the
 * blob was damaged; or another negative errno.
 */
int cache_read_output(struct store *s, const struct cache_blob *blob, int i,
		      struct peer_job_result *out);

/* Return true if existing results are used. */
bool cache_is_read(const struct cache *c);

/* Return the cache's store, borrowed, for statistics and garbage collection. */
struct store *cache_store(const struct cache *c);

#endif

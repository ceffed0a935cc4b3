/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/catalog.h - Catalog of the compilers that servers offer.
 *
 * No version is built in: the catalog consists of the archives in the
 * directory listings.  Names that do not match toolchain/archive.h are
 * ignored.  An archive that exists as .xz and as .gz is listed once, as .xz.
 * Several listings are fetched concurrently, each from the first mirror that
 * responds.
 *
 * The catalog is cached as JSON in one file, together with the time of the
 * listings.  The cache is valid for a day, and longer if no server responds.
 * Names in the cache are validated like names in the listings.
 */
#ifndef TOOLCHAIN_CATALOG_H
#define TOOLCHAIN_CATALOG_H

#include "base/str.h"
#include "fetch/download.h"
#include "toolchain/archive.h"

#include <stdint.h>

/* Maximum number of archives in a catalog. */
#define TOOLCHAIN_CATALOG_ARCHIVES_MAX 65536
/* Maximum number of versions per host.  Older versions are not queried. */
#define TOOLCHAIN_CATALOG_VERSIONS_MAX 256
/* Maximum age of the cache, in seconds. */
#define TOOLCHAIN_CATALOG_MAX_AGE_S 86400

struct toolchain_catalog {
	/* Sorted: gcc before clang, newest first, then by host and triplet. */
	struct toolchain_archive *archives;
	size_t n_archives;
	int64_t fetched_s; /* time of the listings, seconds since 1970 */
	char *refresh_error; /* why the cache is outdated, or NULL */
	struct strv failed_dirs; /* directories that could not be listed */
	struct strv warnings; /* lines about failures; not cached */
};

struct toolchain_catalog_setup {
	const char *cache_path; /* its directory is created if necessary */
	const struct strv *mirrors; /* at least one mirror */
	const struct fetch_options *fetch;
	bool refresh; /* query the servers even if the cache is valid */
	bool for_clang; /* prefer errors about clang to those about gcc */
	/*
	 * Called on the calling thread several times a second while servers
	 * are queried.  `done` and `total` count directories; `total` grows as
	 * subdirectories are found.  May be NULL.
	 */
	void (*on_progress)(void *ctx, unsigned done, unsigned total);
	void *ctx;
};

/*
 * Load the catalog.  The cache is used if it is complete, comes from the same
 * mirrors and is less than a day old, unless `refresh` is set.  Otherwise the
 * servers are queried.  A directory that no mirror has counts as empty.  If a
 * directory cannot be listed for another reason, its cached content is used.
 * If all servers fail, the cache is used and `refresh_error` states the reason.
 * Blocks.  The caller releases `out`, also after a failure.
 *
 * Returns 0; -ECANCELED if setup->fetch->cancelled is set; or another negative
 * errno with `err` naming the URL if all servers fail and no cache exists.
 */
int toolchain_catalog_load(struct toolchain_catalog *out,
			   const struct toolchain_catalog_setup *setup,
			   struct err *err);
void toolchain_catalog_release(struct toolchain_catalog *c);

/* Return the default path ~/.cache/kfarm/catalog.  The caller frees it. */
char *toolchain_catalog_default_path(void);

/*
 * Decode or encode the text of the cache.  The caller frees the encoded text.
 * `mirrors` are the mirrors of the catalog; decoding sets them unless `mirrors`
 * is NULL.  Decoding ignores invalid archive names.  It returns 0, or -EINVAL
 * for a text that is not a catalog.
 */
int toolchain_catalog_decode(struct toolchain_catalog *out, struct bytes text,
			     struct strv *mirrors, struct err *err);
char *toolchain_catalog_encode(const struct toolchain_catalog *c,
			       const struct strv *mirrors);

/*
 * Find the newest archive for `host` that matches `wanted` and one of
 * `triplets`.  If several archives of the newest release match, the earliest
 * element of `triplets` has precedence.  If `triplets` is NULL, any triplet
 * matches.  For clang, `triplets` is ignored.
 *
 * Returns 0 with `out` borrowed from `c`; -ENOENT with `err` naming
 * alternatives: similar versions, triplets or hosts.
 */
int toolchain_catalog_find(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host,
			   const struct toolchain_archive **out,
			   struct err *err);

#endif

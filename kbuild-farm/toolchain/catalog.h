/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/catalog.h - which compilers the servers offer.
 *
 * Nothing about versions is built in: the catalog is what the directory
 * listings say.  Names that are none of toolchain/archive.h are passed over.
 * An archive that is there as .xz and as .gz is listed once, as .xz.  Each
 * listing is asked of the mirrors in turn, several at once.
 *
 * The result is kept as JSON in one file, with the time; it is believed for a
 * day, and longer when no server answers.  What is read back is checked as
 * the servers' own names are.
 */
#ifndef TOOLCHAIN_CATALOG_H
#define TOOLCHAIN_CATALOG_H

#include "base/str.h"
#include "fetch/http.h"
#include "toolchain/archive.h"

#include <stdint.h>

/* A catalog of more archives than this is none. */
#define TOOLCHAIN_CATALOG_MAX 65536
/* More versions for one host are not asked for: the newest count. */
#define TOOLCHAIN_VERSIONS_MAX 256
/* Older than this it is asked for again; seconds. */
#define TOOLCHAIN_CATALOG_DAY 86400

struct toolchain_catalog {
	/* gcc before clang, the newest first, then by host and triplet. */
	struct toolchain_archive *v;
	size_t n;
	int64_t fetched; /* when, in seconds since 1970 */
	char *stale; /* why it could not be asked for again; else NULL */
	struct strv failed; /* directories whose listing could not be had */
	struct strv warnings; /* why, a line each; not kept in the cache */
};

struct toolchain_catalog_setup {
	const char *file; /* the cache; its directory is made */
	const struct strv *mirrors; /* at least one */
	const struct fetch_options *fetch;
	bool refresh; /* ask the servers, however new the cache is */
	bool clang; /* it is asked for the sake of a clang, not of a gcc */
	/*
	 * Called from the calling thread while servers are asked, some times a
	 * second; `total` grows as directories are found.  May be NULL.
	 */
	void (*progress)(void *ctx, unsigned done, unsigned total);
	void *ctx;
};

/*
 * Get the catalog: from the cache if that is of the last day, of these mirrors
 * and whole, else from the servers.  A directory that all mirrors lack is
 * empty; of one that cannot be listed otherwise what the cache had is kept;
 * when all fail the cache is used, and `stale` says why.  Blocks; release `out`
 * in any case.
 *
 * Returns 0; -ECANCELED when setup->fetch->cancel was set; another negative
 * errno with `err` naming the URL when there is no cache either.
 */
int toolchain_catalog_load(struct toolchain_catalog *out,
			   const struct toolchain_catalog_setup *setup,
			   struct err *err);
void toolchain_catalog_release(struct toolchain_catalog *c);

/* Add the archive that `path` names, if it does; the order is not kept. */
void toolchain_catalog_add(struct toolchain_catalog *c, const char *path);
/* Sort it and drop what is there twice. */
void toolchain_catalog_sort(struct toolchain_catalog *c);

/* The cache's file: ~/.cache/kfarm/catalog; the caller frees it. */
char *toolchain_catalog_file(void);

/*
 * Read and write the cache's text.  `mirrors` (may be NULL) receives what the
 * catalog was made of.  -EINVAL for a text that is no catalog; archives in it
 * that do not look like ones are passed over.
 */
int toolchain_catalog_decode(struct toolchain_catalog *out, struct bytes text,
			     struct strv *mirrors, struct err *err);
char *toolchain_catalog_encode(const struct toolchain_catalog *c,
			       const struct strv *mirrors);

/*
 * The newest archive for `host` that fits `wanted` and is for one of
 * `triplets` (of one release the first of these counts; NULL: any, and for
 * clang it is not looked at).
 *
 * Returns 0 with *out borrowed from `c`; -ENOENT with `err` naming what there
 * is instead: near versions, triplets or hosts.
 */
int toolchain_catalog_find(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host,
			   const struct toolchain_archive **out,
			   struct err *err);

#endif

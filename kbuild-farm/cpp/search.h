/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/search.h - Include directories in search order.
 */
#ifndef CPP_SEARCH_H
#define CPP_SEARCH_H

#include "cpp/stat-cache.h"

struct cpp_search_dir {
	struct cpp_dir *dir;
	bool system;
};

/* A search path.  <x.h> is searched from `bracket_start` on. */
struct cpp_search_path {
	struct cpp_search_path *next;
	uint32_t id;
	uint32_t n_dirs, bracket_start;
	bool canonical_system; /* gcc's -fcanonical-system-headers */
	struct cpp_search_dir dirs[];
};

/* One directory of a command line. */
struct cpp_dir_option {
	const char *path;
	int kind; /* enum cpp_dir_kind */
};

struct cpp_search;

/* Create a cache of search paths and results.  `tree` must outlive it. */
struct cpp_search *cpp_search_new(struct cpp_stat_cache *tree);
void cpp_search_free(struct cpp_search *s);
/* Return the allocated bytes. */
size_t cpp_search_memory(const struct cpp_search *s);

/*
 * Return the search path of `n` directories in order of the command line,
 * without directories that do not exist and without those that gcc or clang
 * drops as duplicates.  `shorten` becomes the canonical_system of the path.
 * Equal calls return the same pointer, owned by `s`.
 */
const struct cpp_search_path *cpp_search_make_path(
	struct cpp_search *s, const struct cpp_dir_option *want, size_t n,
	bool clang, bool shorten);

/* Values of dir_index for headers outside of the search path. */
enum {
	CPP_AT_CURRENT = -1, /* in the directory of the including file */
	CPP_AT_ABSOLUTE = -2,
};

struct cpp_found_header {
	struct cpp_found_header *next;
	uint32_t name, start;
	uint32_t unit; /* the result is valid for this unit only */
	struct cpp_cached_file *file; /* NULL: not found */
	int dir_index; /* index in the search path */
	bool system;
};

/*
 * Return the cached result of a search for `name` from directory `start` on.
 * If the `unit` of the result is not the current unit, the caller must search
 * and fill in the result.
 */
struct cpp_found_header *cpp_search_cached(struct cpp_search *s, uint32_t name,
					   uint32_t start);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/include.h - Header lookup and entry of included files.
 *
 * cpp_pch_*() look for precompiled headers that the compiler would use and make
 * the unit not scannable if one exists.
 *
 * cpp_clang_name_*() compute the names that clang gives files in __FILE__.
 * clang's FileManager remembers the name under which a directory was first
 * looked up, even if no file was found there.  It resolves #include "..." in
 * the files of this directory by that name.  A file, in contrast, has the name
 * of its last lookup.  Names with equal device and inode denote one file.  All
 * of this was measured with clang 14.  These functions have an effect only in
 * full preprocessing for clang.
 */
#ifndef CPP_INCLUDE_H
#define CPP_INCLUDE_H

#include "cpp/worker.h"

/* Register the search path and the source at the start of a unit. */
void cpp_clang_name_begin(struct cpp_walk *walk,
			  struct cpp_cached_file *source);
/* Register a file found by its path; `dotted` if "./" precedes the path. */
void cpp_clang_name_add_file(struct cpp_walk *walk, struct cpp_cached_file *n,
			     bool dotted);
/*
 * Return the directory, as clang names it, that is searched first for an
 * #include "x.h" in a file of `d`.  *dotted is true if "./" precedes the path:
 * on entry that of `d`, on return that of the result.
 */
struct cpp_dir *cpp_clang_name_dir(struct cpp_walk *walk, struct cpp_dir *d,
				   bool *dotted);
/*
 * Return the file whose path clang uses for `n`.  *dotted is set to true if
 * "./" precedes the path.
 */
const struct cpp_cached_file *cpp_clang_name_file(
	const struct cpp_walk *walk, const struct cpp_cached_file *n,
	bool *dotted);

/* Return true if gcc can use a precompiled header for the next header. */
bool cpp_pch_is_possible(const struct cpp_walk *walk);
/* Fail the unit if `dir` has a precompiled header for header `name`. */
void cpp_pch_check_dir(struct cpp_walk *walk, struct cpp_dir *dir,
		       uint32_t name);
/*
 * Do as cpp_pch_check_dir() for the directories of the search path up to index
 * `at`, or for all of them if `at` is negative.
 */
void cpp_pch_check_search_path(struct cpp_walk *walk, uint32_t name, int at);
/*
 * Fail the unit if a precompiled header exists for the source `n` (gcc) or for
 * a file of -include (clang).
 */
void cpp_pch_check_source(struct cpp_walk *walk,
			  const struct cpp_cached_file *n);

/*
 * Search the directories from index `start` on for a header.  The result is
 * cached for the unit.
 */
const struct cpp_found_header *cpp_include_search(struct cpp_walk *walk,
						  uint32_t name,
						  uint32_t start);
/* Execute an #include of the current file. */
void cpp_include_header(struct cpp_walk *walk, uint32_t name, bool angled,
			bool next);
/* Look up __has_include; see struct cpp_callbacks. */
int cpp_include_exists(void *ctx, uint32_t name, bool angled, bool next,
		       enum reason *why);
/*
 * Add a file to the closure and push a frame for it, unless its guard or
 * #pragma once makes it empty.
 */
void cpp_include_enter(struct cpp_walk *walk, struct cpp_cached_file *node,
		       int at, bool system);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/include.h - Header search and entry of included files.
 *
 * A unit is not scannable if a precompiled header exists that the compiler
 * would use.
 *
 * If clang compiles the unit, __FILE__ expands to the name that clang gives to
 * the file.  clang's FileManager remembers the name under which a directory was
 * first looked up, even if no file was found in it.  clang uses this name to
 * resolve #include "..." in the files of the directory.  A file, in contrast,
 * has the name of its last lookup.  (These rules were measured with clang 14.)
 * Names with equal device and inode denote one file.  Names are recorded only
 * in full preprocessing for clang.
 */
#ifndef CPP_INCLUDE_H
#define CPP_INCLUDE_H

#include "cpp/walk.h"

/* Create a cache of search paths and of the headers that were found. */
struct cpp_search *cpp_search_new(void);
void cpp_search_free(struct cpp_search *s);
/* Return the number of allocated bytes. */
size_t cpp_search_memory(const struct cpp_search *s);

/*
 * Walk the source and everything that it includes.  Definitions and files take
 * effect in the order of gcc: predefined macros, -D and -U, the files of
 * -imacros, <stdc-predef.h>, the files of -include, the source.
 */
void cpp_include_walk_source(struct cpp_walk *walk,
			     struct cpp_cached_file *source);
/* Execute an #include of the current file. */
void cpp_include_header(struct cpp_walk *walk, uint32_t name, bool angled,
			bool next);
/* Evaluate __has_include; see struct cpp_callbacks. */
int cpp_include_exists(void *ctx, uint32_t name, bool angled, bool next,
		       enum reason *why);
/*
 * Return the file whose path clang uses as the name of `n`.  *dotted is set to
 * true if "./" precedes this path in the name, else to false.
 */
const struct cpp_cached_file *cpp_include_clang_name(
	const struct cpp_walk *walk, const struct cpp_cached_file *n,
	bool *dotted);

#endif

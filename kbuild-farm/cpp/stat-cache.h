/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/stat-cache.h - Caches of lexed files and of stat(2) results.
 *
 * A struct cpp_file_cache contains the lexed files of all units and threads.
 * Files are identified by their stamps.  If a file is written twice within one
 * clock tick, both contents can have the same stamp.  A file is therefore
 * racily clean and not stored if its ctime is too recent when the file is read.
 *
 * A struct cpp_stat_cache has the paths that units use in one working
 * directory, as the compiler spells them, and the texts of the files, lexed in
 * one mode.  It belongs to one thread.  Each unit checks an entry once.  A file
 * is checked by one stat(2).  An absence is checked by one stat(2) of the
 * deepest existing directory of its path, because the missing path cannot be
 * created without a change of that directory.
 */
#ifndef CPP_STAT_CACHE_H
#define CPP_STAT_CACHE_H

#include "base/file-stamp.h"
#include "cpp/lex-directives.h"

struct cpp_dir {
	char *path; /* spelled as in the command; "" is the working directory */
	char *abs;
	uint32_t id;
	uint32_t checked_unit; /* the last unit that checked the directory */
	/* changes if entries of the directory may have been added or removed */
	uint32_t version;
	uint32_t listed_unit; /* the last unit that listed the absence */
	/* index in cpp_lists.clang_dir, valid in unit `clang_unit` */
	uint32_t clang_unit, clang_index;
	bool exists, stamp_reliable;
	bool is_file; /* the path exists, but is not a directory */
	int error; /* negative errno of stat(2); 0 for a missing path */
	struct file_stamp stamp;
	/* if this directory is missing: the first missing part of its path */
	struct cpp_dir *missing;
	/*
	 * The parent of `missing`.  While its version is `guard_version`,
	 * `missing` and this directory are missing.  NULL if the absence must
	 * be checked in each unit.
	 */
	struct cpp_dir *guard;
	uint32_t guard_version;
	struct cpp_dir *next; /* next in its hash bucket */
};

/* An entry of the closure, shared by paths that differ only in a leading ./ */
struct cpp_closure_entry {
	char *path; /* without leading ./ */
	uint32_t path_id; /* see struct cpp_file */
	bool has_dotdot; /* the path contains ".." after a directory */
	uint32_t unit;
	size_t index;
	struct cpp_closure_entry *next;
};

struct cpp_memo; /* see cpp/expr.h */

struct cpp_cached_file {
	char *path;
	char *abs;
	struct cpp_dir *dir; /* searched first for #include "x.h" in the file */
	struct cpp_closure_entry *entry;
	uint32_t checked_unit; /* the last unit that checked the file */
	uint32_t once_unit; /* the last unit in which #pragma once applied */
	/*
	 * clang_unit[1] is the last unit that looked up the path with "./"
	 * before it, clang_unit[0] the last unit that looked up the plain path.
	 * In these units, clang_index is an index in cpp_lists.clang_file.
	 */
	uint32_t clang_unit[2], clang_index;
	bool exists, stamp_reliable;
	bool regular; /* the path leads to a regular file */
	bool is_dir; /* the path leads to a directory */
	int error; /* negative errno of stat(2); 0 for a missing path */
	/* start time of the unit that called stat(2); INT64_MIN: call again */
	int64_t stat_time_ns;
	struct file_stamp stamp;
	struct cpp_text *text; /* NULL if the file is unread or has changed */
	struct cpp_memo **memos; /* one list per expression of `text` */
	struct cpp_cached_file *next;
};

/* The search for a name in one directory. */
struct cpp_path_lookup {
	struct cpp_dir *dir;
	uint32_t name;
	uint32_t checked_unit;
	uint32_t listed_unit; /* the last unit that listed the absence */
	bool system;
	/*
	 * NULL if the path is missing or a directory.  If stat(2) fails with an
	 * error other than ENOENT and ENOTDIR, file->error is set.
	 */
	struct cpp_cached_file *file;
	bool is_dir; /* the path is a directory */
	/* the searched path if `file` has a shorter path, otherwise NULL */
	struct cpp_cached_file *long_file;
	char *path;
	struct cpp_dir *parent; /* directory of `path` */
	/* the name is absent as long as parent->version equals `version` */
	bool absence_guarded;
	uint32_t version;
	struct cpp_path_lookup *next;
};

struct cpp_file_cache;

/* Create a cache of lexed files whose texts refer to `names`. */
struct cpp_file_cache *cpp_file_cache_new(struct cpp_names *names);
void cpp_file_cache_free(struct cpp_file_cache *s);

struct cpp_file_cache_stats {
	uint64_t n_lexed, n_reused;
	size_t memory_bytes; /* excludes memory of cpp_names_charge() */
};

/* Get the counters and the size of the cache. */
void cpp_file_cache_stats(struct cpp_file_cache *s,
			  struct cpp_file_cache_stats *out);

struct cpp_stat_cache;

/* Create a cache.  `names` and `store` are borrowed. */
struct cpp_stat_cache *cpp_stat_cache_new(struct cpp_names *names,
					  struct cpp_file_cache *store,
					  const char *cwd, unsigned mode);
void cpp_stat_cache_free(struct cpp_stat_cache *t);
/* Return true if the cache is for this working directory and mode. */
bool cpp_stat_cache_matches(const struct cpp_stat_cache *t, const char *cwd,
			    unsigned mode);
/* Return the start time of the current unit; see file_stamp_is_reliable(). */
int64_t cpp_stat_cache_start_time(const struct cpp_stat_cache *t);

/*
 * Begin a unit with a number that was not used before.  `stat_max_age_ns` is
 * the member of struct cpp_unit.
 */
void cpp_stat_cache_begin_unit(struct cpp_stat_cache *t, uint32_t unit,
			       int64_t stat_max_age_ns);

/*
 * Return the entry of a directory or file.  The first call in a unit checks
 * whether the entry is current.
 */
struct cpp_dir *cpp_stat_cache_dir(struct cpp_stat_cache *t, const char *path);
struct cpp_cached_file *cpp_stat_cache_file(struct cpp_stat_cache *t,
					    const char *path);
/*
 * Search `dir` for `name`.
 *
 * The `file` of the result is NULL if the path is missing or a directory; after
 * an error other than ENOENT and ENOTDIR, file->error is set.  With `system`,
 * the result is the shorter of the path and its real path, as in gcc.
 */
struct cpp_path_lookup *cpp_stat_cache_lookup(struct cpp_stat_cache *t,
					      struct cpp_dir *dir,
					      uint32_t name, bool system);
/*
 * Return true if `name` exists in `dir`, even as a directory or a dangling
 * link.
 */
bool cpp_stat_cache_is_occupied(struct cpp_stat_cache *t, struct cpp_dir *dir,
				uint32_t name);
/*
 * Return the path whose absence proves that a search finds nothing or that a
 * directory is missing: the searched path itself, or the first missing
 * directory in it.  Return NULL if that path was already returned in this unit.
 */
const char *cpp_stat_cache_absent_path(struct cpp_stat_cache *t,
				       struct cpp_path_lookup *p);
const char *cpp_stat_cache_missing_dir(struct cpp_stat_cache *t,
				       struct cpp_dir *d);
/*
 * Read an existing file and, if `full` is true, also create its text tokens.
 * Returns 0 with n->text, -EAGAIN if the file keeps changing, -ENOTSUP
 * without opening the file if it is not a regular file, or another negative
 * errno.
 */
int cpp_stat_cache_read(struct cpp_stat_cache *t, struct cpp_cached_file *n,
			bool full);

/*
 * Return a number that changes when definitions may have been freed, which
 * makes memoized conditions invalid.
 */
uint32_t cpp_stat_cache_epoch(const struct cpp_stat_cache *t);
/* Return the number of allocated bytes. */
size_t cpp_stat_cache_memory(const struct cpp_stat_cache *t);
/* Return the number of stat(2) calls since the previous call. */
uint64_t cpp_stat_cache_take_n_stats(struct cpp_stat_cache *t);

#endif

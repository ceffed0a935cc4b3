/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/library.h - Shared libraries that a program loads.
 *
 * The search follows the loader's rules (ld.so(8)): DT_RPATH, LD_LIBRARY_PATH,
 * DT_RUNPATH, the cache, and the default directories, which are read from the
 * binary of the loader.  No program is run.  Variants of a library for certain
 * processors (glibc-hwcaps) are ignored, so the libraries in the result also
 * run on other processors of the architecture.
 */
#ifndef COMPILER_LIBRARY_H
#define COMPILER_LIBRARY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Search parameters shared by all programs of a compiler. */
struct compiler_library_search {
	const char *library_path; /* LD_LIBRARY_PATH, or NULL */
	struct buf cache; /* content of ld.so.cache; may be empty */
};

/*
 * Set the members of `search`, and load this machine's ld.so.cache into
 * search->cache, which the caller releases with buf_release().  Returns 0 or a
 * negative errno.
 */
int compiler_library_search_load(struct compiler_library_search *search,
				 const char *library_path, struct err *err);

struct compiler_library {
	char *name; /* as in DT_NEEDED: "libz.so.1" */
	char *path; /* as the loader opens it, links unresolved */
	/*
	 * The loader finds the library at `path` without ld.so.cache, without
	 * LD_LIBRARY_PATH and without /proc (which the $ORIGIN of a program
	 * requires).
	 */
	bool found_by_default;
};

struct compiler_library_list {
	char *loader; /* NULL: a static program, with no libraries */
	char *default_dir; /* the loader's first default directory, or NULL */
	struct compiler_library *v; /* in the order in which they are loaded */
	size_t n;
};

/*
 * Find all libraries of `program`.  Returns 0; -ENOENT for a missing library,
 * with `err` naming the library and the file that needs it; -ENOTSUP for a
 * search path with $LIB or $PLATFORM, or for a relative directory in
 * LD_LIBRARY_PATH; or the error of reading a file.  `out` is empty on failure.
 */
int compiler_library_find_all(struct compiler_library_list *out,
			      const char *program,
			      const struct compiler_library_search *search,
			      struct err *err);
void compiler_library_list_release(struct compiler_library_list *l);

/* Missing libraries: the file users[i] needs names[i]. */
struct compiler_missing_libraries {
	struct strv names;
	struct strv users; /* paths as the loader opens them */
};

/*
 * List the missing libraries of `program` in the order of the search.  A
 * library that several files need is listed once for each of them.  If the
 * loader is missing, only the loader's path is listed.  `program` can also be a
 * library.  Nearly all libraries have no PT_INTERP.  For a file without
 * PT_INTERP, `loader` is used as the loader; if `loader` is NULL, the list is
 * empty.  Returns 0, even if libraries are missing, or one of the other errors
 * of compiler_library_find_all().
 */
int compiler_library_find_missing(struct compiler_missing_libraries *out,
				  const char *program, const char *loader,
				  const struct compiler_library_search *search,
				  struct err *err);
void compiler_library_missing_release(struct compiler_missing_libraries *n);

/*
 * Return the path at which the loader of `program` finds the library `name`.
 * Only search->cache and the loader's default directories are searched.  The
 * caller frees the path.  Returns NULL if the library is not found.
 */
char *compiler_library_find(const char *name, const char *program,
			    const struct compiler_library_search *search);

/*
 * Return one of the paths that `cache` lists for the library `name`: the path
 * at position `index`, counted from 0.  Returns NULL if the cache lists no
 * further path or is damaged.  `cache` is the content of /etc/ld.so.cache,
 * whose format glibc's dl-cache.h defines.  Files for certain processors
 * (glibc-hwcaps) are skipped, because each has a generic variant.  The cache
 * contains libraries of all machines, so the caller must check the file.  The
 * result is borrowed from `cache`.
 */
const char *compiler_library_find_cached(struct bytes cache, const char *name,
					 size_t index);

/*
 * Find the default directories of a loader in the bytes of its file: the
 * longest sequence of strings "/.../" (glibc), or the string
 * "/lib:/usr/local/lib:/usr/lib" (musl).
 */
void compiler_library_loader_dirs(struct strv *out, struct bytes loader);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/library.h - which shared libraries a program loads.
 *
 * Files are read as the loader would (ld.so(8)): DT_RPATH, LD_LIBRARY_PATH,
 * DT_RUNPATH, the cache, the loader's own directories, which are read from
 * the loader's file.  Nothing is run.  Variants of a library for certain
 * processors (glibc-hwcaps) are passed over: what is found runs everywhere.
 */
#ifndef COMPILER_LIBRARY_H
#define COMPILER_LIBRARY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* What is the same for all programs of a compiler. */
struct compiler_search {
	const char *library_path; /* LD_LIBRARY_PATH, or NULL */
	struct buf cache; /* ld.so.cache, empty: there is none */
};

/* With this machine's cache, which is released by buf_release(). */
int compiler_search_load(struct compiler_search *search,
			 const char *library_path, struct err *err);

struct compiler_library {
	char *name; /* as it is asked for: "libz.so.1" */
	char *path; /* as the loader opens it, not resolved */
	/*
	 * Would a loader find it at `path` without cache, LD_LIBRARY_PATH
	 * and /proc (which $ORIGIN of a program needs)?
	 */
	bool plain;
};

struct compiler_libraries {
	char *loader; /* NULL: a static program, with no libraries */
	char *home; /* the first directory that the loader searches by itself,
		       NULL where it names none */
	struct compiler_library *v; /* in the order in which they are loaded */
	size_t n;
};

/*
 * All libraries of `program`.  Returns 0; -ENOENT for a library that is
 * nowhere, with `err` naming it and who needs it; -ENOTSUP for a search path
 * with $LIB or $PLATFORM, or a relative one in LD_LIBRARY_PATH; or what
 * reading a file gave.  `out` is empty on failure.
 */
int compiler_libraries_find(struct compiler_libraries *out, const char *program,
			    const struct compiler_search *search,
			    struct err *err);
void compiler_libraries_release(struct compiler_libraries *l);

/* What is missing: names[i] is asked for by the file users[i]. */
struct compiler_needs {
	struct strv names;
	struct strv users; /* paths as the loader opens them */
};

/*
 * All libraries of `program` that are nowhere, in the order in which they are
 * looked for; one that several ask for comes once for each of them.  A loader
 * that is not there is the only one, with its path as its name.  A library
 * (no PT_INTERP) is taken as a program of the loader `loader`; with NULL
 * it needs nothing.  Returns 0, or as compiler_libraries_find().
 */
int compiler_libraries_missing(struct compiler_needs *out, const char *program,
			       const char *loader,
			       const struct compiler_search *search,
			       struct err *err);
void compiler_needs_release(struct compiler_needs *n);

/*
 * Where the loader of `program` finds `name` in its cache or in its own
 * directories, or NULL; the caller frees it.
 */
char *compiler_library_find(const char *name, const char *program,
			    const struct compiler_search *search);

/*
 * The `n`th file (from 0) that /etc/ld.so.cache (`cache`; glibc's
 * dl-cache.h has the format) names for library `name`, in the
 * order of the cache, or NULL: there are no more, or the cache is broken.
 * Those for certain processors alone (glibc-hwcaps) are passed over: each
 * has a plain one beside it.  Libraries of all machines are in one cache, so
 * the caller looks at the file.  Borrowed from `cache`.
 */
const char *compiler_library_cached(struct bytes cache, const char *name,
				    size_t n);

/*
 * The directories that a loader searches by itself, read from the bytes of
 * its file: the longest run of strings "/.../" in it (glibc), or the string
 * "/lib:/usr/local/lib:/usr/lib" (musl).
 */
void compiler_loader_dirs(struct strv *out, struct bytes loader);

#endif

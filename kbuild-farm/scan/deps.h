/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/deps.h - the exact closure of a translation unit, without running
 * the compiler.
 *
 * Nothing in this room prints, forks, or knows of jobs: questions to the
 * compiler go through a callback.  It never guesses: what it does not
 * understand is "not scannable", with a reason, for that unit alone.
 */
#ifndef SCAN_DEPS_H
#define SCAN_DEPS_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"

/*
 * Run the compiler with `argv` in `cwd` and `env` (source: none, stdin is
 * /dev/null), its stdout into `out` and its stderr into `err_out`.  Returns 0
 * when it exited with 0.  May be called on any thread that scans.
 */
typedef int scan_ask(void *ctx, const char *cwd, char *const *argv,
		     char *const *env, struct buf *out, struct buf *err_out,
		     struct err *err);

struct scan_setup {
	scan_ask *ask;
	void *ctx;
	/* Where answers of compilers are kept between runs; NULL: nowhere. */
	const char *cache_dir;
	/*
	 * Caches beyond so many bytes are dropped before the next unit; 0 is
	 * 192 MiB.  One unit may need up to 64 MiB more while it lasts.
	 */
	size_t memory_max;
};

/* The caches of one build, for any number of threads. */
struct scan;

struct scan *scan_new(const struct scan_setup *setup);
void scan_free(struct scan *s);

/* What to scan; all borrowed. */
struct scan_unit {
	const char *cwd; /* absolute */
	const char *compiler; /* absolute path of the driver */
	const struct digest *toolchain; /* its identity: key of the cache */
	char *const *argv; /* the compile, argv[0] as make gave it */
	char *const *env;
};

enum scan_kind {
	SCAN_SOURCE, /* the unit itself */
	SCAN_HEADER, /* by #include, -include or -imacros */
	SCAN_SYSTEM, /* the same, found in a system directory */
	SCAN_INPUT, /* an extra input: -Wa,FILE, @file, .incbin, seed file */
	/* __has_include found it: it must exist (clang -M lists it). */
	SCAN_PROBED,
};

struct scan_file {
	char *path; /* as the compiler spells it (-M would print it) */
	enum scan_kind kind;
	size_t from; /* index of the file that includes it; itself for 0 */
	unsigned line; /* of the #include, 0: the command line */
};

/* The answer; scan_closure_release() frees all of it. */
struct scan_closure {
	const char *why; /* not scannable: the reason, a literal; else NULL */
	char *detail; /* where and what, for people; may be NULL */
	size_t n_files;
	struct scan_file *files; /* in the order the compiler opens them */
	struct strv absent; /* probed, not there, and mattering */
	struct strv dirs; /* that must exist: search path, `a/../b.h` */
	/* What the files may mention, used or not: enum scan_mention. */
	unsigned mentions;
	void *memory; /* holds all strings and lists above */
};

enum scan_mention {
	SCAN_MENTIONS_TIME = 1, /* __DATE__, __TIME__ or __TIMESTAMP__ */
	SCAN_MENTIONS_COUNTER = 2, /* __COUNTER__ */
};

/*
 * Scan one unit.  Always fills `out`; out->why tells whether it could.
 * Every file and every absence is validated against the file system as it
 * is at the time of the call.
 */
void scan_closure(struct scan *s, const struct scan_unit *unit,
		  struct scan_closure *out);
void scan_closure_release(struct scan_closure *c);

/* Figures for `kfarm scan` and the tests. */
struct scan_stats {
	uint64_t units, files_lexed, files_reused, stats_done, asked;
	size_t memory;
};
void scan_stats(struct scan *s, struct scan_stats *out);

#endif

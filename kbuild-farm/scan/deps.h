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
#include "base/reason.h"
#include "base/stamp.h"
#include "base/str.h"
#include "options/command.h"

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
	 * 192 MiB.  One unit may need up to 96 MiB more while it lasts.
	 */
	size_t memory_max;
};

/*
 * The caches of one build.  scan_closure() may be called by any number of
 * threads at once, for units as they come, while make goes on and creates
 * headers.  Threads wait for each other only while a new set of flags is
 * asked about, and for a moment when a file is read for the first time.
 */
struct scan;

struct scan *scan_new(const struct scan_setup *setup);
/* No scan_closure() may be under way. */
void scan_free(struct scan *s);

/* Who wants to see what the preprocessor makes of a unit. */
struct scan_output {
	void *ctx;
	/* A token's spelling; `fresh`: it starts a line, which .S counts. */
	void (*token)(void *ctx, const char *s, size_t len, bool fresh);
};

/* What to scan; all borrowed. */
struct scan_unit {
	const char *cwd; /* absolute */
	const char *compiler; /* absolute path of the driver */
	const struct digest *toolchain; /* its identity: key of the cache */
	const struct options_command *command; /* the compile */
	char *const *env;
	/*
	 * NULL; or: read all text, needed or not.  What is given out counts
	 * only if the unit is scannable.  __DATE__ and its like are strings
	 * of question marks.
	 */
	const struct scan_output *output;
	/*
	 * Of a file that was there so many nanoseconds ago the same stamp is
	 * taken without another look; 0: every file is looked at.  For callers
	 * who look at all files of the answer before they make use of it.
	 * Directories, and what was absent, are looked at in any case.
	 */
	int64_t trust_ns;
};

enum scan_kind {
	SCAN_SOURCE, /* the unit itself */
	SCAN_HEADER, /* by #include, -include or -imacros */
	SCAN_SYSTEM, /* the same, found in a system directory */
	/* An extra input: -Wa,FILE, .incbin, a seed file, what #line names. */
	SCAN_INPUT,
	/*
	 * It must exist: __has_include found it (clang -M lists it), or it is
	 * the longer name of another one that gcc takes by its real path.
	 */
	SCAN_PROBED,
};

struct scan_file {
	char *path; /* as the compiler spells it (-M would print it) */
	/*
	 * Stands for this path, seen from this working directory; never given
	 * to another one, while the same one may have several.  0: none.
	 */
	uint32_t number;
	enum scan_kind kind;
	/*
	 * What stat, following links, said of it in this call (or before, see
	 * trust_ns), and whether a later change must show in that: if not, the
	 * content may be another one with the same `stamp`, and whoever wants
	 * it has to read it.
	 */
	struct stamp stamp;
	bool settled;
	size_t from; /* index of the file that includes it; itself for 0 */
	unsigned line; /* of the #include, 0: the command line */
};

/*
 * The answer; scan_closure_release() frees all of it.
 *
 * Paths are relative to the unit's cwd unless they start with '/', and not
 * normal: they may hold "." and ".." and go through symbolic links.  The
 * answer holds as long as the content of `files` is the same, `absent` are
 * absent and `dirs` are directories; nothing else of the file system has a
 * part in it but the compiler itself and, without -nostdinc, the directories
 * that it names.
 *
 * `absent`, each once, without a slash at its end:
 *   - for each #include, #include_next, -include, -imacros and
 *     __has_include that was reached: every path that was tried in vain, be
 *     it because the file was found further on or not at all;
 *   - the same for the assembler's .incbin and .include, and for #line;
 *   - directories of the search path that are not there.
 * Where a directory on the way is missing, that one stands for all that was
 * looked for below it ("inc/asm", not "inc/asm/x.h" and a hundred more): so
 * an entry is absent when there is neither a file nor a directory by its
 * name.  A unit of Linux has some 120.  Not listed: precompiled headers
 * ("x.h.gch"); a unit that could take one is not scannable.
 *
 * `dirs`: the search path, without what is missing, and every directory that
 * a path goes through and leaves again ("a" of "a/../b.h").
 */
struct scan_closure {
	enum reason why; /* it is not scannable */
	char *detail; /* where and what, for people; may be NULL */
	size_t n_files;
	struct scan_file *files; /* in the order the compiler opens them */
	struct strv absent;
	struct strv dirs;
	/* What the files may mention, used or not: enum scan_mention. */
	unsigned mentions;
	void *memory; /* holds all strings and lists above */
};

enum scan_mention {
	SCAN_MENTIONS_TIME = 1, /* __DATE__, __TIME__ or __TIMESTAMP__ */
	SCAN_MENTIONS_COUNTER = 2, /* __COUNTER__ */
	SCAN_MENTIONS_BASE = 4, /* __BASE_FILE__: the name of the source */
	/* A device tree includes in dtc's way: what it reads is not listed. */
	SCAN_MENTIONS_TREE = 8,
};

/*
 * Scan one unit.  Always fills `out`; out->why tells whether it could.
 * Every file and every absence is validated against the file system as it
 * is at the time of the call: each is looked at once, so that a tree that
 * changes meanwhile can give files of two moments, each with the `stamp`
 * that it had.
 */
void scan_closure(struct scan *s, const struct scan_unit *unit,
		  struct scan_closure *out);
void scan_closure_release(struct scan_closure *c);

/* Figures for `kfarm scan` and the tests. */
struct scan_stats {
	uint64_t units, exact, files_lexed, files_reused, stats_done, asked;
	size_t memory;
};
void scan_stats(struct scan *s, struct scan_stats *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/cpp.h - Exact closure of a translation unit without running the compiler.
 *
 * The code in cpp/ neither prints nor forks.  When it needs a property of the
 * compiler, it calls cpp_setup.query, which runs the compiler.  A unit with a
 * construct that is not supported is "not scannable", and the result gives the
 * reason.
 */
#ifndef CPP_CPP_H
#define CPP_CPP_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/file-stamp.h"
#include "base/reason.h"
#include "base/str.h"
#include "options/command.h"

struct cpp_scanner;

/*
 * Run the compiler with `argv` in `cwd` with environment `env` and stdin from
 * /dev/null.
 *
 * `out` receives the stdout of the compiler and `err_out` its stderr.  Returns
 * 0 if the compiler exited with status 0; otherwise sets `err` and returns a
 * negative errno.  Scanning threads call this function concurrently.
 */
typedef int cpp_query_fn(void *ctx, const char *cwd, char *const *argv,
			 char *const *env, struct buf *out, struct buf *err_out,
			 struct err *err);

struct cpp_setup {
	cpp_query_fn *query;
	void *ctx;
	/* directory that stores compiler properties between builds, or NULL */
	const char *cache_dir;
	/*
	 * If all caches together exceed this size, they are dropped before the
	 * next unit; 0 means 192 MiB.  One unit can need up to 96 MiB more
	 * while it is scanned.
	 */
	size_t max_memory_bytes;
	/* set cpp_file.definitions, see cpp/definitions.h */
	bool selects_definitions;
};

/*
 * Create a scanner with the caches of one build.
 *
 * Any number of threads may call cpp_closure_find() concurrently, even while
 * make creates headers.  Threads wait for each other while the driver is
 * queried or the caches are dropped and, briefly, when a file is read for the
 * first time.
 */
struct cpp_scanner *cpp_scanner_new(const struct cpp_setup *setup);
/* Free the scanner.  No cpp_closure_find() may be running. */
void cpp_scanner_free(struct cpp_scanner *s);

/* A receiver of a unit's preprocessed tokens. */
struct cpp_output {
	void *ctx;
	/*
	 * Receive the spelling of a token.  `fresh` is true if the token starts
	 * a line, which matters in assembler sources.
	 */
	void (*on_token)(void *ctx, const char *s, size_t len, bool fresh);
};

/* A unit to scan.  All pointers are borrowed. */
struct cpp_unit {
	const char *cwd; /* absolute */
	const char *compiler; /* absolute path of the driver */
	/*
	 * Manifest digest of the toolchain, or NULL.  The digest is part of the
	 * key under which the compiler's properties are stored.
	 */
	const struct digest *toolchain;
	const struct options_command *command; /* the parsed compile command */
	char *const *env;
	/*
	 * NULL, or the receiver of the preprocessed text.  A receiver forces
	 * full preprocessing.  The text is valid only if the unit is scannable.
	 * In the text, __DATE__, __TIME__ and __TIMESTAMP__ are strings of
	 * question marks.
	 */
	const struct cpp_output *output;
	/*
	 * Preprocess the unit fully even if the fast scan is conclusive, so
	 * that cpp_file.expands_name is exact.
	 */
	bool full;
	/*
	 * Maximum age of a cached file stamp; 0 reads each stamp again.  Only a
	 * caller that checks all files of the result before using the result
	 * may set this member.  Directories and absences are always checked.
	 */
	int64_t stat_max_age_ns;
};

enum cpp_file_kind {
	CPP_FILE_SOURCE, /* the source of the unit */
	CPP_FILE_HEADER, /* a header of #include, -include or -imacros */
	CPP_FILE_SYSTEM_HEADER, /* a header found in a system directory */
	/*
	 * An extra input: a file of -Wa,FILE, .incbin, .include, #line or an
	 * option such as -frandomize-layout-seed-file.
	 */
	CPP_FILE_INPUT,
	/*
	 * A file that must exist under this path but is not read under this
	 * path: __has_include found it, #pragma once excluded it (clang -M
	 * lists such a file), or gcc found it by this path but opens it by its
	 * shorter real path.
	 */
	CPP_FILE_PROBED,
};

struct cpp_file {
	char *path; /* spelled as in the output of the compiler's -M */
	/*
	 * Number that identifies this path in this working directory.  A number
	 * is never reused for another path, but a path can have several
	 * numbers.  0 means no number.
	 */
	uint32_t path_id;
	enum cpp_file_kind kind;
	/*
	 * The stamp of the file, with links followed, read in this call or up
	 * to stat_max_age_ns before.  If `stamp_reliable` is false, a change of
	 * the file may leave the stamp equal, so callers must compare the
	 * content.
	 */
	struct file_stamp stamp;
	bool stamp_reliable;
	/* index in `files` of the including file; 0 if no file includes it */
	size_t includer;
	unsigned line; /* line of the #include; 0 for the command line */
	/*
	 * For a definition header (see cpp/definitions.h), the directives that
	 * can affect the unit, one per line; otherwise NULL.  If a change of
	 * the header leaves these directives equal, the unit compiles to the
	 * same result, provided that the compiler prints no message.
	 */
	const char *definitions;
	/*
	 * The unit can use the name of this file as a string, through __FILE__,
	 * __BASE_FILE__ or __builtin_FILE.  After the fast scan, the bit is set
	 * for all files if a backslash continues a word on the next line or, if
	 * cpp_setup.selects_definitions is true, if any file contains one of
	 * these names or a part of a name that ## can complete.
	 */
	bool expands_name;
};

/*
 * A closure.  Free with cpp_closure_release().
 *
 * Paths are relative to the unit's cwd unless they start with '/'.  They are
 * not normalized: they can contain "." and ".." and pass through symbolic
 * links.  The closure stays valid while the contents of all `files` are
 * unchanged, no path in `absent` exists and each path in `dirs` is a directory.
 * Apart from these paths, the closure depends on nothing in the file system
 * except the compiler and, without -nostdinc, the compiler's own directories.
 *
 * `absent` contains each of these paths once, without a trailing slash:
 *
 *   - every path that was tried without success for an #include,
 *     #include_next, -include, -imacros or evaluated __has_include;
 *   - every path that was tried without success for an .incbin or .include of
 *     the assembler, or for a #line;
 *   - every missing directory of the search path.
 *
 * If a directory is missing, `absent` contains only the directory and no paths
 * below it ("inc/asm" instead of "inc/asm/x.h" and a hundred more).  Neither a
 * file nor a directory may therefore exist at the path of an entry.  A unit of
 * Linux has about 120 entries.  Precompiled headers ("x.h.gch") are not listed,
 * because a unit that could use one is not scannable.
 *
 * `dirs` contains the existing directories of the search path and every
 * directory that a path enters and leaves again ("a" of "a/../b.h").  At its
 * end are the directories with the path of a searched header, which compilers
 * skip.
 */
struct cpp_closure {
	enum reason reason; /* nonzero: the unit is not scannable */
	char *detail; /* place and cause for messages; may be NULL */
	size_t n_files;
	struct cpp_file *files; /* in the order the compiler opens them */
	struct strv absent;
	struct strv dirs;
	size_t n_header_dirs; /* at the end of `dirs` */
	/*
	 * Bits of enum cpp_mention: constructs that the files contain, even in
	 * skipped text.  There are exceptions: CPP_MENTION_TIME is set only if
	 * one of the macros was expanded, and CPP_MENTION_ONCE only if the
	 * pragma took effect.  After full preprocessing, CPP_MENTION_COUNTER is
	 * set only if __COUNTER__ was expanded.
	 */
	unsigned mentions;
	bool full; /* full preprocessing found the closure */
	void *memory; /* storage of the members above, except `detail` */
};

enum cpp_mention {
	CPP_MENTION_TIME = 1, /* __DATE__, __TIME__ or __TIMESTAMP__ */
	CPP_MENTION_COUNTER = 2, /* __COUNTER__ */
	CPP_MENTION_BASE_FILE = 4, /* __BASE_FILE__, the name of the source */
	/*
	 * A file of the closure contains dtc's /include/ or /incbin/.  The
	 * closure does not list the files that dtc reads.
	 */
	CPP_MENTION_DEVICETREE = 8,
	/*
	 * #pragma once took effect in a header, so the result also depends on
	 * the mtimes (gcc) or the inodes (clang) of files with equal contents.
	 */
	CPP_MENTION_ONCE = 16,
	CPP_MENTION_LINE = 32, /* #line or a line marker, which names a file */
};

/*
 * Find the closure of one unit.
 *
 * Always fills `out`; out->reason is zero on success.  During the call, every
 * file and absence is checked once against the file system.  However, a cached
 * file stamp can be reused if it is at most unit->stat_max_age_ns old.  If the
 * source tree changes during the call, the files of the closure can belong to
 * different states of the tree.  Each file has its own `stamp`.
 */
void cpp_closure_find(struct cpp_scanner *s, const struct cpp_unit *unit,
		      struct cpp_closure *out);
void cpp_closure_release(struct cpp_closure *c);

/* Statistics for `kfarm scan` and tests. */
struct cpp_stats {
	uint64_t n_units, n_preprocessed, n_lexed, n_reused, n_stats, n_queries;
	size_t memory_bytes;
};
void cpp_scanner_stats(struct cpp_scanner *s, struct cpp_stats *out);

#endif

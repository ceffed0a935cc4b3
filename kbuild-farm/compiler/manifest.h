/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/manifest.h - a compiler as content: all that it reads of itself.
 *
 * A manifest lists what `DRIVER -c` (C and assembler sources, preprocessing
 * included) reads of its own, at the absolute paths where the build host has
 * it: driver, cc1, as, the objcopy that -gsplit-dwarf runs where there is one,
 * specs, the compiler's own headers, the shared libraries and the loader of
 * each program, and every symbolic link on the way to one of them.  What other
 * jobs need is not in it: C++ and other languages, linking, plugins, the
 * assembler that clang can be told to run.
 *
 * A file system that holds just these entries runs the compiler as the build
 * host does, without /etc/ld.so.cache, /proc, PATH of the build host or
 * LD_LIBRARY_PATH:
 *
 *  - a library that the build host's loader finds only through its cache,
 *    through LD_LIBRARY_PATH or through the $ORIGIN of a program (which takes
 *    a /proc) has a LINK to it in the first directory that the loader
 *    searches by itself;
 *  - a program that is found through a directory of PATH which is not
 *    in TOOLCHAIN_PATH has a LINK in the first directory of that.
 *
 * Its identity is a digest over the entries; paths below the toolchain's
 * prefix enter relative to it, so that one archive, unpacked at two places,
 * is one toolchain.  What the language of messages needs is no part of it:
 * compiler_manifest_language() lists that.
 */
#ifndef COMPILER_MANIFEST_H
#define COMPILER_MANIFEST_H

#include "base/digest.h"
#include "base/str.h"
#include "compiler/host.h"
#include "compiler/parts.h"

/* PATH of every compile that runs with nothing but a manifest. */
#define TOOLCHAIN_PATH "/usr/local/bin:/usr/bin:/bin"

/* More entries than this are no toolchain. */
#define COMPILER_ENTRIES_MAX 65536

/* The numbers are those of an entry of a VIEW (wire/PROTOCOL). */
enum compiler_kind {
	COMPILER_FILE = 0,
	COMPILER_LINK = 1,
	COMPILER_DIR = 2, /* only one that has to exist and is empty */
};

struct compiler_entry {
	/*
	 * Absolute, without "//", "." and ".."; no directory on the way is a
	 * symbolic link.  The directories above it are no entries.
	 */
	char *path;
	enum compiler_kind kind;
	bool executable; /* FILE */
	uint64_t size; /* FILE */
	int64_t mtime_ns; /* FILE; since 1970 */
	struct digest digest; /* FILE; of its bytes */
	char *target; /* LINK, else NULL */
};

/* Do both have the same content?  Paths and times do not count. */
bool compiler_entry_same(const struct compiler_entry *a,
			 const struct compiler_entry *b);

/* A list of them; a zeroed one is empty. */
struct compiler_entries {
	struct compiler_entry *v;
	size_t n;
};

struct compiler_manifest {
	struct digest id;
	char *driver; /* the absolute path that was asked for */
	char *prefix; /* "/usr", see compiler_manifest_id() */
	char *version; /* "12.2.0", of -dumpfullversion -dumpversion */
	char *machine; /* "aarch64-linux-gnu", of -dumpmachine */
	char *host; /* what its programs run on, see compiler_host_runs() */
	bool is_clang;
	struct compiler_entries entries; /* sorted by path (strcmp) */
	struct strv programs; /* the files that are executed: driver, cc1, as */
	struct compiler_watch *watch; /* for compiler_manifest_stamp() */
};

/*
 * Find all that the compiler `driver` (an absolute path) consists of.  `env`
 * is the environment of the compile: PATH and LD_LIBRARY_PATH count.  Asks
 * the driver a few questions and reads 50 to 250 MB the first time: not
 * for an event loop's thread; any thread may call it.
 *
 * Returns 0; or a negative errno with `err` naming the file and what is
 * wrong with it, and `out` empty: -ENOEXEC for a driver that is no ELF
 * program or leads to a compiler wrapper, -ENOENT for a part or a library
 * that is not there (`err` says who needs it), -ENOTSUP where the
 * environment changes what the driver runs (COMPILER_PATH, GCC_EXEC_PREFIX
 * and the like) or the host is unknown, -EAGAIN for a file that changed
 * while it was read, -ETIMEDOUT for a driver that does not answer.
 */
int compiler_manifest_make(struct compiler_manifest *out, const char *driver,
			   char *const *env, struct err *err);

/*
 * The same with a driver that is not trusted: `runner` runs it, elsewhere than
 * this process would, at the very paths that its files have here.
 */
int compiler_manifest_make_by(struct compiler_manifest *out, const char *driver,
			      char *const *env,
			      const struct compiler_runner *runner,
			      struct err *err);
/*
 * What running `program` (an absolute path) alone takes: the file, its
 * libraries and loader, and the links on the way to them.  Runs nothing.
 * Sorted; errors as above.
 */
int compiler_manifest_program(struct compiler_entries *out, const char *program,
			      char *const *env, struct err *err);
void compiler_manifest_release(struct compiler_manifest *m);

/*
 * Has anything changed since the manifest was made?  One lstat(2) for each
 * entry (0.1 ms in all), nothing is read.  Returns 0, or -ESTALE with `err`
 * naming what changed.  Then what was compiled meanwhile is void; a manifest
 * made again may turn out to have the same id.
 */
int compiler_manifest_stamp(const struct compiler_manifest *m, struct err *err);
/* The same as far as a glance shows it, see compiler_watch_glance(). */
bool compiler_manifest_glance(const struct compiler_manifest *m);

/*
 * `again` was made of the same driver after a stamp had failed.  If it lists
 * the very same (paths, contents, times, links), the stamp of `m` is the one
 * of `again` from now on, which keeps the other: true.  The lists of `m` are
 * left alone, so other threads may read them.
 */
bool compiler_manifest_adopt(struct compiler_manifest *m,
			     struct compiler_manifest *again);

/*
 * The identity of a list of entries, in any order.  Pure: a node computes it
 * from what it received.  SHA-256 over, for each entry in order of its path:
 * kind, path, executable bit, digest, target; not size (the digest says it)
 * and not times.
 *
 * The toolchain's prefix is the directory above "bin" of the file that
 * `driver` leads to through the links among the entries; where its directory
 * is not called bin, that directory.  Paths and targets below the prefix
 * enter relative to it; `prefix`, where it is not NULL, gets it, for the caller
 * to free.  The links on the way to the driver do not enter, so
 * all names of one compiler have one identity; but for clang the name does,
 * since it takes target and language from it.
 *
 * Returns 0; -EINVAL when a path comes twice or lies below a FILE or LINK,
 * or `driver` does not lead to an executable FILE.
 */
int compiler_manifest_id(const struct compiler_entry *v, size_t n,
			 const char *driver, bool is_clang, struct digest *out,
			 char **prefix);

/*
 * What LANG, LC_* and LANGUAGE of `env` make the programs of `m` read: the
 * data of the locale, catalogues of messages, conversions of character sets.
 * Nothing for C and POSIX, and for a locale that is not installed.  Takes
 * some 100 ms where there is something, so ask once for each environment.
 * Entries as above, sorted, none of them an entry of `m`; they travel beside
 * the toolchain.
 *
 * Returns 0; -E2BIG when the only source of the locale is an archive of more
 * than 64 MiB; -ENOTSUP when LOCPATH is set; or what reading a file gave.
 */
int compiler_manifest_language(struct compiler_entries *out,
			       const struct compiler_manifest *m,
			       char *const *env, struct err *err);
void compiler_entries_release(struct compiler_entries *e);

#endif

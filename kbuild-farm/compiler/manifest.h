/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/manifest.h - Manifest of the files that make up a compiler.
 *
 * A manifest lists the files of the compiler that `DRIVER -c` needs to
 * preprocess, compile and assemble C and assembler sources, with their absolute
 * paths on the build host: the driver, cc1, as, objcopy (optional, for
 * -gsplit-dwarf), specs, the compiler's headers, the shared libraries and the
 * loader of each program, and every symbolic link on the way to one of these
 * files.  It excludes C++ and other languages, linking, plugins, and the
 * external assembler that clang can be configured to run.
 *
 * In a file system with only these entries, the compiler runs as on the build
 * host, even without /etc/ld.so.cache, /proc, LD_LIBRARY_PATH and the build
 * host's PATH.  The manifest contains two kinds of links for this purpose:
 *
 *  - A library that the build host's loader finds only through its cache,
 *    through LD_LIBRARY_PATH or through the $ORIGIN of a program (which
 *    requires /proc) has a symbolic link in the first directory that the
 *    loader searches by default.
 *  - A program that is found through a directory of PATH outside
 *    COMPILER_TOOLCHAIN_PATH has a symbolic link in the first directory of
 *    COMPILER_TOOLCHAIN_PATH.
 *
 * The identity of a compiler is a digest over the entries.  Paths below the
 * toolchain's prefix enter the digest relative to the prefix, so an archive
 * that is unpacked in two directories is one toolchain.  The manifest excludes
 * files for the language of messages; compiler_manifest_list_locale() lists
 * them.
 */
#ifndef COMPILER_MANIFEST_H
#define COMPILER_MANIFEST_H

#include "base/digest.h"
#include "base/str.h"
#include "compiler/driver-parts.h"
#include "compiler/host.h"

/* PATH of every compile in a sandbox. */
#define COMPILER_TOOLCHAIN_PATH "/usr/local/bin:/usr/bin:/bin"

/* Maximum number of entries of a toolchain. */
#define COMPILER_ENTRIES_MAX 65536

/* The values equal the kinds in a VIEW message (kfarm-protocol(7)). */
enum compiler_entry_kind {
	COMPILER_ENTRY_FILE = 0,
	COMPILER_ENTRY_SYMLINK = 1,
	COMPILER_ENTRY_DIR = 2, /* an empty directory that must exist */
};

struct compiler_entry {
	/*
	 * Absolute, without "//", "." and ".."; no directory on the way is a
	 * symbolic link.  The directories above a path are not entries.
	 */
	char *path;
	enum compiler_entry_kind kind;
	bool executable; /* FILE */
	uint64_t size_bytes; /* FILE */
	int64_t mtime_ns; /* FILE; since 1970 */
	struct digest digest; /* FILE; of its content */
	char *target; /* SYMLINK, else NULL */
};

/* A list of entries.  A zeroed struct is empty. */
struct compiler_entries {
	struct compiler_entry *v;
	size_t n;
};

void compiler_entries_release(struct compiler_entries *e);

/*
 * Return true if both entries have the same kind and content.  Paths and times
 * are ignored.
 */
bool compiler_entry_equal_content(const struct compiler_entry *a,
				  const struct compiler_entry *b);

struct compiler_manifest {
	struct digest id;
	char *driver; /* the absolute path that was requested */
	char *version; /* "12.2.0", of -dumpfullversion -dumpversion */
	char *machine; /* "aarch64-linux-gnu", of -dumpmachine */
	/* machine that runs the programs, see compiler_host_can_run() */
	char *host;
	bool is_clang;
	struct compiler_entries entries; /* sorted by path (strcmp) */
	/* for compiler_manifest_check_unchanged() */
	struct compiler_stat_watch *watch;
};

/*
 * Make the manifest of the compiler `driver` (an absolute path).  `env` is the
 * environment of the compile, which provides PATH and LD_LIBRARY_PATH.  The
 * first call for a compiler reads 50 to 250 MB, and each call runs the driver,
 * so do not call this function on the thread of an event loop.  Any other
 * thread may call it.
 *
 * Returns 0; or a negative errno with `err` naming the file and the problem,
 * and `out` empty: -ENOEXEC for a driver that is not an ELF program or leads to
 * a compiler wrapper, -ENOENT for a missing part or library (`err` also names
 * the file that needs it), -ENOTSUP if the environment changes which programs
 * the driver runs (COMPILER_PATH, GCC_EXEC_PREFIX and others) or the driver is
 * built for an unknown machine, -EAGAIN for a file that changed while it was
 * read, -ETIMEDOUT for a driver that does not respond.
 */
int compiler_manifest_make(struct compiler_manifest *out, const char *driver,
			   char *const *env, struct err *err);

/*
 * Make the manifest of an untrusted driver.  `runner` executes the driver in a
 * sandbox in which all files have the same paths as outside.  If `runner` is
 * NULL, the driver is executed directly.
 */
int compiler_manifest_make_with(struct compiler_manifest *out,
				const char *driver, char *const *env,
				const struct compiler_runner *runner,
				struct err *err);
void compiler_manifest_release(struct compiler_manifest *m);

/*
 * Load the digests that an earlier process saved in the directory `cache_dir`,
 * or save all digests, so that unchanged files are not read again
 * (store/digest-cache.h).  All manifests of a process share the digests.
 * Errors are ignored.
 */
void compiler_manifest_load_digests(const char *cache_dir);
void compiler_manifest_save_digests(const char *cache_dir);

/*
 * List the files that running `program` (an absolute path) requires: the
 * program itself, its libraries and loader, and the symbolic links on the way
 * to them.  Runs no program.  The list is sorted.  Errors are those of
 * compiler_manifest_make().
 */
int compiler_manifest_list_program(struct compiler_entries *out,
				   const char *program, char *const *env,
				   struct err *err);

/*
 * List the files that the programs of `m` read for LANG, LC_* and LANGUAGE of
 * `env`: locale data, message catalogues, character set conversions.  The list
 * is empty for C and POSIX and for a locale that is not installed.  Except for
 * C and POSIX, a call searches all programs for directories, which takes about
 * 100 ms.  The directories are recorded in a file of `cache_dir` (can be NULL),
 * and later calls for the same compiler read this file instead.  The entries
 * are sorted and contain no entry of `m`; they are sent in addition to the
 * toolchain.
 *
 * Returns 0; -E2BIG if the only source of the locale is an archive of more than
 * 64 MiB; -ENOTSUP if LOCPATH is set; or the error of reading a file.
 */
int compiler_manifest_list_locale(struct compiler_entries *out,
				  const struct compiler_manifest *m,
				  char *const *env, const char *cache_dir,
				  struct err *err);

/*
 * Check that no file has changed since the manifest was made, and that the
 * driver finds no other specs or programs.  The check calls lstat(2) once for
 * each entry and each absent path (0.1 ms in total).  Returns 0, or -ESTALE
 * with `err` naming the changed file.  After -ESTALE, the results of concurrent
 * compiles are void, even if a new manifest has the id of `m`.  Any thread can
 * call this function, also during compiler_manifest_take_stamps(), until `m` is
 * released.
 */
int compiler_manifest_check_unchanged(const struct compiler_manifest *m,
				      struct err *err);

/* Return true if compiler_stat_watch_check_quick() finds no change. */
bool compiler_manifest_check_quick(const struct compiler_manifest *m);

/*
 * If `m` and `newer` list the same entries (paths, contents, times, links),
 * exchange their file stamps and return true.  `newer` was made from the same
 * driver after compiler_manifest_check_unchanged() had failed.  No other thread
 * uses `newer`.  The entries of `m` are not modified, so other threads can read
 * them.
 */
bool compiler_manifest_take_stamps(struct compiler_manifest *m,
				   struct compiler_manifest *newer);

/*
 * Compute the identity of a list of entries, which can be in any order.  Does
 * no I/O, so a node can compute the identity from received entries.  The
 * identity is a SHA-256 over the kind, path, executable bit, digest and target
 * of each entry, in the order of paths.  The identity does not cover times, and
 * the digest implies the size.
 *
 * The toolchain's prefix is derived from the file to which `driver` leads
 * through the links among the entries.  If the directory of this file is named
 * bin, the prefix is the directory above bin; otherwise, it is the directory of
 * the file.  Paths and targets below the prefix enter the identity relative to
 * the prefix.  The links on the way to the driver do not enter the identity, so
 * all names of one compiler have the same identity.  For clang, the driver's
 * name enters the identity too, because clang derives target and language from
 * the name.
 *
 * Returns 0; -EINVAL if a path is not absolute, occurs twice or is below a FILE
 * or SYMLINK, or if `driver` does not lead to an executable FILE.
 */
int compiler_manifest_id(const struct compiler_entry *v, size_t n,
			 const char *driver, bool is_clang, struct digest *out);

/*
 * Resolve an absolute path through the symbolic links among the entries, which
 * can be in any order.  A path that is not an entry is treated like a directory
 * or a file, not like a link.  Returns "" if the path cannot be resolved.  The
 * caller frees the result.
 */
char *compiler_manifest_resolve(const struct compiler_entry *v, size_t n,
				const char *path);

#endif

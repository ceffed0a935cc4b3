/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/hostlib.h - libraries that a toolchain's own programs need and
 * this machine does not have.
 *
 * gcc 7.3.0 and older of kernel.org were linked with libmpfr.so.4 (some with
 * libisl.so.15), which no distribution has any more.  Such a library is put
 * into a directory of that toolchain alone, `hostlib` beside its `bin`, and
 * the programs that ask for it get a DT_RUNPATH ($ORIGIN/...) to it: they stay
 * programs with their own argv[0], no wrapper and no LD_LIBRARY_PATH is
 * between, and a cell finds the library as this machine does
 * (compiler/manifest.h).  Being below the toolchain's prefix, it is part of
 * the toolchain's identity wherever that is unpacked.  Nothing outside of the
 * toolchain's directory is written.
 *
 * Only programs that this machine can run are looked at: what one for another
 * machine needs is that machine's business, and so is a target's library.
 */
#ifndef TOOLCHAIN_HOSTLIB_H
#define TOOLCHAIN_HOSTLIB_H

#include "base/err.h"
#include "base/str.h"
#include "compiler/library.h"
#include "toolchain/release.h"

/* A library that is nowhere, and who asks for it. */
struct toolchain_missing {
	char *library; /* "libmpfr.so.4" */
	/*
	 * A build needs it: it is missed by driver, cc1, assembler, linker or
	 * a tool that kbuild calls, not only by gdb and its like.
	 */
	bool required;
	struct strv users; /* files that name it, by realpath(3), sorted */
};

/* A zeroed one is empty. */
struct toolchain_missing_list {
	struct toolchain_missing *v; /* sorted by library */
	size_t n;
};

/*
 * All libraries that programs and libraries below `dir` (an unpacked
 * toolchain: DATA/toolchains/ID, or a private directory before it is
 * published) need and this machine does not have.  Reads ELF files, runs
 * nothing, and does not look at LD_LIBRARY_PATH.
 *
 * Returns 0, or a negative errno with `err` naming the file and `out` empty.
 */
int toolchain_hostlibs_missing(const char *dir,
			       struct toolchain_missing_list *out,
			       struct err *err);
void toolchain_hostlibs_release(struct toolchain_missing_list *list);

/*
 * Provide what is missing (as found in `dir` just now; `release` says which
 * compatible ones the toolchains' data knows), from, in this order:
 *
 *  - `files` (--library): a library whose file name or DT_SONAME is the name
 *    that is missing; or one that the toolchains' data calls compatible;
 *  - `debs` (--deb): distribution packages that hold such a file;
 *  - a library of this system that the data calls compatible.
 *
 * Then the programs are changed, all of them load what they need (asked from
 * the loader, which runs none of them and resolves each symbol), and every
 * driver in `bin` compiles a unit.  `log` receives a line for each library
 * and each changed file, as toolchain.json keeps them in "hostlibs":
 *
 *	library hostlib/libmpfr.so.4: system library /usr/lib/x86_64-linux-gnu/
 *		libmpfr.so.6, sha256 HEX
 *	program gcc-7.3.0-nolibc/.../cc1: runpath $ORIGIN/../../../../hostlib,
 *		sha256 HEX before, HEX after
 *
 * (each on one line), and one that begins with "without" for a program that
 * no build needs and that stays without a library.
 *
 * Every path gets a file of its own when it is changed: files of other
 * toolchains that it was a hard link to stay as they are.
 *
 * Returns 0 when nothing that a build needs is missing any more (also when
 * nothing was); -ENOENT when a library could not be had: `err` names it, who
 * needs it, which versions need none, and the options; -ENOEXEC when one that
 * was given or compatible does not work, with what the loader or compiler
 * said; -EINVAL for a file or a package that is not wanted or broken;
 * -ENOPKG when the program patchelf is needed and not installed.  After a
 * failure `dir` is fit for nothing but removal.
 */
int toolchain_hostlibs_provide(const char *dir,
			       const struct toolchain_release *release,
			       const struct toolchain_missing_list *missing,
			       const struct strv *files,
			       const struct strv *debs, struct strv *log,
			       struct err *err);

/* For its two halves: the programs, and which count. */

/*
 * The programs below `dir` that have a loader and that this machine runs, and
 * the linker's plugins; sorted, as paths that begin with `dir`.  Links are not
 * followed; each hard link is one.  0, or a negative errno with `err` set.
 */
int toolchain_hostlib_programs(const char *dir, struct strv *programs,
			       struct strv *plugins, struct err *err);
/* Is it one of those that a kernel's build calls (not gdb, gcov ...)? */
bool toolchain_hostlib_required(const char *path);

#endif

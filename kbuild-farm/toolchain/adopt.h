/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/adopt.h - a compiler of the distribution or of a vendor, left
 * where it is.
 *
 * It gets an entry among the installed ones that holds toolchain.json alone:
 * where it lies, what it says that it is, its tools, and its content id.  It
 * is not ours: it may be upgraded under the same path at any time, so
 * toolchain_adopt_check() is asked before each use.
 */
#ifndef TOOLCHAIN_ADOPT_H
#define TOOLCHAIN_ADOPT_H

#include "toolchain/installed.h"

/*
 * Adopt what `what` names: a prefix ("/usr/bin/aarch64-linux-gnu-", also
 * "aarch64-linux-gnu-" to be found on PATH of `env`), a compiler's driver
 * ("/opt/x/bin/clang-14"), or a directory that has exactly one of them in it
 * or in its "bin".  `again` takes the place of the one that has the same id.
 *
 * Returns 0 with `out`, no names published; -ENOENT when there is no compiler,
 * -E2BIG for more than one (`err` names them), -EEXIST for one that was
 * adopted before and has changed (the same one again is no error), or what
 * compiler_manifest_make() returns.
 */
int toolchain_adopt(const char *data, const char *what, bool again,
		    char *const *env, struct toolchain_installed *out,
		    struct err *err);

/*
 * Is it still what was adopted?  0, or -ESTALE with `err` saying what to do.
 * Reads as much as compiler_manifest_make().
 */
int toolchain_adopt_check(const struct toolchain_installed *t, char *const *env,
			  struct err *err);

/*
 * The tools of a compiler: the programs beside its driver that share its
 * prefix ("aarch64-linux-gnu-") or, for clang, that belong to LLVM.  Names
 * without directory, sorted.
 */
int toolchain_adopt_tools(const char *bin, const char *driver, bool is_clang,
			  struct strv *out, struct err *err);

#endif

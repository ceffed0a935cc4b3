/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/adopt.h - Adoption of a compiler that kfarm did not install.
 *
 * An adopted compiler of the distribution or a vendor gets a directory among
 * the installed toolchains.  The directory contains only toolchain.json, which
 * records the compiler's location, release, tools and manifest id.  An upgrade
 * can replace the compiler at any time without a change of its path, so callers
 * run toolchain_adopt_verify() before each use of the compiler.
 */
#ifndef TOOLCHAIN_ADOPT_H
#define TOOLCHAIN_ADOPT_H

#include "toolchain/installed.h"

/*
 * Adopt the compiler at `location`: a prefix ("/usr/bin/aarch64-linux-gnu-",
 * or "aarch64-linux-gnu-", which is searched on PATH of `env`), a driver
 * ("/opt/x/bin/clang-14"), or a directory with exactly one driver in its "bin"
 * or, without a "bin", in the directory itself.  If `replace` is true, an
 * existing toolchain that has the same id is replaced, and the links to its
 * tools are removed.
 *
 * Creates no links to the tools.  Returns 0 and fills `out`; 1 and fills `out`
 * if a toolchain with this id existed before; -ENOENT if there is no compiler;
 * -E2BIG for several drivers (`err` names them); -EEXIST if another compiler
 * was adopted with this id and `replace` is false (adopting the same compiler
 * again is not an error); or another negative errno, such as an error of
 * compiler_manifest_make().
 */
int toolchain_adopt(const char *data, const char *location, bool replace,
		    char *const *env, struct toolchain_installed *out,
		    struct err *err);

/*
 * Check that an adopted compiler is unchanged.  Returns 0, or -ESTALE with
 * `err` stating what to do.  Takes as long as compiler_manifest_make(), because
 * it reads the same files.
 */
int toolchain_adopt_verify(const struct toolchain_installed *t,
			   char *const *env, struct err *err);

/*
 * List the tools of a compiler.  For gcc, these are the programs in `bin` that
 * share the prefix of `driver` ("aarch64-linux-gnu-") or, if `driver` has no
 * prefix, have the name of a GNU tool ("ld").  For clang, these are the
 * programs of LLVM.  `out` receives file names without a directory, sorted.
 * Returns 0 or a negative errno.
 */
int toolchain_adopt_list_tools(const char *bin, const char *driver,
			       bool is_clang, struct strv *out,
			       struct err *err);

#endif

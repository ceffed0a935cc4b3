/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/plugins.h - binutils that load no foreign plugin.
 *
 * nm, ar and ranlib load every plugin that lies in ../lib/bfd-plugins beside
 * their real path.  With LLVM installed that is LLVMgold.so, 15 ms a run where
 * nm itself takes 1.3, and kbuild runs nm once for each object.  A copy of
 * the same program in a directory of ours finds our plugins: the compiler's
 * own, liblto_plugin.so, and no other.  Its name, and so all that it says of
 * itself, is as before.
 */
#ifndef COMPILER_PLUGINS_H
#define COMPILER_PLUGINS_H

#include "base/err.h"
#include "base/str.h"

/*
 * Is this the name of one of GNU's that look for plugins: "nm",
 * "aarch64-linux-gnu-nm", not "llvm-nm", "gcc-nm" or "elfedit"?
 */
bool compiler_plugins_tool(const char *name);

/*
 * The plugins, absolute paths, that the program `tool` (which may be a link)
 * loads and that are not the compiler's own; sorted.  True when there is one.
 */
bool compiler_plugins_foreign(const char *tool, struct strv *out);

/*
 * Where `tool` would load a foreign plugin: a copy of it as `dir`/NAME, and
 * links to the compiler's own plugins in ../lib/bfd-plugins beside `dir`.
 * For a toolchain that is adopted in place: `dir` is DATA/toolchains/ID/bin,
 * and the normalized name leads to the copy.
 *
 * Returns 1 when it was copied; 0 when it stays as it is: it loads none, is no
 * ELF program that uses libbfd, finds its libraries relative to itself, could
 * not be executed in `dir`, or `dir` has a file of that name; or a negative
 * errno with `err` set.
 */
int compiler_plugins_take(const char *dir, const char *tool, const char *name,
			  struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/bfd-plugins.h - Copies of binutils that load no foreign plugins.
 *
 * nm, ar and ranlib load every plugin in ../lib/bfd-plugins relative to the
 * directory of their real path.  LLVM installs the plugin LLVMgold.so there.
 * Loading this plugin takes 15 ms per run, whereas nm itself takes 1.3 ms, and
 * kbuild runs nm once per object.  A copy of the program in a directory DIR
 * loads only the plugins that are linked into DIR/../lib/bfd-plugins, such as
 * the compiler's liblto_plugin.so.  The copy has the same name, so its messages
 * are unchanged.
 */
#ifndef COMPILER_BFD_PLUGINS_H
#define COMPILER_BFD_PLUGINS_H

#include "base/err.h"
#include "base/str.h"

/*
 * Return true if `name` is a GNU tool that loads plugins: "nm" and
 * "aarch64-linux-gnu-nm", but not "llvm-nm", "gcc-nm" or "elfedit".
 */
bool compiler_bfd_plugins_is_loader_name(const char *name);

/*
 * List the absolute paths of the plugins that `tool` (a program or a link to a
 * program) loads and that belong neither to the compiler nor to binutils.  The
 * list is sorted.  Returns true if it is not empty.
 */
bool compiler_bfd_plugins_list_foreign(const char *tool, struct strv *out);

/*
 * If the program `tool` loads a foreign plugin (neither the compiler's nor
 * binutils' own), copy the program to `dir`/`name` and link the compiler's
 * plugins into `dir`/../lib/bfd-plugins.  Callers use this function for tools
 * that kfarm did not install.  For a toolchain, `dir` is
 * DATA/toolchains/ID/bin, and the link through which kfarm runs the tool (such
 * as aarch64-gcc1330-linux-nm) points to the copy.
 *
 * Returns 1 if the tool was copied, or a negative errno with `err` set.
 * Returns 0 without a copy if `dir`/`name` exists already, or if the tool loads
 * no foreign plugin, is not an ELF program that uses libbfd, finds its
 * libraries relative to its own directory, or cannot be executed in `dir`.
 */
int compiler_bfd_plugins_copy_tool(const char *dir, const char *tool,
				   const char *name, struct err *err);

#endif

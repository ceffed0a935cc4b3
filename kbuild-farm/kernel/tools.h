/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/tools.h - binutils that load no foreign plugin.
 *
 * nm, ar and ranlib load every plugin that lies in ../lib/bfd-plugins beside
 * their real path.  With LLVM installed that is LLVMgold.so, 15 ms a run where
 * nm itself takes 1.3, and kbuild runs nm once for each object.  A copy of
 * the same program in a directory of ours finds our plugins: the compiler's
 * own, liblto_plugin.so, and no other.
 */
#ifndef KERNEL_TOOLS_H
#define KERNEL_TOOLS_H

#include "base/err.h"

/*
 * Fill `dir`, which stands in front of PATH, with copies of those binutils
 * on `path` that would load a foreign plugin, under the names that they have
 * there; and ../lib/bfd-plugins beside it with links to the compiler's own.
 * What is no ELF program, finds its libraries relative to itself, or could
 * not be executed where `dir` is, stays as it is.  Returns how many were
 * copied, or a negative errno with `err` set.
 */
int kernel_tools_make(const char *dir, const char *path, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/dedup.h - equal files of several toolchains lie on disk once.
 */
#ifndef TOOLCHAIN_DEDUP_H
#define TOOLCHAIN_DEDUP_H

#include <stddef.h>

/*
 * Make files below `dir`, which nobody else uses yet, hard links to files of
 * the toolchains below `others` (the directories there that are ids) that
 * have the same bytes, permissions and time.  Two files of `dir` that were
 * not one before do not become one.  What cannot be shared stays as it is.
 * Returns how many files were shared.
 */
size_t toolchain_dedup(const char *dir, const char *others);

#endif

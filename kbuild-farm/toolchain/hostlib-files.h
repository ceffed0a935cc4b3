/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/hostlib-files.h - what hostlib's two halves have in common: the
 * programs of a toolchain, and how this machine's loader looks for libraries.
 */
#ifndef TOOLCHAIN_HOSTLIB_FILES_H
#define TOOLCHAIN_HOSTLIB_FILES_H

#include "compiler/library.h"

/*
 * The programs below `dir` that have a loader and that this machine runs, and
 * the linker's plugins; sorted, as paths that begin with `dir`.  Links are not
 * followed; each hard link is one.  0, or a negative errno with `err` set.
 */
int toolchain_hostlib_programs(const char *dir, struct strv *programs,
			       struct strv *plugins, struct err *err);
/* This machine's ld.so.cache; buf_release(&search->cache) afterwards. */
int toolchain_hostlib_search(struct compiler_search *search, struct err *err);
/* Is it one of those that a kernel's build calls (not gdb, gcov ...)? */
bool toolchain_hostlib_required(const char *path);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/links.h - the directory that makes `gcc` mean kfarm-cc.
 */
#ifndef KERNEL_LINKS_H
#define KERNEL_LINKS_H

#include "base/err.h"
#include "base/str.h"

/* The file kfarm-cc: beside the running program, else in ../libexec/kfarm,
 * else in PATH.  NULL when there is none; the caller frees it. */
char *kernel_links_wrapper(void);

/*
 * Fill `dir` with a link to `wrapper` for every compiler on `path` that is
 * an ELF file.  Names of those that are scripts go to `skipped`.
 */
int kernel_links_make(const char *dir, const char *wrapper, const char *path,
		      struct strv *skipped, struct err *err);

/*
 * Fill it with copies of those binutils on `path` that would load a foreign
 * plugin, where they are (compiler/plugins.h), and ../lib/bfd-plugins beside
 * it with links to the compiler's own.  Returns how many were copied, or a
 * negative errno with `err` set.
 */
int kernel_links_tools(const char *dir, const char *path, struct err *err);

#endif

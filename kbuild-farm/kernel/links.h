/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/links.h - the directories that make `gcc` mean kfarm-cc.
 *
 *	bin/NAME	a link to kfarm-cc, in front of PATH
 *	real/NAME	a link to the compiler that NAME was until then
 *
 * kfarm-cc that is started by the path of a link takes the compiler from
 * real/; one that is started by a name, the next of that name in PATH.
 *
 * Those of a kernel's build are in its own directory (kernel/rundir.h), as
 * kbuild knows compilers by name.  Other build systems record what they find in
 * PATH, and go on using it when kfarm has ended; so those of any other command
 * last:
 *
 *	DATA/links/kfarm-cc	a copy, which needs nothing else of kfarm
 *	DATA/links/KEY/bin/	by a digest of names and compilers: what is
 *	DATA/links/KEY/real/	in it never changes
 */
#ifndef KERNEL_LINKS_H
#define KERNEL_LINKS_H

#include "base/err.h"
#include "base/str.h"

/*
 * The file kfarm-cc: beside the running program, else in PATH.  NULL when there
 * is none; the caller frees it.
 */
char *kernel_links_wrapper(void);

/*
 * Make `dir`/bin and `dir`/real for every compiler on `path` that is an ELF
 * file; `wrapper` is kfarm-cc.  Names of those that are scripts go to
 * `skipped`.
 */
int kernel_links_make(const char *dir, const char *wrapper, const char *path,
		      struct strv *skipped, struct err *err);

/* The same in DATA/links/KEY; its bin, for the caller to free, in *bin. */
int kernel_links_lasting(char **bin, const char *wrapper, const char *path,
			 struct strv *skipped, struct err *err);

/*
 * Fill `dir` with copies of those binutils on `path` that would load a foreign
 * plugin, where they are (compiler/plugins.h), and ../lib/bfd-plugins beside
 * it with links to the compiler's own.  Returns how many were copied, or a
 * negative errno with `err` set.
 */
int kernel_links_tools(const char *dir, const char *path, struct err *err);

#endif

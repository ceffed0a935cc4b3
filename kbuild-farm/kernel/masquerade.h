/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/masquerade.h - Directories with links from compiler names to kfarm-cc.
 *
 *	bin/NAME	link to kfarm-cc, first in PATH
 *	real/NAME	link to the compiler that NAME selects without kfarm
 *
 * If kfarm-cc is started by the path of a link, it runs the compiler in real/;
 * if it is started by a name, it runs the next program of that name in PATH.
 *
 * If PATH has ccache, distcc, icecc or sccache, both directories have links for
 * these launchers, too.  If kfarm-cc is started through the link of a launcher,
 * it skips the launcher and runs the compiler that the command line names next.
 * If no C compiler follows, kfarm-cc runs the launcher.
 *
 * A kernel build has these directories in its run directory (kernel/rundir.h),
 * because kbuild calls compilers by name.  Other build systems record the path
 * that they find in PATH and use it after kfarm has ended, so the directories
 * of user commands are permanent:
 *
 *	DATA/links/kfarm-cc	copy that needs no other file of kfarm
 *	DATA/links/KEY/bin/	links to this copy
 *	DATA/links/KEY/real/	links to the compilers and launchers
 *
 * KEY is a digest of the names and paths of the compilers and launchers, so the
 * content of a directory DATA/links/KEY never changes.
 */
#ifndef KERNEL_MASQUERADE_H
#define KERNEL_MASQUERADE_H

#include "base/err.h"
#include "base/str.h"

/*
 * Return the path of kfarm-cc in the directory of the running program, else in
 * PATH, or NULL.  The caller frees it.
 */
char *kernel_masquerade_find_wrapper(void);

/*
 * Create `dir`/bin and `dir`/real with links for every compiler on `path` that
 * is an ELF file.  `wrapper` is the path of kfarm-cc.  If a compiler is a
 * script, its name is appended to `skipped`.  Returns 0 or a negative errno
 * with `err` set.
 */
int kernel_masquerade_make(const char *dir, const char *wrapper,
			   const char *path, struct strv *skipped,
			   struct err *err);

/*
 * Create the directories bin and real in DATA/links/KEY, as
 * kernel_masquerade_make() does.  *bin is the path of bin, which the caller
 * frees.
 */
int kernel_masquerade_make_permanent(char **bin, const char *wrapper,
				     const char *path, struct strv *skipped,
				     struct err *err);

/*
 * Binutils load the plugins in ../lib/bfd-plugins, relative to their own
 * directory (compiler/bfd-plugins.h).  Copy to `dir` those binutils on `path`
 * that would load another compiler's plugin, and create
 * `dir`/../lib/bfd-plugins with links to the right plugins.  Returns 0 or a
 * negative errno with `err` set.
 */
int kernel_masquerade_copy_tools(const char *dir, const char *path,
				 struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/which.h - the file that a program's name means.
 *
 * Compilers are looked up past the farm's own links and past compiler
 * caches: ccache's next "gcc" would be our link again (3,000 starts in five
 * seconds), so a name that leads to one of those is not a compiler.
 */
#ifndef BASE_WHICH_H
#define BASE_WHICH_H

#include <stdbool.h>

/*
 * The first executable file `name` of the directories in `path` (a PATH
 * value, NULL: the system's default), or a copy of `name` if it has a slash.
 * NULL when there is none; the caller frees it.
 */
char *which(const char *name, const char *path);

/*
 * As which(), but passes over names that lead to ccache, distcc, icecc,
 * sccache or kfarm-cc, and over the directory `links` (may be NULL).
 */
char *which_compiler(const char *name, const char *path, const char *links);

/* Is this a file that can be executed, or a link to one? */
bool which_is_program(const char *file);

/* Does this path, through its symbolic links, end at a compiler wrapper? */
bool which_is_wrapper(const char *file);

/*
 * The compiler, an absolute path, that a link DIR/bin/NAME of kfarm's stands
 * for: what DIR/real/NAME leads to (kernel/links.h).  `file` is such a link, or
 * a symbolic link that leads to or through one; else NULL.  The caller frees
 * it.
 */
char *which_behind(const char *file);

/* PATH without the directory `links`; the caller frees it. */
char *which_path_without(const char *path, const char *links);

#endif

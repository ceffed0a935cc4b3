/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/which.h - Search for programs in PATH.
 *
 * The search for a compiler skips compiler caches and kfarm's masquerade links,
 * which have the names of compilers and point to kfarm-cc.  A name that points
 * to a cache is skipped to prevent an endless loop: kfarm-cc starts ccache,
 * ccache searches PATH for "gcc", and finds the masquerade link, which starts
 * kfarm-cc again (3,000 starts in five seconds).
 */
#ifndef BASE_WHICH_H
#define BASE_WHICH_H

#include <stdbool.h>

/*
 * Find the first executable file `name` in the directories of `path` (a PATH
 * value; NULL for the system's default).  Returns a path that the caller frees:
 * DIR/NAME, or a copy of a `name` that contains a slash.  Returns NULL if no
 * file is found.
 */
char *which(const char *name, const char *path);

/*
 * Like which(), but skip files for which which_is_wrapper() returns true, and
 * the directory `masquerade_dir` (may be NULL).
 */
char *which_compiler(const char *name, const char *path,
		     const char *masquerade_dir);

/* Return true if `file` is an executable regular file, or a link to one. */
bool which_is_executable(const char *file);

/*
 * Return true if `name` is the name of a compiler wrapper: ccache, distcc,
 * icecc, icerun, nocc, sccache or kfarm-cc.
 */
bool which_is_wrapper_name(const char *name);

/*
 * Return the part of a command line that follows the compiler wrappers at its
 * start: "gcc -m32" for "/usr/bin/ccache distcc gcc -m32".
 */
const char *which_skip_wrappers(const char *command);

/*
 * Return true if the name of `file`, or of any file in its chain of symbolic
 * links, is the name of a compiler wrapper.
 */
bool which_is_wrapper(const char *file);

/*
 * Return the absolute path of the compiler behind the masquerade link
 * DIR/bin/NAME, which is the target of the symbolic link DIR/real/NAME.  `file`
 * is DIR/bin/NAME, or a symbolic link that points to or through DIR/bin/NAME.
 * Returns NULL for any other file.  The caller frees the path.
 */
char *which_find_real(const char *file);

/*
 * Return the PATH value `path` without `masquerade_dir`, or NULL if `path` has
 * no other element.  The caller frees the value.
 */
char *which_strip_path(const char *path, const char *masquerade_dir);

#endif

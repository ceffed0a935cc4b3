/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/compiler.h - which compiler a call of kfarm-cc means.
 *
 *	gcc -c a.c               a link in PATH: the next gcc there
 *	DATA/links/KEY/bin/gcc   a link by its path: the gcc it was made for
 *	kfarm-cc gcc -c a.c      as a launcher: the gcc in PATH
 *	kfarm-cc /opt/bin/gcc    as a launcher: that one
 */
#ifndef CC_COMPILER_H
#define CC_COMPILER_H

#include <stdbool.h>

/* Is this word kfarm-cc itself, which launches what follows it? */
bool cc_compiler_is_launcher(const char *word);

/*
 * The real compiler that argv[0] means, an absolute path in general; the
 * caller frees it.  `launched`: kfarm-cc stood before it, so that a path may be
 * the compiler's own.  `links` is the run's directory of links, NULL: none,
 * `path` the value of PATH.
 * *argv0 becomes the compiler's path where it was one.  NULL when there is
 * none, having said so.
 */
char *cc_compiler_find(char **argv0, bool launched, const char *links,
		       const char *path);

#endif

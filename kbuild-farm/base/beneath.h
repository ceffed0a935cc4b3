/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/beneath.h - directories below another one, reached through no link.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include <stdbool.h>

/*
 * Open the directory at `path` below the directory `root` (O_PATH); "" is
 * `root` itself, the path is relative and in normal form.  `make` makes what
 * is missing.  Returns a descriptor; -ELOOP when a component is a symbolic
 * link, -ENOTDIR, -ENOENT, ...
 */
int beneath_open(int root, const char *path, bool make);

#endif

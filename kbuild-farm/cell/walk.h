/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/walk.h - from the root of a view to a path, following no link of it.
 */
#ifndef CELL_WALK_H
#define CELL_WALK_H

#include <stdbool.h>

/*
 * Open the directory that `path`, in normal form, lies in (O_PATH); *leaf is
 * its last component, borrowed from it.  `make` makes what is missing.
 * Returns a descriptor; -ELOOP when a component is a symbolic link, -ENOTDIR,
 * -ENOENT, ...
 */
int cell_walk_parent(int root, const char *path, bool make, const char **leaf);

/*
 * Where `path` leads when the links of the view are followed inside it: 0
 * with a path without links, which the caller frees, in *real; -ENOENT, or
 * -ELOOP after 40 links.
 */
int cell_walk_resolve(int root, const char *path, char **real);

#endif

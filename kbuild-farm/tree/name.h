/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/name.h - names that may stand in a tree, and be written to disk.
 */
#ifndef TREE_NAME_H
#define TREE_NAME_H

#include "base/err.h"

#include <stdbool.h>

/* A path in a tree is not longer than this. */
#define TREE_PATH_MAX 4000

/*
 * One component: not empty, not "." or "..", no slash, at most NAME_MAX
 * bytes; and not what git calls its own directory, in any case: ".git", or
 * "git~1", as some file systems spell that.
 */
bool tree_name_is_fine(const char *name);
/* All components of a relative path: 0, or -EINVAL with `err` naming it. */
int tree_name_check_path(const char *path, struct err *err);

#endif

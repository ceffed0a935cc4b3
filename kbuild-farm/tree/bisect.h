/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/bisect.h - is a tree being bisected?
 */
#ifndef TREE_BISECT_H
#define TREE_BISECT_H

#include "base/str.h"

#include <stdbool.h>

/*
 * Is `git bisect` under way in the repository whose work tree, the main one or
 * a linked one, has its top at `dir`?
 */
bool tree_is_bisected(const char *dir);
/*
 * The same, of a work tree with `dir` in it; and the commits that are marked
 * good so far, in full, to `good`.
 */
bool tree_bisect_good(const char *dir, struct strv *good);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/bisect.h - is a tree being bisected?
 */
#ifndef TREE_BISECT_H
#define TREE_BISECT_H

#include <stdbool.h>

/*
 * Is `git bisect` under way in the repository whose work tree, the main one or
 * a linked one, has its top at `dir`?
 */
bool tree_is_bisected(const char *dir);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/known.h - what a worktree's index knows of its files.
 *
 * It is git's own index, so that git works in the worktree as in any other.
 */
#ifndef TREE_KNOWN_H
#define TREE_KNOWN_H

#include "tree/files.h"

/*
 * Take over what the index `file` knows of those files that are the same in
 * it.  What was changed when it was written or later is not to be trusted and
 * has an inode of 0.  Without an index, or with a damaged one, nothing is
 * known.
 */
void tree_known_read(struct tree_files *f, const char *file);
/* Write it anew, in one step: 0 or a negative errno. */
int tree_known_write(const struct tree_files *f, const char *file,
		     struct err *err);

#endif

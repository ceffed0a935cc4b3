/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/update.h - Update and removal of trees.
 */
#ifndef TREE_UPDATE_H
#define TREE_UPDATE_H

#include "tree/worker.h"

/*
 * Update a tree.  If the tree borrows the objects of a clone, first copy the
 * remotes, branches and tags of the clone.  Then fetch tags, and fetch and
 * prune the branches of all remotes of the tree's repository, except remotes
 * with skipFetchAll (git-config(1)) or without a URL.  Finally refresh the
 * tree's state (tree/state.h).  A tree that is configured but does not exist is
 * added (tree/add.h).
 *
 * Returns 0 after an on_note() call that lists the changes; -ECANCELED; or
 * another negative errno with `err` naming the first remote that failed.  A
 * failed remote does not prevent the fetches of the other remotes, and the
 * repository remains consistent.
 */
int tree_update(const char *name, const struct tree_observer *watch,
		struct err *err);
/*
 * Remove a tree, but never an adopted clone: rename the tree's directory, then
 * delete the files.  Returns 0; -ENOENT if the tree does not exist; -EBUSY if
 * it is in use; or another negative errno.  *summary is a line that names what
 * is removed, or NULL if the tree could not be opened; the caller frees it.
 */
int tree_remove(const char *name, char **summary, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/update.h - fetch what a tree's remotes have; remove a tree.
 */
#ifndef TREE_UPDATE_H
#define TREE_UPDATE_H

#include "tree/worker.h"

/*
 * Fetch all remotes of the tree's repository, prune, tags; follow the clone
 * whose objects it borrows; then look what there is (tree/state.h).  One that
 * the configuration names and nobody cloned is added (tree/add.h).
 *
 * Returns 0 with a note to the watch that says what came; -ECANCELED; or
 * another negative errno: then the repository is sound, and other remotes than
 * the one that `err` names were fetched.
 */
int tree_update(const char *name, const struct tree_watch *watch,
		struct err *err);
/*
 * Remove a tree, not a clone that was adopted, by one rename and then file by
 * file.  Returns 0 with *what, a line that says what was removed, and the
 * caller's to free; -ENOENT: there is none; -EBUSY: it is in use; or another
 * negative errno.
 */
int tree_remove(const char *name, char **what, struct err *err);

#endif

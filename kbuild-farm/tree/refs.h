/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/refs.h - the references of a tree's repository.
 */
#ifndef TREE_REFS_H
#define TREE_REFS_H

#include "tree/refset.h"
#include "tree/worker.h"

#include <git2.h>

/*
 * HEAD becomes the branch `head` (refs/heads/NAME, what the remote's HEAD is),
 * at what refs/remotes/REMOTE/NAME is, and refs/remotes/REMOTE/HEAD the latter.
 * Where `head` is NULL or was not fetched: main, master, or the first that was.
 * -ENOENT: there is no branch at all.
 */
int tree_refs_follow_head(git_repository *repo, const char *remote,
			  const char *head, struct err *err);
/*
 * Tags and branches of `from`, with HEAD, become those of `to`, which sees its
 * objects; branches that `from` has no more are removed.  `remotes`: those of
 * its remotes, too.  What changed is added to `changes`.
 */
int tree_refs_mirror(git_repository *to, git_repository *from, bool remotes,
		     struct tree_worker *w, struct tree_changes *changes,
		     struct err *err);

#endif

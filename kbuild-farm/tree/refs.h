/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/refs.h - References of a tree's repository.
 */
#ifndef TREE_REFS_H
#define TREE_REFS_H

#include "base/str.h"
#include "tree/ref-transaction.h"
#include "tree/worker.h"

#include <git2.h>
#include <stddef.h>

/*
 * List tags and branches of the repository at `path` in the form that --rev
 * accepts (such as "v6.1", "origin/master" or "main").  Appends at most `max`
 * names that begin with `prefix`; some can be duplicates.  Unreadable
 * references are skipped.
 */
void tree_ref_names_list(const char *path, const char *prefix, size_t max,
			 struct strv *out);

/* Return true if the repository has a branch of the remote. */
bool tree_refs_has_branch(git_repository *repo, const char *remote);
/*
 * Make the tree with the name `tree` follow the HEAD of the fetched remote
 * origin.  If `head` (refs/heads/NAME) was fetched, set refs/heads/NAME to
 * refs/remotes/origin/NAME, point HEAD to refs/heads/NAME, and point
 * refs/remotes/origin/HEAD to refs/remotes/origin/NAME.  If `head` is NULL and
 * `id` is a fetched commit, detach HEAD at the commit.  Otherwise, use the
 * branch of HEAD, main, master or the first fetched branch.  In this case,
 * report a note if the HEAD of an existing tree changes, or if `head` is NULL
 * in a new tree.  Returns 0, -ENOENT if no branch was fetched, or another
 * negative errno.
 */
int tree_refs_follow_head(git_repository *repo, const char *tree,
			  const char *head, const git_oid *id,
			  struct tree_worker *w, struct err *err);
/*
 * Copy the tags, branches, remote-tracking branches and HEAD of `from` to `to`,
 * which must be able to read the objects of `from`.  Remove branches that
 * `from` does not have.  `fetched` contains the destinations of the refspecs of
 * `to`, possibly with wildcards, or is NULL for a new repository.  A branch
 * that matches a destination is only moved forward, and a tag that matches is
 * not changed.  The numbers of changes are added to `changes`.  Returns 0 or
 * -errno.
 */
int tree_refs_mirror(git_repository *to, git_repository *from,
		     const struct strv *fetched, struct tree_worker *w,
		     struct tree_ref_changes *changes, struct err *err);

#endif

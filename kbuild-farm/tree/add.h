/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/add.h - Addition of a tree: a clone, an adopted clone or an import.
 *
 * The tree is created under a temporary name and published by one rename, so
 * that it exists completely or not at all.
 */
#ifndef TREE_ADD_H
#define TREE_ADD_H

#include "base/str.h"
#include "tree/fetch.h"
#include "tree/worker.h"

#include <git2.h>

struct tree_add {
	const char *name;
	/*
	 * A URL (tree/url.h) or the path of a clone, a directory or an archive.
	 * A URL is cloned.  A clone is adopted: unless `in_place` is true, the
	 * tree's repository borrows the objects of the clone.  Any other
	 * directory, or an archive, is imported.
	 */
	const char *source;
	bool in_place; /* the tree uses the repository of the adopted clone */
	/* commits to fetch per branch (requires git); 0 for all */
	unsigned depth;
	struct strv branches; /* branches to fetch; empty for all */
	const struct tree_observer *watch;
};

/*
 * Add a tree without changing the configuration.  Returns 0; -EEXIST if the
 * tree exists; -EBUSY if another process is adding it; -ECANCELED if
 * *watch->cancel becomes true; or another negative errno.  On success *url is
 * the URL or the absolute path to store in the configuration, and the caller
 * frees it.
 */
int tree_add(const struct tree_add *a, char **url, struct err *err);
/*
 * Make the repository at `repository` borrow the objects of the clone `from`:
 * write the object directory of the clone to TREE_GIT_ALTERNATES.  Also write
 * the absolute paths of the object directories from which the clone borrows,
 * because libgit2 1.5 ignores a relative path in the alternates of another
 * repository.  Returns 0 or a negative errno.
 */
int tree_add_write_alternates(const char *repository, git_repository *from,
			      struct err *err);
/*
 * Make the repository at `repository` as shallow as the clone `from`, from
 * which it borrows: copy the clone's file "shallow", which lists the commits at
 * which the history ends.  Commits that fetches have added to the repository's
 * own file "shallow" remain in the file, unless the clone contains them.
 * Returns 0 or a negative errno.
 */
int tree_add_copy_shallow(const char *repository, git_repository *from,
			  struct err *err);
/*
 * Replace the settings url, fetch, tagOpt and skipFetchAll of all remotes with
 * those of `from`.  Other settings, some of which name programs, are not
 * copied.  Returns 0; -EINVAL if a URL, a refspec or an insteadOf of `from` has
 * no value; or another negative errno.
 */
int tree_add_copy_remotes(git_repository *to, git_repository *from,
			  struct err *err);
/*
 * Restrict fetches from origin to the branch that the server's HEAD names, and
 * set f->head_ref to this branch.  Callers use this if the user requests a
 * depth but names no branch, or if none of a shallow tree's branches exists on
 * the server any more.  Returns 0 or a negative errno.
 */
int tree_add_narrow_to_head(struct tree_fetch *f, struct err *err);

#endif

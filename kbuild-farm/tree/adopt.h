/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/adopt.h - Adoption of an existing clone as a tree.
 *
 * The clone is never written, unless it is adopted in place.  Then updates
 * fetch into it like `git fetch --all --prune`.
 */
#ifndef TREE_ADOPT_H
#define TREE_ADOPT_H

#include "tree/ref-transaction.h"
#include "tree/worker.h"

#include <git2.h>

/* Return true if `path` is the top of a clone or a bare repository. */
bool tree_adopt_is_repository(const char *path);
/*
 * Create a bare repository at `repository` that borrows the objects of the
 * clone at `source` and has its branches, tags and remotes.  Returns 0 or a
 * negative errno.  The caller frees *out.
 */
int tree_adopt_borrow(const char *repository, const char *source,
		      struct tree_worker *w, git_repository **out,
		      struct err *err);
/*
 * Create a symbolic link at `repository` to the repository of the clone at
 * `source`, and open the repository.  Returns 0 or a negative errno.  The
 * caller frees *out.
 */
int tree_adopt_in_place(const char *repository, const char *source,
			git_repository **out, struct err *err);
/*
 * Copy the branches and tags of the clone whose objects `repo` borrows, and add
 * the differences to `changes`.  If `repo` borrows no objects, set *borrows to
 * false and do nothing.  References whose commits the clone has lost are
 * dropped, with a note that begins with `name`.
 */
int tree_adopt_follow(git_repository *repo, const char *name,
		      struct tree_worker *w, struct tree_ref_changes *changes,
		      bool *borrows, struct err *err);

#endif

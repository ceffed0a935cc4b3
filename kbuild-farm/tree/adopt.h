/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/adopt.h - a tree out of a clone that somebody has.
 *
 * The clone is never written to, unless it is adopted in place: then updates
 * fetch into it, as `git fetch --all --prune` would.
 */
#ifndef TREE_ADOPT_H
#define TREE_ADOPT_H

#include "tree/refset.h"
#include "tree/worker.h"

#include <git2.h>

/* Is `path` the top of a clone, or a bare repository? */
bool tree_adopt_is_repository(const char *path);
/*
 * A bare repository at `repository` that borrows the objects of the clone at
 * `source`, with its branches, tags and remotes; in *out.
 */
int tree_adopt_borrow(const char *repository, const char *source,
		      struct tree_worker *w, git_repository **out,
		      struct err *err);
/* A symbolic link at `repository` to the clone's own; opened in *out. */
int tree_adopt_in_place(const char *repository, const char *source,
			git_repository **out, struct err *err);
/*
 * Follow the branches and tags of the clone whose objects `repo` borrows, and
 * count what changed; *borrows says whether it does.  What the clone has lost
 * is dropped, with a note that begins with `name`.
 */
int tree_adopt_follow(git_repository *repo, const char *name,
		      struct tree_worker *w, struct tree_changes *changes,
		      bool *borrows, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/known.h - what is known of a worktree's files.
 *
 *	GIT_DIR/index	git's own index, so that git works in the worktree
 *	GIT_DIR/listed	"COMMIT SUM\n": the index with that sum at its end lists
 *			what this commit consists of, so that its trees need not
 *			be read
 */
#ifndef TREE_KNOWN_H
#define TREE_KNOWN_H

#include "tree/files.h"
#include "tree/index.h"

/* A zeroed one is none. */
struct tree_known {
	struct tree_index index;
	bool listed; /* the index is the commit's list */
};

/*
 * The files of `commit`, in `f`, with what the index knows of those that are
 * the same in it.  What was changed when it was written or later is not to be
 * trusted and has an inode of 0.  Without an index, or with a damaged one,
 * nothing is known.  `k` must outlive `f`.
 */
int tree_known_read(struct tree_known *k, struct tree_files *f,
		    git_repository *repo, const git_oid *commit,
		    const char *git_dir, struct err *err);
/* Write both anew, each in one step: 0 or a negative errno. */
int tree_known_write(const struct tree_files *f, const git_oid *commit,
		     const char *git_dir, struct err *err);
void tree_known_release(struct tree_known *k);

#endif

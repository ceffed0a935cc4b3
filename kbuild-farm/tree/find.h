/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/find.h - which commit a revision means.
 */
#ifndef TREE_FIND_H
#define TREE_FIND_H

#include "base/err.h"

#include <git2.h>

/* A zeroed one is none. */
struct tree_found {
	git_oid commit;
	char *branch; /* "main", "origin/linux-6.1.y"; NULL: it is no branch's
			 name */
};

/*
 * As gitrevisions(7): a tag, a branch, one of a remote (REMOTE/BRANCH, or
 * BRANCH alone where no other remote has one of that name), a commit's
 * digits or the first of them, each with ~N, ^N, ^{commit} behind it.  NULL is
 * HEAD, the tree's own branch.
 *
 * Returns 0; -ENOENT with `err` naming what is like it; -EINVAL for what is no
 * commit or means several; or another negative errno.
 */
int tree_find(struct tree_found *out, git_repository *repo, const char *rev,
	      struct err *err);
void tree_found_release(struct tree_found *f);

#endif

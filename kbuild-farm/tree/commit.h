/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/commit.h - a commit of a tree, without a worktree of it.
 */
#ifndef TREE_COMMIT_H
#define TREE_COMMIT_H

#include "base/err.h"

#include <stdbool.h>

/* A zeroed one is none. */
struct tree_commit {
	char *id; /* 40 hexadecimal digits */
	char *subject;
};

/*
 * The commit that `rev` (as tree/find.h; NULL: HEAD) means in the tree that
 * kfarm manages by that name.  Returns 0, or what tree_home_open() and
 * tree_find() return.
 */
int tree_commit_find(struct tree_commit *out, const char *tree, const char *rev,
		     struct err *err);
void tree_commit_release(struct tree_commit *c);
/*
 * "v6.1-12-gabcdef012345", as `git describe --tags --abbrev=12`, else its
 * first twelve digits; the caller frees it.  It may take seconds in a long
 * history.
 */
char *tree_commit_describe(const char *tree, const char *id);
/*
 * The best commit that both have, in *out for the caller to free; `a` itself
 * where `b` comes from it.  -ENOENT where they have none.
 */
int tree_commit_base(const char *tree, const char *a, const char *b, char **out,
		     struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/git-fetch.h - Fetch by the program git, for shallow repositories.
 */
#ifndef TREE_GIT_FETCH_H
#define TREE_GIT_FETCH_H

#include "base/str.h"
#include "tree/worker.h"

#include <git2.h>

struct tree_git_fetch {
	struct tree_worker *worker;
	git_repository *repo;
	unsigned depth; /* commits per branch; 0 for all */
	const char *remote;
};

/*
 * Run `git fetch --prune REMOTE SPEC...` in the repository of `f`, with --depth
 * unless f->depth is 0.  Returns 0, -EIO with git's message in `err`, or
 * another negative errno if git cannot be started.
 */
int tree_git_fetch(const struct tree_git_fetch *f, const struct strv *specs,
		   struct err *err);

#endif

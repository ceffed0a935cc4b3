/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/git-program.h - the program git, for what libgit2 1.5 cannot do: fetch
 * a part of the history.
 */
#ifndef TREE_GIT_PROGRAM_H
#define TREE_GIT_PROGRAM_H

#include "tree/worker.h"

/*
 * `git fetch --prune REMOTE` in the repository at `path`, with --depth where
 * `depth` is not 0.  Returns 0; -ENOENT where there is no git; or -EIO with
 * what it said.
 */
int tree_git_program_fetch(struct tree_worker *w, const char *path,
			   const char *remote, unsigned depth, struct err *err);

#endif

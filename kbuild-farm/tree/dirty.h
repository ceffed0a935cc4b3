/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/dirty.h - Comparison of a git worktree with its commit.
 *
 * The files in the worktree are compared with HEAD; staged content has no
 * effect.  Untracked files count as differences unless they are ignored.  The
 * content of a submodule is not compared.  Nothing is written: unlike `git
 * status`, the comparison does not refresh the index.
 */
#ifndef TREE_DIRTY_H
#define TREE_DIRTY_H

#include "base/digest.h"

#include <stdatomic.h>
#include <stdbool.h>

struct tree_dirty {
	bool valid; /* the directory is the top of a worktree with a commit */
	size_t n_files; /* number of files that differ */
	/*
	 * SHA-256 over one entry per differing file, sorted by path (strcmp):
	 * the path, a NUL, and "MODE ID\n" of the file in the worktree (octal
	 * mode, git's blob id in hexadecimal), or "gone\n" if the worktree
	 * lacks the file.  Times, owners and staged content have no effect.
	 */
	struct digest digest;
};

/*
 * Compare the worktree at `dir` with its commit.  May run on any thread.
 * Returns 0; -ECANCELED once *stop is true (`stop` may be NULL); or another
 * negative errno with `err` naming the file that cannot be read.  out->valid is
 * false after an error and for a directory that is not a worktree.
 */
int tree_dirty_read(struct tree_dirty *out, const char *dir,
		    const atomic_bool *stop, struct err *err);

#endif

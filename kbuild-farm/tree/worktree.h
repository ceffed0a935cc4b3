/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/worktree.h - Private worktree of a tree, updated from commit to commit.
 *
 *	DIR/src		the files; src/.git refers to DIR/git
 *	DIR/git		HEAD, the index, and `commondir`, which names the tree's
 *			repository; that repository is never written
 *	DIR/git/index	git's own index, so that git works in the worktree
 *	DIR/git/listed	"COMMIT SUM\n": the index with the checksum SUM lists
 *			the files of COMMIT, so git trees need not be read
 *
 * The layout is that of `git worktree add --detach`.  git and kbuild's
 * setlocalversion therefore work as in any checkout of the commit.  However,
 * the repository does not list the worktree.
 *
 * A checkout touches only files that differ.  Files whose content and mtime are
 * unchanged keep the mtime; other files get the time of the checkout, so that
 * make rebuilds what depends on them.  Paths that the commit lacks are removed,
 * and changes by other programs are detected by the stat data of the index and
 * reverted.  After an interruption, the next checkout compares contents and
 * thus does not write a finished file again.
 *
 * Nothing outside DIR is written, whatever the commit contains.  Files are
 * written as they are in the repository; .gitattributes has no effect.
 * Submodules are empty directories.
 */
#ifndef TREE_WORKTREE_H
#define TREE_WORKTREE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_worktree_setup {
	const char *repository;
	const char *rev; /* revision for tree_rev_parse(); NULL: HEAD */
	const char *dir; /* must exist and be used by no other process */
	/*
	 * Build directory of earlier builds, or NULL.  Written files get a
	 * later mtime than all files in this directory, even if the clock was
	 * set back.
	 */
	const char *build_dir;
	/*
	 * Report the number of processed files and of all files.  Called a few
	 * times per second from the caller's thread; may be NULL.
	 */
	void (*on_progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
};

/* State after a checkout. */
struct tree_worktree {
	char *src; /* DIR/src */
	char *commit; /* 40 hexadecimal digits */
	char *branch; /* branch that the revision names, or NULL */
	char *previous_commit; /* commit before the checkout, or NULL */
	size_t n_files, n_written, n_removed;
};

/*
 * Check out a commit.  Returns 0, the errors of tree_rev_parse() and
 * tree_files_read(), or another negative errno with `err` naming the file.
 * After an error, the next checkout continues the incomplete one.  The caller
 * releases *out.
 */
int tree_worktree_checkout(struct tree_worktree *out,
			   const struct tree_worktree_setup *setup,
			   struct err *err);
void tree_worktree_release(struct tree_worktree *w);

#endif

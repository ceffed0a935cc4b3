/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/worktree.h - a private worktree of a tree, moved from commit to commit.
 *
 *	DIR/src		the files; src/.git leads to DIR/git
 *	DIR/git		HEAD, the index, and `commondir`: the repository, in
 *			which nothing is written
 *
 * It is what `git worktree add --detach` makes, but for the repository not
 * knowing of it; so git, and kbuild's setlocalversion, see in it what they see
 * in any checkout of that commit.
 *
 * Moving it touches only files that differ: those keep their dates whose
 * content stays, the others get the date of the move, so that make builds
 * again what depends on them.  What is no part of the commit is removed, and
 * what others changed is put right, by the stamps that the index holds.  A
 * move that was interrupted is gone on with: what is right already is told by
 * its content.
 *
 * Nothing is written outside of DIR, whatever the commit has in it.  Files are
 * written as they are in the repository: .gitattributes changes none.
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
	const char *rev; /* as tree/find.h; NULL: HEAD */
	const char *dir; /* is there; nobody else uses it meanwhile */
	/*
	 * What was built from it, or NULL: files that are written get a later
	 * date than anything there, also when the clock was set back.
	 */
	const char *built;
	/*
	 * Some times a second while files are written: how many of how many.
	 * From the caller's thread; may be NULL.
	 */
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
};

/* Where it is now. */
struct tree_worktree {
	char *src; /* DIR/src */
	char *commit; /* 40 hexadecimal digits */
	char *branch; /* of the revision's name, or NULL */
	char *was; /* the commit of before, or NULL */
	size_t files, written, removed;
};

/*
 * Move it.  Returns 0, what tree_find() and tree_files_read() return, or
 * another negative errno with `err` naming the file: then the next move goes
 * on with what this one began.
 */
int tree_worktree_move(struct tree_worktree *out,
		       const struct tree_worktree_setup *setup,
		       struct err *err);
void tree_worktree_release(struct tree_worktree *w);

#endif

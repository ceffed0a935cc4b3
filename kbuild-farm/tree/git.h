/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/git.h - libgit2 as kfarm wants it, and what it says when it fails, as a
 * struct err.
 */
#ifndef TREE_GIT_H
#define TREE_GIT_H

#include "base/err.h"

/*
 * git_libgit2_init(), after which a repository of another user may be read, as
 * no program that it names is run, and one with settings for each worktree be
 * opened.  git_libgit2_shutdown() ends it.
 */
void tree_git_init(void);
/*
 * `code` is what a function of libgit2 returned, below 0.  Sets `err` to the
 * words and libgit2's own.  Returns -ENOENT for what is not there, -ENOSPC or
 * -EACCES where it can be told, -EPROTONOSUPPORT for a repository of SHA-256
 * objects, else -EIO.
 */
int tree_git_failed(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where a server has such a repository. */
int tree_git_sha256(struct err *err, const char *where);

#endif

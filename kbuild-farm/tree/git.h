/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/git.h - what libgit2 says when it fails, as a struct err.
 */
#ifndef TREE_GIT_H
#define TREE_GIT_H

#include "base/err.h"

/*
 * `code` is what a function of libgit2 returned, below 0.  Sets `err` to the
 * words and libgit2's own.  Returns -ENOENT for what is not there, -ENOSPC or
 * -EACCES where it can be told, else -EIO.
 */
int tree_git_failed(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

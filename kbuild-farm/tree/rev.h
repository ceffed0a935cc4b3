/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/rev.h - which revision a kernel source tree is at, and its date.
 *
 * The date goes into the kernel as KBUILD_BUILD_TIMESTAMP, so that two
 * builds of one revision are equal.
 */
#ifndef TREE_REV_H
#define TREE_REV_H

#include "base/err.h"

#include <stdbool.h>

/* The strings are NULL where the tree is not a git repository. */
struct tree_rev {
	long long time; /* seconds since 1970, of the commit */
	char *commit; /* 40 hexadecimal digits */
	char *branch; /* "master"; NULL when HEAD is detached */
	char *describe; /* a tag of this very commit, else its first digits */
	char *url; /* of the remote "origin" */
};

/*
 * Read what HEAD of the repository at `dir` is (a linked worktree's, too).
 * `dir` itself has to be the top: a tarball unpacked inside of some other
 * repository is no part of that.  Without a repository, or with one that
 * has no commit, `time` is the Makefile's mtime.
 *
 * Returns 0, or a negative errno when there is no Makefile either.
 */
int tree_rev_read(struct tree_rev *r, const char *dir, struct err *err);
void tree_rev_release(struct tree_rev *r);

#endif

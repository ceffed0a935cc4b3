/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/halve.h - the commit that halves what lies between good ones and a bad
 * one, as git-bisect(1) picks it.
 */
#ifndef TREE_HALVE_H
#define TREE_HALVE_H

#include "base/err.h"
#include "base/str.h"

/* A zeroed one is empty. */
struct tree_halved {
	char *next; /* the commit to try; NULL: none is left to be tried */
	size_t between; /* commits that may be the first bad one */
	/* Where `next` is NULL: these, 40 digits each, and their subjects; one
	   means that it is found. */
	struct strv left, subjects;
};

/*
 * Of the tree that kfarm manages by that name.  Between them are the commits
 * that `bad` comes from and none of `good` does, with `bad` itself.  Of these,
 * but for `bad` and those in `skipped`, *out names the one that tells most,
 * whatever comes of it: from which as near as can be to half of them come.
 *
 * Returns 0; -ENOENT for a commit that is not there; -EINVAL when `bad` is part
 * of a good one; or another negative errno.
 */
int tree_halve(struct tree_halved *out, const char *tree,
	       const struct strv *good, const char *bad,
	       const struct strv *skipped, struct err *err);
void tree_halved_release(struct tree_halved *h);

#endif

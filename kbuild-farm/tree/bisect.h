/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/bisect.h - Bisection of a managed tree, and detection of `git bisect`.
 *
 * Commits are chosen by the same rule as in git-bisect(1).
 */
#ifndef TREE_BISECT_H
#define TREE_BISECT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* One step of a bisection.  A zeroed struct is empty. */
struct tree_bisect_step {
	char *next; /* commit to test next; NULL if no commit is left to test */
	/* number of commits that may be the first bad one */
	size_t n_candidates;
	/*
	 * If `next` is NULL: ids (40 hexadecimal digits) and subjects of the
	 * remaining candidates.  A single candidate is the first bad commit.
	 */
	struct strv candidates, subjects;
};

/*
 * Choose the commit to test next in the managed tree `tree`.  The candidates
 * are `bad` and its ancestors, without the commits in `good` and their
 * ancestors.  out->next is never `bad` or a commit in `skipped`.  About half of
 * the candidates are out->next and its ancestors.  A test of out->next thus
 * excludes about half of the candidates, whether the result is good or bad.
 *
 * Returns 0; -ENOENT for an unknown commit; -EINVAL for an invalid id, or if
 * `bad` is in `good` or is an ancestor of a commit in `good`; or another
 * negative errno.  The caller releases *out.
 */
int tree_bisect_choose(struct tree_bisect_step *out, const char *tree,
		       const struct strv *good, const char *bad,
		       const struct strv *skipped, struct err *err);
void tree_bisect_step_release(struct tree_bisect_step *h);

/*
 * Return true if `git bisect` is active in the worktree (main or linked) whose
 * top directory is `dir`.
 */
bool tree_bisect_is_active(const char *dir);
/*
 * Return true if `git bisect` is active in the worktree that contains `dir`,
 * and append the full ids of the commits marked good to `good`.
 */
bool tree_bisect_list_good(const char *dir, struct strv *good);

#endif

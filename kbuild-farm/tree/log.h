/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/log.h - Commits of a tree: lookup, description and log.
 */
#ifndef TREE_LOG_H
#define TREE_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A zeroed struct is empty. */
struct tree_commit {
	char *id; /* 40 hexadecimal digits */
	char *subject;
};

/*
 * Find a commit in the managed tree whose name is `tree`.  `rev` is a revision
 * for tree_rev_parse(), or NULL for HEAD.  Returns 0 or the errors of
 * tree_datadir_open() and tree_rev_parse().  The caller releases *out.
 */
int tree_commit_find(struct tree_commit *out, const char *tree, const char *rev,
		     struct err *err);
void tree_commit_release(struct tree_commit *c);
/*
 * Describe a commit like `git describe --tags --abbrev=12`, for example as
 * "v6.1-12-gabcdef012345".  If neither the commit nor an ancestor has a tag,
 * return the first twelve digits of `id`.  The caller frees the result.  In a
 * long history, the call may take seconds.
 */
char *tree_commit_describe(const char *tree, const char *id);
/*
 * Find the merge base of two commits.  *out, which the caller frees, is `a`
 * itself if `b` descends from `a`.  Returns 0, -ENOENT for unrelated commits,
 * or another negative errno.
 */
int tree_commit_merge_base(const char *tree, const char *a, const char *b,
			   char **out, struct err *err);

struct tree_commit_log_entry {
	char *commit; /* 40 hexadecimal digits */
	char *subject; /* as the author wrote it: any bytes except a newline */
};

/* Result of tree_commit_log_read().  A zeroed struct is empty. */
struct tree_commit_log {
	struct tree_commit_log_entry *v; /* newest first */
	size_t n;
	/* number of all commits that `to` has and `from` lacks */
	size_t n_total;
	/* number of commits that `from` has and `to` lacks */
	size_t n_missing;
};

/*
 * Read at most `max` of the commits that `to` has and `from` lacks, in the
 * repository at the path `repository`.  `from` and `to` are commit ids of 40
 * hexadecimal digits.
 *
 * Returns 0; -ENOENT if the repository lacks one of the two commits; -EINVAL
 * for an invalid id; or another negative errno.  The caller releases *out.
 */
int tree_commit_log_read(struct tree_commit_log *out, const char *repository,
			 const char *from, const char *to, size_t max,
			 struct err *err);
void tree_commit_log_release(struct tree_commit_log *l);

#endif

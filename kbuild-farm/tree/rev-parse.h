/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/rev-parse.h - Revision of a source tree, and lookup of revisions.
 */
#ifndef TREE_REV_PARSE_H
#define TREE_REV_PARSE_H

#include "base/err.h"

#include <git2.h>
#include <stdbool.h>

/*
 * The revision of a source tree.  Strings are NULL if the tree is not a git
 * repository.
 */
struct tree_rev {
	/*
	 * date of the commit in seconds since the epoch, used as
	 * KBUILD_BUILD_TIMESTAMP so that builds of one revision are equal
	 */
	long long time_s;
	char *commit; /* 40 hexadecimal digits */
	char *branch; /* such as "master"; NULL if HEAD is detached */
	char *describe; /* name of a tag of this commit, or abbreviated id */
	char *url; /* URL of the remote "origin", from url_redact() */
};

/*
 * Read HEAD of the repository at `dir`, which may be a linked worktree.  `dir`
 * must be the top of the repository, because a tarball that was unpacked inside
 * another repository does not belong to that repository.  If `dir` has no
 * repository or no commit, `time_s` is the mtime of the Makefile.
 *
 * Returns 0, or -errno if there is no Makefile either.  The caller releases *r.
 */
int tree_rev_read(struct tree_rev *r, const char *dir, struct err *err);
void tree_rev_release(struct tree_rev *r);

/* Result of tree_rev_parse().  A zeroed struct is empty. */
struct tree_rev_parsed {
	git_oid commit;
	/*
	 * such as "main" or "origin/linux-6.1.y"; NULL if the revision is not a
	 * branch
	 */
	char *branch;
};

/*
 * Advice that an error contains if no name in the tree resembles the revision.
 */
#define TREE_REV_PARSE_ADVICE "; run `kfarm tree update` to fetch new revisions"

/*
 * Parse a revision as in gitrevisions(7): a tag, a branch, a remote-tracking
 * branch (REMOTE/BRANCH, or BRANCH if only one remote has it), or a commit id,
 * which may be abbreviated.  Each of these may be followed by ~N, ^N or
 * ^{commit}.  If `rev` is NULL, HEAD is parsed.
 *
 * Returns 0; -ENOENT with a similar name or the advice in `err`; -EINVAL if the
 * revision is ambiguous or not a commit; or another negative errno.
 */
int tree_rev_parse(struct tree_rev_parsed *out, git_repository *repo,
		   const char *rev, struct err *err);

#endif

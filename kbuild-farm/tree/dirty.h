/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/dirty.h - in what a checkout differs from its commit.
 *
 * It is only looked at: the index is not refreshed, as `git status` would.
 * Files that are staged count as others; so do files that git does not know,
 * unless they are ignored.  What a submodule holds does not.
 */
#ifndef TREE_DIRTY_H
#define TREE_DIRTY_H

#include "base/digest.h"

#include <stdatomic.h>
#include <stdbool.h>

struct tree_dirty {
	bool known; /* it is the top of a checkout with a commit */
	size_t n; /* files that differ; 0: clean */
	/*
	 * Of the differences: SHA-256 over, for each file by path (strcmp), the
	 * path, a NUL, and "MODE ID\n" of what is there (mode in octal, id of
	 * git's blob in hexadecimal), or "gone\n".  Times, owners and what is
	 * staged have no part in it.
	 */
	struct digest digest;
};

/*
 * Look at `dir`, on any thread.  Returns 0, -ECANCELED once *stop is true (may
 * be NULL), or a negative errno with `err` naming what cannot be read; then,
 * and where there is no repository, `known` is false.
 */
int tree_dirty_read(struct tree_dirty *out, const char *dir,
		    const atomic_bool *stop, struct err *err);

#endif

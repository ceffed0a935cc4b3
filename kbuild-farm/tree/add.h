/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/add.h - a new tree: cloned, adopted or imported.
 *
 * All is made under a name of its own and gets the tree's by one rename, so
 * that a tree is there whole or not at all.
 */
#ifndef TREE_ADD_H
#define TREE_ADD_H

#include "base/str.h"
#include "tree/worker.h"

struct tree_add {
	const char *name;
	/*
	 * A URL (tree/url.h) is cloned.  The path of a clone is adopted: a
	 * repository of ours borrows its objects.  The path of any other
	 * directory, or of a tarball, is imported.
	 */
	const char *source;
	bool in_place; /* an adopted clone is the tree itself */
	unsigned depth; /* commits of each branch, 0: all; by the program git */
	struct strv branches; /* to be fetched, empty: all */
	const struct tree_watch *watch;
};

/*
 * Add it, without the configuration.  Returns 0 with *url, what belongs there
 * as url: the URL, or the absolute path; the caller frees it.  -EEXIST: there
 * is such a tree; -EBUSY: another kfarm is adding it; -ECANCELED; or another
 * negative errno.
 */
int tree_add(const struct tree_add *a, char **url, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/index.h - git's index, read without touching it.
 *
 * Format: gitformat-index(5), versions 2 to 4.  libgit2 reads it as well, in
 * ten times the time, which a build that has nothing to do would notice.
 */
#ifndef TREE_INDEX_H
#define TREE_INDEX_H

#include "base/buf.h"
#include "base/err.h"

#include <git2.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Of flags_extended: the file need not be there; nothing is staged yet. */
#define TREE_INDEX_SKIP  (1u << 14)
#define TREE_INDEX_LATER (1u << 13)
/* Of flags: taken for unchanged; the bits of a conflict's stage. */
#define TREE_INDEX_VALID 0x8000u
#define TREE_INDEX_STAGE 0x3000u

/* A zeroed one is empty. */
struct tree_index {
	git_index_entry *v; /* sorted; the paths are in `text` or `paths` */
	size_t n;
	struct buf text, paths;
	struct stat st; /* of the file */
	git_oid sum; /* over all of it */
	git_oid root; /* the tree that it is exactly; zero: not known */
};

/*
 * Returns 0; -ENOENT: there is none; -EBADMSG with `err` for one that is
 * damaged, or split or sparse, as `git` alone can read it; or a negative errno.
 */
int tree_index_read(struct tree_index *x, const char *file, struct err *err);
void tree_index_release(struct tree_index *x);

#endif

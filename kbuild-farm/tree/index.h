/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/index.h - Read-only parser of git's index.
 *
 * The format is that of gitformat-index(5), versions 2 to 4.  libgit2 would
 * take ten times as long, which is noticeable in a build where nothing changed.
 */
#ifndef TREE_INDEX_H
#define TREE_INDEX_H

#include "base/buf.h"
#include "base/err.h"

#include <git2.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * Bits of flags_extended.  SKIP: the file may be missing (skip-worktree).
 * INTENT_TO_ADD: the file has no staged content (git add --intent-to-add).
 */
#define TREE_INDEX_SKIP          (1u << 14)
#define TREE_INDEX_INTENT_TO_ADD (1u << 13)
/*
 * Bits of flags.  ASSUME_VALID: the file is assumed to be unchanged.  STAGE:
 * the stage of an entry in a merge conflict.
 */
#define TREE_INDEX_ASSUME_VALID 0x8000u
#define TREE_INDEX_STAGE        0x3000u

/* The entries of an index file.  A zeroed struct is empty. */
struct tree_index {
	/* Sorted by path.  The paths are in `text` or `paths`. */
	git_index_entry *entries;
	size_t n_entries;
	struct buf text, paths;
	struct stat file_stat; /* stat data of the index file */
	git_oid checksum; /* checksum of the index file */
	/* id of the tree that `git write-tree` would create; zero if unknown */
	git_oid root_tree;
};

/*
 * Read an index file.  Returns 0; -ENOENT if it does not exist; -EBADMSG if it
 * is damaged, split or sparse; or another negative errno.
 */
int tree_index_read(struct tree_index *x, const char *file, struct err *err);
void tree_index_release(struct tree_index *x);

#endif

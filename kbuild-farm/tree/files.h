/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/files.h - List of all files of a commit.
 */
#ifndef TREE_FILES_H
#define TREE_FILES_H

#include "base/err.h"

#include <git2.h>
#include <stdbool.h>

#define TREE_FILES_MAX 1000000

/* A directory.  The files below it are entries[first] to entries[end - 1]. */
struct tree_dir {
	char *path; /* "" for the top */
	unsigned depth;
	size_t first, end;
};

struct tree_files {
	/* Sorted by path (strcmp).  Unknown stat data are zero. */
	git_index_entry *entries;
	size_t n_entries;
	bool paths_borrowed; /* the paths belong to an index */
	/* All directories, sorted by depth, then by path (strcmp). */
	struct tree_dir *dirs;
	size_t n_dirs;
};

/*
 * List the files of a commit.  Returns 0; -EINVAL with `err` naming a path that
 * must not be written to disk: a component that tree/git.h rejects, a duplicate
 * path, a file that is also a directory, or a mode unknown to git; -E2BIG
 * beyond TREE_FILES_MAX; or another negative errno if the repository is damaged
 * or lacks objects.
 */
int tree_files_read(struct tree_files *out, git_repository *repo,
		    const git_oid *commit, struct err *err);
struct tree_index;
/*
 * List the files of an index, which must outlive `out`.  A path in conflict is
 * listed once, with the flags of its first stage.
 */
int tree_files_from_index(struct tree_files *out,
			  const struct tree_index *index, struct err *err);
void tree_files_release(struct tree_files *f);

/*
 * Search entries[first] to entries[end - 1] for `path`.  Returns the entry or
 * NULL.
 */
git_index_entry *tree_files_find(const struct tree_files *f, size_t first,
				 size_t end, const char *path);
/* Return the directory `path`, which has `depth` path components, or NULL. */
struct tree_dir *tree_files_find_dir(const struct tree_files *f, unsigned depth,
				     const char *path);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/files.h - all files of a commit's tree, in one list.
 */
#ifndef TREE_FILES_H
#define TREE_FILES_H

#include "base/err.h"

#include <git2.h>
#include <stdbool.h>

#define TREE_FILES_MAX 1000000

/* A directory that files lie in: those of the list from `first` up to `end`. */
struct tree_dir {
	char *path; /* "" is the top */
	unsigned depth;
	size_t first, end; /* with those of directories below it */
};

struct tree_files {
	/*
	 * Sorted by path (strcmp).  What the file system said of a file is
	 * zeroed where that is not known.
	 */
	git_index_entry *v;
	size_t n;
	bool borrowed; /* the paths are an index's */
	/* All directories, by depth and path (strcmp). */
	struct tree_dir *dir;
	size_t n_dirs;
};

/*
 * What a commit consists of.  Returns 0, or -EINVAL with `err` naming the path
 * for what must not be written to disk: names as tree/name.h refuses them, a
 * path twice, a file that is a directory as well, modes that git does not
 * know; -E2BIG beyond TREE_FILES_MAX; or a negative errno for a repository
 * that is damaged or lacks objects.
 */
int tree_files_read(struct tree_files *out, git_repository *repo,
		    const git_oid *commit, struct err *err);
/*
 * The same of an index, which must outlive it.  Of the sides of a conflict
 * there is one, with their flags.
 */
struct tree_index;
int tree_files_of_index(struct tree_files *out, const struct tree_index *index,
			struct err *err);
void tree_files_release(struct tree_files *f);

/* The entry at `path` among those from `first` up to `end`, or NULL. */
git_index_entry *tree_files_find(const struct tree_files *f, size_t first,
				 size_t end, const char *path);
struct tree_dir *tree_files_dir(const struct tree_files *f, unsigned depth,
				const char *path);

#endif

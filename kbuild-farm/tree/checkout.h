/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/checkout.h - Comparison of a worktree with a commit; worktree update.
 *
 * Directory by directory, tree_checkout_compare() finds the files that differ,
 * and removes the files that the commit does not contain.
 * tree_checkout_write() writes the files that differ.  Both functions use
 * several threads and access files only by paths below `root_fd`, without
 * following symbolic links, so that a symbolic link in the worktree cannot
 * redirect an access.
 */
#ifndef TREE_CHECKOUT_H
#define TREE_CHECKOUT_H

#include "base/err.h"
#include "base/str.h"

#include <git2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define TREE_FILES_MAX 1000000

/* A directory.  The files below it are entries[first] to entries[end - 1]. */
struct tree_dir {
	char *path; /* "" for the top */
	unsigned depth;
	size_t first, end;
};

/* All files of a commit or of an index. */
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
 * List the files of a commit.  Returns 0; -EINVAL with the path in `err` if the
 * commit contains an invalid path; -E2BIG if it contains more than
 * TREE_FILES_MAX files or directories; or another negative errno if the
 * repository is damaged or lacks objects.
 *
 * A path is invalid if it is too long, has a component that tree/git.h rejects,
 * occurs twice, is both a file and a directory, or has a mode unknown to git.
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

/* Name of git's entry at the top of a worktree.  No commit contains it. */
#define TREE_GIT_LINK ".git"

enum tree_file_state {
	TREE_FILE_MISSING, /* does not exist */
	TREE_FILE_SAME, /* unchanged according to stat */
	TREE_FILE_UNVERIFIED, /* exists, but may have changed */
};

struct tree_checkout {
	git_repository *repo;
	git_odb *odb;
	int root_fd; /* directory of the worktree */
	/* files of the commit, with stat data from the index */
	struct tree_files files;
	uint8_t *states; /* enum tree_file_state of each file */
	unsigned n_threads;
	/*
	 * If set, do not change the worktree.  Instead of removing the paths
	 * that the commit does not contain, append them to `extra`.
	 */
	bool read_only;
	const atomic_bool *stop; /* true: stop with -ECANCELED; may be NULL */

	size_t *pending; /* indexes in `files` of the files to write */
	size_t n_pending;
	/* mtime of written files; 0 for the current time */
	struct timespec min_mtime;

	void (*on_progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;

	/* Shared by all threads. */
	atomic_size_t n_done, n_written, n_removed;
	atomic_bool failed;
	pthread_mutex_t mutex; /* protects the following fields */
	struct err error;
	int ret;
	struct strv extra;
};

/*
 * Determine the state of all files, and remove or list the paths that the
 * commit does not contain.  Returns 0, or -errno with m->error set.
 */
int tree_checkout_compare(struct tree_checkout *m);
/* Write the files in m->pending.  Returns 0, or -errno with m->error set. */
int tree_checkout_write(struct tree_checkout *m);

#endif

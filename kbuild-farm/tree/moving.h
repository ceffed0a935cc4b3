/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/moving.h - a worktree on its way to a commit: what the steps share.
 *
 * tree/compare.c finds what differs from the commit and removes what is none
 * of it, directory by directory; tree/write.c writes the files that differ.
 * Both work on several threads, and know files by paths below `root` alone,
 * reached through no link, so that whatever lies there cannot lead elsewhere.
 */
#ifndef TREE_MOVING_H
#define TREE_MOVING_H

#include "base/str.h"
#include "tree/files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define TREE_GIT_LINK ".git" /* at the top; not part of any tree */

enum tree_file_state {
	TREE_MISSING, /* is not there */
	TREE_SAME, /* by what the file system says of it */
	TREE_UNSURE, /* is there, and may be another */
};

struct tree_moving {
	git_repository *repo;
	git_odb *odb;
	int root; /* the worktree */
	struct tree_files files; /* of the commit, with what is known */
	uint8_t *state; /* enum tree_file_state of each */
	unsigned threads;
	/* Remove and make nothing: what is no part of the commit is `extra`. */
	bool look_only;
	const atomic_bool *stop; /* -ECANCELED; or NULL */

	size_t *todo; /* those that are not TREE_SAME */
	size_t n_todo;
	/* What is written gets at least this date; 0: its own. */
	struct timespec floor;

	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;

	/* Of all threads. */
	atomic_size_t done, written, removed;
	atomic_bool failed;
	pthread_mutex_t mutex; /* for those below */
	struct err why;
	int ret;
	struct strv extra;
};

/* The first failure counts; from any thread. */
void tree_moving_fail(struct tree_moving *m, int ret, const struct err *why);
/* Keep what the file system says of a file. */
void tree_moving_know(git_index_entry *e, const struct stat *st);
/* Is it what it said before? */
bool tree_moving_is_known(const git_index_entry *e, const struct stat *st);

/* The state of all files: 0, or a negative errno with m->why set. */
int tree_moving_compare(struct tree_moving *m);
/* Write those of m->todo. */
int tree_moving_write(struct tree_moving *m);

#endif

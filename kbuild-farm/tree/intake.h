/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/intake.h - files that come in any order, and the tree they make.
 *
 * The blobs go into a pack as they come; paths are checked one by one, and
 * against each other when the tree is made.
 */
#ifndef TREE_INTAKE_H
#define TREE_INTAKE_H

#include "base/map.h"
#include "base/str.h"
#include "tree/pack.h"

#define TREE_FILE_MAX    (512ull << 20) /* of one file */
#define TREE_IMPORT_MAX  (8ull << 30) /* of all */
#define TREE_ENTRIES_MAX 1000000

struct tree_entry {
	char *path;
	git_filemode_t mode;
	git_oid id;
	long long mtime; /* seconds since 1970 */
	size_t waits; /* for its id: its place in the batch, and 1 */
};

struct tree_intake {
	struct tree_pack *pack;
	struct tree_entry *entry;
	size_t n;
	struct map names; /* entries by their paths */
	struct buf *batch; /* contents that are not packed yet */
	size_t n_batch;
	size_t batch_bytes;
	uint64_t bytes; /* of all */
	/* After each batch; not 0 ends the import with that. */
	int (*tick)(void *ctx, struct err *err);
	void *ctx;
};

void tree_intake_release(struct tree_intake *in);

/*
 * A file (or, by its mode, a link and its target); takes `content`, which is
 * empty afterwards.  0, -EINVAL, -E2BIG or a negative errno of the disk.
 */
int tree_intake_add(struct tree_intake *in, const char *path,
		    git_filemode_t mode, long long mtime, struct buf *content,
		    struct err *err);
/* One that is the same as the file at `target`, which came before. */
int tree_intake_again(struct tree_intake *in, const char *path,
		      const char *target, struct err *err);
/*
 * No more will come.  The root tree's id; with `strip`, what lies below the
 * one directory in which everything is.  *date is that of the top Makefile, or
 * of the newest file.
 */
int tree_intake_end(struct tree_intake *in, bool strip, git_oid *root,
		    long long *date, struct err *err);

/* tree/intake-tar.c, tree/intake-dir.c: all files of an archive, a directory.
 */
int tree_intake_tar(struct tree_intake *in, const char *file, struct err *err);
int tree_intake_dir(struct tree_intake *in, const char *dir, struct err *err);

#endif

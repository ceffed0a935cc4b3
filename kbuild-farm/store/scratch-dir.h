/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/scratch-dir.h - Scratch directories of open stores.
 *
 * Each open store has a subdirectory of one root directory and holds a flock on
 * this subdirectory.  A subdirectory without a lock belonged to a process that
 * has died, and can be removed.
 */
#ifndef STORE_SCRATCH_DIR_H
#define STORE_SCRATCH_DIR_H

#include "base/err.h"
#include "base/str.h"

#define STORE_SCRATCH_NAME_MAX 64

/*
 * Open the root directory `path`, which is created if it is missing, and call
 * store_scratch_dir_prune().  Returns a descriptor, or a negative errno with
 * `err` set.
 */
int store_scratch_dir_open_root(const char *path, struct err *err);
/*
 * Create a directory in `root_fd` and store its name in `name`.  Returns a
 * locked descriptor, or a negative errno with `err` set.
 */
int store_scratch_dir_make(int root_fd,
			   char name[static STORE_SCRATCH_NAME_MAX],
			   struct err *err);
/*
 * Remove the directory `path`, which is on the file system of `root_fd`.  The
 * directory is first renamed into `root_fd`, so `path` never names a partially
 * removed directory.  Unless the caller holds an flock on the directory, a
 * concurrent store_scratch_dir_prune() of another process can remove it, too.
 * Returns 0, or a negative errno with `err` set if the rename fails.
 */
int store_scratch_dir_discard(int root_fd, const char *path, struct err *err);
/* Remove all unlocked subdirectories, and all entries of other types. */
void store_scratch_dir_prune(int root_fd);
/*
 * Append the names of the locked subdirectories.  Returns 0 or a negative
 * errno.
 */
int store_scratch_dir_list(int root_fd, struct strv *out);

#endif

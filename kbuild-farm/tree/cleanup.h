/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/cleanup.h - Removal of files that a killed kfarm left behind.
 */
#ifndef TREE_CLEANUP_H
#define TREE_CLEANUP_H

#include "base/err.h"
#include "base/str.h"

/*
 * Remove trees whose addition or removal did not finish and whose lock is free.
 * Append to `unfinished`, which may be NULL, the names of the trees whose
 * addition did not finish.
 */
void tree_cleanup_datadir(const char *top, struct strv *unfinished);
/*
 * Remove lock files, unfinished packs and temporary files of the tree in the
 * directory `dir`.  The caller holds the update lock.  The tree must not be
 * a clone adopted in place, because other programs can use that clone.
 */
void tree_cleanup_repository(const char *dir);
/*
 * Create TOP/.new-NAME, empty except for its lock file, and lock it.  Returns 0
 * with the lock's descriptor in *fd; -EBUSY with `err` naming the process that
 * is adding the tree; or another negative errno with *fd set to -1.
 */
int tree_cleanup_create_new(const char *top, const char *name, int *fd,
			    struct err *err);

#endif

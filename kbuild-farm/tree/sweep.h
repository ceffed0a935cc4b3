/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/sweep.h - what kfarm left when it was killed.
 */
#ifndef TREE_SWEEP_H
#define TREE_SWEEP_H

#include "base/err.h"
#include "base/str.h"

/*
 * Remove the trees that were half added or half removed, of which nobody has
 * the lock.  Their names go to `begun` (may be NULL) where they were being
 * added.
 */
void tree_sweep_top(const char *top, struct strv *begun);
/*
 * Remove the locks and unfinished packs of a repository of ours, which nobody
 * but us changes now, and what lies beside it unfinished.
 */
void tree_sweep_repository(const char *dir);
/*
 * Make TOP/.new-NAME, empty but for its lock, which we have: *fd.  Returns 0;
 * -EBUSY with `err` naming who is adding it; or a negative errno.
 */
int tree_sweep_begin(const char *top, const char *name, int *fd,
		     struct err *err);

#endif

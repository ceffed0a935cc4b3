/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/dirty.h - whether the user's checkout has changes, looked at once,
 * beside make.
 */
#ifndef KERNEL_DIRTY_H
#define KERNEL_DIRTY_H

#include "kernel/plan.h"
#include "tree/dirty.h"

struct task;

/* A zeroed one has not begun. */
struct kernel_dirty {
	struct task *task; /* has what is below until _end() */
	char *tree;
	atomic_bool stop;
	int ret;
	struct err err;
	struct tree_dirty is;
};

/* A private worktree is clean: its move has just made it so. */
void kernel_dirty_begin(struct kernel_dirty *d, const struct kernel_plan *plan);
/*
 * Wait for it, or with `stop` give it up; nothing happens where it has ended
 * or never began.  Returns 0, or a negative errno with d->err set.
 */
int kernel_dirty_end(struct kernel_dirty *d, bool stop);

#endif

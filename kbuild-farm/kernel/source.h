/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/source.h - Source worktree of a build from a managed tree.
 *
 * Each combination of architecture, configuration and toolchain, as the user
 * named them, has its own worktree and build directory:
 *
 *	DATA/trees/NAME/worktrees/ARCH-CONFIG-TOOLCHAIN-DIGITS/src, build
 *
 * Their paths do not depend on the revision, so make recompiles only what
 * differs between two revisions.
 *
 * For other trees, the dirty check determines on a thread, concurrently with
 * make, whether the user's checkout has changes.
 */
#ifndef KERNEL_SOURCE_H
#define KERNEL_SOURCE_H

#include "base/err.h"
#include "kconfig/request.h"
#include "kernel/lock.h"
#include "tree/datadir.h"
#include "tree/dirty.h"
#include "tree/worktree.h"

struct kernel_plan;
struct task;

/* Empty when zeroed. */
struct kernel_source {
	char *dir; /* directory of src and build; NULL without a managed tree */
	struct tree_datadir datadir; /* locked for reading */
	struct kernel_lock lock; /* lock of `dir` */
	struct tree_worktree worktree;
};

/*
 * Check out the revision of the managed tree that `r` names into the worktree
 * for `r`, and lock the worktree until kernel_source_release().  Returns 0,
 * -EBUSY if another build uses the worktree, or another negative errno with
 * `err` naming the tree.
 */
int kernel_source_acquire(struct kernel_source *s,
			  const struct kconfig_request *r, char *const *env,
			  struct err *err);
/* Unlock the worktree and the tree. */
void kernel_source_release(struct kernel_source *s);

/*
 * Point the tree's link to its last build at `output`.  Returns 0 or a
 * negative errno.
 */
int kernel_source_set_last_build(const struct kernel_source *s,
				 const char *output, struct err *err);

/* Check for uncommitted changes; not started when zeroed. */
struct kernel_source_dirty_check {
	/* owns the members below until kernel_source_end_dirty_check() */
	struct task *task;
	char *tree;
	atomic_bool cancelled;
	int ret;
	struct err err;
	struct tree_dirty result;
};

/*
 * Start the check of the plan's tree.  A managed worktree was just checked
 * out, so it is clean and needs no check.
 */
void kernel_source_start_dirty_check(struct kernel_source_dirty_check *d,
				     const struct kernel_plan *plan);
/*
 * Wait for the check or, with `stop`, cancel it.  Does nothing if the check
 * was not started or has already ended.  Returns 0, or a negative errno with
 * d->err set.
 */
int kernel_source_end_dirty_check(struct kernel_source_dirty_check *d,
				  bool stop);

#endif

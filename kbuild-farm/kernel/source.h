/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/source.h - the source tree of a build that names a managed tree.
 *
 * Each of its configuration keys (architecture, configuration, toolchain, as
 * they were asked for) has a worktree and a build directory of its own:
 *
 *	DATA/trees/NAME/worktrees/ARCH-CONFIG-TOOLCHAIN-DIGITS/src, build
 *
 * so both stay where they are, whatever revision is built, and make compiles
 * again only what differs between two of them.
 */
#ifndef KERNEL_SOURCE_H
#define KERNEL_SOURCE_H

#include "base/err.h"
#include "kernel/lock.h"
#include "kernel/request.h"
#include "tree/home.h"
#include "tree/worktree.h"

/* A zeroed one is none. */
struct kernel_source {
	char *dir; /* with src and build in it; NULL: no tree was named */
	struct tree_home home; /* locked for readers */
	struct kernel_lock lock; /* of `dir` */
	struct tree_worktree at;
};

/*
 * Move the worktree for `r`, which names a tree, to the revision; it is
 * nobody else's until _release().  Returns 0, -EBUSY when another build has
 * it, or a negative errno with `err` naming the tree.
 */
int kernel_source_take(struct kernel_source *s, const struct kernel_request *r,
		       char *const *env, struct err *err);
void kernel_source_release(struct kernel_source *s);

/* The tree's link to its last build leads to `output` from now on. */
int kernel_source_built(const struct kernel_source *s, const char *output,
			struct err *err);

#endif

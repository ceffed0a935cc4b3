/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/place.h - in which directory make builds.
 *
 *	-b DIR, else O= or KBUILD_OUTPUT=, else the source tree if there is a
 *	.config in it, else a lasting directory that kfarm chooses:
 *	~/.cache/kfarm/build/TREE-ARCH-CONFIG-COMPILER-DIGITS; of a managed tree
 *	the directory beside the worktree (kernel/source.h)
 *
 * Of several builds of one command none builds in the source tree, and each has
 * a directory of its own below one that was given: DIR/PART.
 */
#ifndef KERNEL_PLACE_H
#define KERNEL_PLACE_H

#include "base/err.h"

enum kernel_place_kind {
	KERNEL_CHOSEN, /* by kfarm: the build's user, host and date are fixed */
	KERNEL_GIVEN, /* -b, O=, KBUILD_OUTPUT */
	KERNEL_IN_TREE,
};

struct kernel_place {
	enum kernel_place_kind kind;
	char *dir; /* absolute; the tree itself with KERNEL_IN_TREE */
	const char *variable; /* that tells make on its command line, O or
				 KBUILD_OUTPUT; NULL: make knows by itself */
};

struct kernel_plan;

/*
 * By the request, the tree, the architecture, the compiler and the
 * environment of `p`.  -EINVAL when the source tree is in the way (it was
 * built in), or a path holds what make cannot handle.  The caller frees
 * out->dir.
 */
int kernel_place_find(struct kernel_place *out, const struct kernel_plan *p,
		      struct err *err);
/* What -b means, absolute; NULL without it; the caller frees it. */
struct kernel_request;
char *kernel_place_asked(const struct kernel_request *r);
/*
 * Append the last component of a configuration's name or path, without
 * ".config", as a directory's name may have it.
 */
struct buf;
void kernel_place_add_name(struct buf *out, const char *path);
/* The same of -k, and of up to three of -K. */
void kernel_place_add_config(struct buf *out, const struct kernel_request *r);

#endif

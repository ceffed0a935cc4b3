/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/builddir.h - Choice of the build directory.
 *
 * The first of these applies: -b DIR; O= or KBUILD_OUTPUT=; the directory
 * `build` next to the worktree of a managed tree (kernel/source.h); the source
 * tree, if it has a .config; the persistent default directory
 * ~/.cache/kfarm/build/TREE-ARCH-CONFIG-COMPILER-DIGITS.
 *
 * If one command makes several builds, none uses the source tree.  Each build
 * then uses a subdirectory of the given directory, named after the build
 * (part_name in struct kconfig_request).
 */
#ifndef KERNEL_BUILDDIR_H
#define KERNEL_BUILDDIR_H

#include "base/err.h"

enum kernel_builddir_kind {
	/* chosen by kfarm; the build's user, host and date are fixed */
	KERNEL_BUILDDIR_DEFAULT,
	KERNEL_BUILDDIR_GIVEN, /* -b, O=, KBUILD_OUTPUT */
	KERNEL_BUILDDIR_IN_TREE,
};

struct kernel_builddir {
	enum kernel_builddir_kind kind;
	char *dir; /* absolute; the tree itself with KERNEL_BUILDDIR_IN_TREE */
	/*
	 * variable that passes `dir` on make's command line, O or
	 * KBUILD_OUTPUT; NULL if make needs none
	 */
	const char *variable;
};

struct kernel_plan;

/*
 * Choose the directory for the request, tree, architecture, compiler and
 * environment of `p`.  Returns 0, or -EINVAL with `err` set if the source tree
 * is not clean or a path has characters that make cannot handle.  The caller
 * frees out->dir.
 */
int kernel_builddir_find(struct kernel_builddir *out,
			 const struct kernel_plan *p, struct err *err);
/*
 * Return the absolute path of the directory given by -b, or NULL without -b.
 * If the command makes several builds, the path includes the subdirectory of
 * this build.  The caller frees the path.
 */
struct kconfig_request;
char *kernel_builddir_requested(const struct kconfig_request *r);
/*
 * Append the last component of the name or path of a configuration, without
 * ".config" and with unsuitable characters replaced.
 */
struct buf;
void kernel_builddir_add_name(struct buf *out, const char *path);
/*
 * Append the names of the configurations of -k and of up to three -K, each as
 * kernel_builddir_add_name() does.
 */
void kernel_builddir_add_config(struct buf *out,
				const struct kconfig_request *r);

#endif

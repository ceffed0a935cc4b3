/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/module-dir.h - Directories of modules outside of the kernel tree.
 *
 * `make M=DIR` builds the modules of DIR for a kernel that has been configured
 * and prepared.  Without -C and --tree, this kernel is the first of these: the
 * value of KDIR; the current directory, if it is a kernel tree;
 * /lib/modules/RELEASE/build of the running kernel.
 *
 * Such a directory is either a kernel tree or a build directory, whose Makefile
 * includes that of its tree.  An installed package of headers is a build
 * directory, too, but its tree has no sources.
 */
#ifndef KERNEL_MODULE_DIR_H
#define KERNEL_MODULE_DIR_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Empty when zeroed. */
struct kernel_module {
	char *dir; /* absolute; NULL for a build of the kernel */
	bool relative; /* the user gave a relative path */
	/* directory of the objects, absolute, or NULL for `dir` */
	char *output_dir;
	/* M=DIR and MO=DIR, for the goals on make's command line */
	struct strv vars;
};

/*
 * Read M=, MO=, KBUILD_EXTMOD= and KBUILD_EXTMOD_OUTPUT= from `variables`, else
 * the latter two from `env`.  A relative path is relative to the current
 * directory.
 */
void kernel_module_init(struct kernel_module *m, const struct strv *variables,
			char *const *env);
void kernel_module_release(struct kernel_module *m);
/*
 * Before Linux 6.13, make builds `M=fs/ext4 O=DIR`, a relative path, in
 * DIR/fs/ext4.  Keep the path relative if `tree`, whose top Makefile has the
 * text `makefile`, is such a version and contains the directory, so that the
 * source tree gets no objects.  `build_dir` is another directory than `tree`.
 */
void kernel_module_build_below(struct kernel_module *m, const char *tree,
			       const char *makefile, const char *build_dir);
/*
 * Check that the directory has a makefile and that make can handle the paths.
 * Returns 0, or a negative errno with
 * `err` naming the directory.
 */
int kernel_module_check(const struct kernel_module *m, struct err *err);

/*
 * Return the directory of the kernel for which modules are built, or NULL for
 * the current directory.  The caller frees it.
 */
char *kernel_module_find_kernel(const struct strv *variables, char *const *env);
/*
 * If `dir` is a build directory, return the kernel tree that its Makefile
 * includes, else NULL.  The caller frees it.
 */
char *kernel_module_find_tree(const char *dir);

#endif

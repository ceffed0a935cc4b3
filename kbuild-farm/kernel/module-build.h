/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/module-build.h - Build of modules outside of the kernel tree.
 */
#ifndef KERNEL_MODULE_BUILD_H
#define KERNEL_MODULE_BUILD_H

#include "kernel/artifact.h"
#include "kernel/internal.h"

/*
 * Return true if modules outside of the tree are built, the tree has the
 * sources for `make modules_prepare`, and the user may write to the build
 * directory.  Any other build directory for modules counts as prepared, such as
 * a package of kernel headers, which has no sources or belongs to root.
 */
bool kernel_module_can_prepare(const struct kernel_plan *p);
/*
 * Files that `make modules_prepare` creates, as paths relative to the build
 * directory; ends in NULL.
 */
extern const char *const kernel_module_prepared_files[];
/*
 * Run `make modules_prepare` if kernel_module_can_prepare() is true and the
 * build directory is not prepared.  A default build directory counts as
 * prepared only if its .config, release and sources are those of the last
 * preparation.  Returns the same values as kernel_build_run_make().
 */
int kernel_module_prepare(struct kernel_build_state *run, struct err *err);
/*
 * Add the modules that make has built to the artifacts.  `made` contains the
 * goals on make's command line.
 */
void kernel_module_add_artifacts(const struct kernel_build_state *run,
				 const struct strv *made,
				 struct kernel_artifacts *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/post-make.h - Post-make actions: installations, packages and tools.
 *
 * The actions run one by one after the make that builds all goals.
 */
#ifndef KERNEL_POST_MAKE_H
#define KERNEL_POST_MAKE_H

#include "kernel/artifact.h"

/*
 * Run the post-make actions of all pending goals and add their outputs to
 * `artifacts`.  Returns 0; the exit status of the first failed action, except
 * for actions whose recipes may fail; or a negative errno with `err` set.
 */
int kernel_post_make_run_all(struct kernel_build_state *run,
			     struct kernel_artifacts *artifacts,
			     struct err *err);
/*
 * Append the make command for a tool.  `target` builds or installs the tool (""
 * for the default target).  `into` is the directory of the installation, or
 * NULL to omit the variable that names it.  `option` is the first argument of
 * make, or NULL.
 */
void kernel_post_make_tool_argv(const struct kernel_plan *p,
				const struct kernel_goal_recipe *r,
				const char *option, const char *target,
				const char *into, struct strv *out);

#endif

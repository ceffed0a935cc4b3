/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/step.h - what runs by itself, one after the other, when make is
 * through with what all targets need: installations, packages, tools.
 */
#ifndef KERNEL_STEP_H
#define KERNEL_STEP_H

#include "kernel/artifact.h"

/*
 * Run those of run->goals that are open; what they leave is added to
 * `artifacts`.  0; the exit status of the first that failed; or a negative
 * errno with `err` set.
 */
int kernel_step_run_all(struct kernel_run *run,
			struct kernel_artifacts *artifacts, struct err *err);
/*
 * The make of a tool, for its target `target` that builds it ("" for none), or
 * installs it into the directory `into` (NULL: that is not said); `option` may
 * be NULL.
 */
void kernel_step_tool_argv(const struct kernel_plan *p,
			   const struct kernel_recipe *r, const char *option,
			   const char *target, const char *into,
			   struct strv *out);

#endif

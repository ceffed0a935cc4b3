/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/unknown-target.h - Rejection of unknown targets before make starts.
 *
 * A target is rejected if it is a source file ("kernel/fork.c"), a makefile or
 * a Kconfig file, or if the tree proves that make has no rule for it:
 *
 *  - drivers/a.o, drivers/a.ko (a single file): the directory does not exist;
 *    or it has no file named a.*, and no makefile of the directory or of its
 *    parents contains the word "a" or a matching pattern.
 *  - drivers/x/: the directory does not exist.
 *  - drivers/a: drivers/a.c or drivers/a.S exists, and neither the top Makefile
 *    nor the architecture's makefiles contain the path or a matching pattern.
 *  - vendor/a.dtb: as for a single file, in the architecture's boot/dts.
 *  - Image: neither the top Makefile nor the architecture's makefiles contain
 *    the word or a matching pattern ("%config", "Image.%",
 *    "$(boards)_defconfig").
 *
 * Words in comments and recipes count as rules, and so does each computed name
 * that might equal the target.  If a makefile includes a file whose name cannot
 * be determined, kfarm does not reject the target, and make itself looks for a
 * rule.
 */
#ifndef KERNEL_UNKNOWN_TARGET_H
#define KERNEL_UNKNOWN_TARGET_H

#include "base/err.h"
#include "kernel/plan.h"

/*
 * Return the error message of kconfig_suggest_target() for an unknown target.
 * The caller frees it.
 */
char *kernel_unknown_target_text(const struct kernel_plan *p,
				 const char *target);
/*
 * Check the targets of the plan's request.  Returns 0, or -EINVAL with `err`
 * naming the first unknown targets, each with the most similar known target if
 * there is one, and the number of the others.
 */
int kernel_unknown_target_check(const struct kernel_plan *p, struct err *err);

#endif

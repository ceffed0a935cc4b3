/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/suggest.h - what may have been meant by a target that make does not
 * know.
 */
#ifndef KERNEL_SUGGEST_H
#define KERNEL_SUGGEST_H

#include "base/err.h"
#include "kernel/plan.h"

/*
 * The target for which make said in `text`, lines of its output, that there is
 * no rule, unless it was needed by another; or NULL.  The caller frees it.
 */
char *kernel_suggest_unknown(const char *text);
/*
 * Sets `err` to what is wrong with `target` and which one is like it: of
 * those that stand in the rules, lists and help texts of the tree's Makefiles;
 * for an object in a directory those that sources there can become.
 */
void kernel_suggest_target(const struct kernel_plan *p, const char *target,
			   struct err *err);
/*
 * The same of a configuration (-k), also of those that the configuration file
 * names (may be NULL), and of a fragment (-K): "; did you mean \"x\"?" or "";
 * the caller frees it.
 */
char *kernel_suggest_config(const char *tree, const char *srcarch,
			    const struct strv *named, const char *name);
char *kernel_suggest_fragment(const char *tree, const char *srcarch,
			      const char *name);

#endif

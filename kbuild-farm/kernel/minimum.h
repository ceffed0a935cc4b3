/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/minimum.h - is a compiler new enough for the tree?
 */
#ifndef KERNEL_MINIMUM_H
#define KERNEL_MINIMUM_H

#include "kernel/compiler.h"

/* Ask the compiler that was found for its version, into c->version. */
int kernel_minimum_version(struct kernel_compiler *c, char *const *env,
			   struct err *err);
/*
 * Compare it with what the tree's scripts/min-tool-version.sh says; a tree
 * from before 5.13 has none, and make has to find out.  Returns 0, or
 * -ENOTSUP with `err` naming an installed one that is new enough and
 * the command that gets one.
 */
int kernel_minimum_check(const struct kernel_compiler *c,
			 const struct kernel_arch *arch, const char *tree,
			 struct err *err);
/* Is version `a` ("12.2.0") older than `b` ("5.1.0")? */
bool kernel_minimum_older(const char *a, const char *b);

#endif

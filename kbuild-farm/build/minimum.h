/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/minimum.h - is a compiler new enough for the tree?
 */
#ifndef BUILD_MINIMUM_H
#define BUILD_MINIMUM_H

#include "build/compiler.h"

/* Ask the compiler that was found for its version, into c->version. */
int build_minimum_version(struct build_compiler *c, char *const *env,
			  struct err *err);
/*
 * Compare it with what the tree's scripts/min-tool-version.sh says; a tree
 * from before 5.13 has none, and make has to find out.  Returns 0, or
 * -ENOTSUP with `err` naming an installed one that is new enough and
 * the command that gets one.
 */
int build_minimum_check(const struct build_compiler *c,
			const struct build_arch *arch, const char *tree,
			struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/plan.h - everything that is decided before anything is started.
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "base/err.h"
#include "kernel/compiler.h"
#include "kernel/kconfig.h"
#include "kernel/place.h"
#include "kernel/request.h"
#include "tree/rev.h"

struct kernel_plan {
	const struct kernel_request *request;
	struct strv inherited; /* the caller's environment with -e in it */
	char *const *env; /* its words */
	char *tree; /* absolute, spelled as the user has it */
	char *version; /* the Makefile's: "6.1.192" */
	struct tree_rev rev;
	struct kernel_arch arch;
	bool arch_given; /* ARCH= goes to make */
	struct kernel_compiler compiler;
	struct kernel_place place;
	struct kernel_kconfig kconfig;
	char *make; /* the file */
	struct strv vars; /* NAME=VALUE for make, without O= */
	struct strv exports; /* NAME=VALUE that kfarm adds to the environment */
};

/*
 * Make it.  `r` is borrowed for the plan's life.  Returns 0;
 * -ENOTSUP when the tree cannot be built with that compiler; another
 * negative errno with `err` naming what is wrong and what to do.  Release
 * the plan in any case.
 */
int kernel_plan_make(struct kernel_plan *p, const struct kernel_request *r,
		     char *const *env, struct err *err);
void kernel_plan_release(struct kernel_plan *p);

/* A path in the build directory; the caller frees it. */
char *kernel_plan_path(const struct kernel_plan *p, const char *name);
/* "gcc-12.2.0" */
char *kernel_plan_compiler_text(const struct kernel_plan *p);
/*
 * The words of a make command with O= and all variables: make, `options`
 * (may be NULL), O=DIR, NAME=VALUE ..., `targets` (may be NULL).
 */
void kernel_plan_make_argv(const struct kernel_plan *p, struct strv *out,
			   char *const *options, char *const *targets);
/*
 * The environment of all that is started: the caller's, PATH with `links`
 * (may be NULL) and the compiler's directories in front, what the plan
 * exports and `extra` (may be NULL).
 */
void kernel_plan_env(const struct kernel_plan *p, struct strv *out,
		     const char *links, char *const *extra);

#endif

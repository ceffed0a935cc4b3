/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/plan.h - everything that is decided before anything is started.
 */
#ifndef BUILD_PLAN_H
#define BUILD_PLAN_H

#include "base/err.h"
#include "build/compiler.h"
#include "build/kconfig.h"
#include "build/place.h"
#include "build/request.h"
#include "tree/rev.h"

struct build_plan {
	const struct build_request *request;
	struct strv inherited; /* the caller's environment with -e in it */
	char *const *env; /* its words */
	char *tree; /* absolute, spelled as the user has it */
	char *version; /* the Makefile's: "6.1.192" */
	struct tree_rev rev;
	struct build_arch arch;
	bool arch_given; /* ARCH= goes to make */
	struct build_compiler compiler;
	struct build_place place;
	struct build_kconfig kconfig;
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
int build_plan_make(struct build_plan *p, const struct build_request *r,
		    char *const *env, struct err *err);
void build_plan_release(struct build_plan *p);

/* A path in the build directory; the caller frees it. */
char *build_plan_path(const struct build_plan *p, const char *name);
/* "gcc-12.2.0" */
char *build_plan_compiler_text(const struct build_plan *p);
/*
 * The words of a make command with O= and all variables: make, `options`
 * (may be NULL), O=DIR, NAME=VALUE ..., `targets` (may be NULL).
 */
void build_plan_make_argv(const struct build_plan *p, struct strv *out,
			  char *const *options, char *const *targets);
/*
 * The environment of all that is started: the caller's, PATH with `links`
 * (may be NULL) and the compiler's directories in front, what the plan
 * exports and `extra` (may be NULL).
 */
void build_plan_env(const struct build_plan *p, struct strv *out,
		    const char *links, char *const *extra);

#endif

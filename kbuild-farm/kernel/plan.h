/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/plan.h - everything that is decided before anything is started.
 *
 * What a variable means to make depends on where it comes from: one of the
 * command line overrides what makefiles assign (Linux 6.1's scripts/Makefile
 * assigns ARCH), one of the environment does not.  So each is passed on the way
 * the user gave it, and what kfarm decides goes into the environment, unless
 * the tree's Makefile assigns it and would ignore it there: CC, HOSTCC.
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "base/err.h"
#include "kernel/compiler.h"
#include "kernel/kconfig.h"
#include "kernel/place.h"
#include "kernel/request.h"
#include "kernel/source.h"
#include "tree/rev.h"

struct kernel_plan {
	const struct kernel_request *request;
	struct strv inherited; /* the caller's environment with -e in it */
	char *const *env; /* its words */
	struct kernel_source
		source; /* of --tree; locked as long as the plan is */
	char *tree; /* absolute, spelled as the user has it */
	char *version; /* the Makefile's: "6.1.192" */
	struct tree_rev rev;
	struct kernel_arch arch;
	bool arch_given; /* make is told ARCH */
	struct kernel_compiler compiler;
	struct kernel_place place;
	struct kernel_kconfig kconfig;
	char *make; /* the file */
	struct buf makefile; /* the tree's, text */
	/* Where it fails: this revision of the tree has not the architecture or
	   the configuration. */
	bool lacking;
	/* NAME=VALUE: what was decided and what the user gave make, without
	   O; then the same by its way to make, the first on its command
	   line, the others, with -e, in its environment. */
	struct strv settings, vars, exports;
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
/* The value of one of the settings, NULL: there is none. */
const char *kernel_plan_setting(const struct kernel_plan *p, const char *name);
/*
 * The words of a make command: make, `options` (may be NULL), O=DIR unless
 * the environment says it, NAME=VALUE ..., `targets` (may be NULL).
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

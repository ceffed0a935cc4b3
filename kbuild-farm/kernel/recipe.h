/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/recipe.h - targets that are more to kfarm than a word for make:
 * those with a condition, those that run after the others, those of tuxmake
 * (facts of its target/ directory) that make has no rule for.
 */
#ifndef KERNEL_RECIPE_H
#define KERNEL_RECIPE_H

#include "base/err.h"
#include "kernel/plan.h"

/* What runs by itself when make is through with what all targets need. */
enum kernel_step {
	KERNEL_STEP_NONE,
	KERNEL_STEP_INSTALL, /* `make NAME`, which writes where `variable` says
			      */
	KERNEL_STEP_PACKAGE, /* `make NAME`, and packages are fetched */
	KERNEL_STEP_TOOL, /* programs of the tree's tools/ */
	KERNEL_STEP_SCRIPT, /* a command of the shell */
};

struct kernel_recipe {
	const char *name;
	const char *word; /* what make gets for it; NULL: the name, "": nothing
			   */
	const char *config; /* skipped unless that is y in the .config */
	const char *tree; /* skipped unless that is in the tree; %s: SRCARCH */
	/* "PROGRAM=PACKAGE ...": needed where the tree's makefiles name it. */
	const char *programs;
	enum kernel_step step;
	/* An installation: where it goes, and where make writes without. */
	const char *variable, *otherwise;
	/* A tool: its directory, the targets that build and install it, what
	   says where to, the file that it becomes, and settings besides. */
	const char *dir, *build, *install, *into, *file, *settings;
	const char *script;
	bool may_fail; /* then it is a warning */
};

/* NULL for all that make alone knows. */
const struct kernel_recipe *kernel_recipe_find(const char *target);
/* What make gets for a target: borrowed, "" for nothing. */
const char *kernel_recipe_word(const char *target);
/*
 * Why there is nothing to do for it in this tree, as far as that is known
 * without a configuration; with one, `config` is its text (else NULL).  NULL:
 * there is something.  The caller frees it.
 */
char *kernel_recipe_skip(const struct kernel_recipe *r,
			 const struct kernel_plan *p, const char *config);
/* Has the tree a target dtbs_install? */
bool kernel_recipe_installs_dtbs(const struct kernel_plan *p);
/*
 * Can it be done, as far as this machine is concerned?  -ENOENT: a program is
 * missing; -EINVAL: it would write where nobody means; -EACCES: or may; with
 * `err` saying what to do.
 */
int kernel_recipe_check(const struct kernel_recipe *r,
			const struct kernel_plan *p, struct err *err);

#endif

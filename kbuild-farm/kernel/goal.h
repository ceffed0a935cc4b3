/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/goal.h - Goals of a build, their recipes and results.
 *
 * A recipe describes a target for which a word on make's command line does not
 * suffice.  Such a target has a condition, runs after the other goals, or
 * exists only in tuxmake (in its directory target/), not in the tree's
 * Makefiles.
 */
#ifndef KERNEL_GOAL_H
#define KERNEL_GOAL_H

#include "base/err.h"
#include "kernel/plan.h"

/* Action that kfarm runs after the make that builds all goals. */
enum kernel_post_make {
	KERNEL_POST_MAKE_NONE,
	/* `make NAME`; the recipe's `variable` names the destination */
	KERNEL_POST_MAKE_INSTALL,
	/* `make NAME`; the packages are then collected */
	KERNEL_POST_MAKE_PACKAGE,
	KERNEL_POST_MAKE_TOOL, /* programs in the tree's tools/ */
	KERNEL_POST_MAKE_SCRIPT, /* a shell command */
};

struct kernel_goal_recipe {
	const char *name;
	/* words for make; NULL for the name itself, "" for nothing */
	const char *make_word;
	/* the goal is skipped unless this symbol is y in the .config */
	const char *required_config;
	/* the goal is skipped unless the tree has this path; %s is SRCARCH */
	const char *required_path;
	/*
	 * "PROGRAM=PACKAGE,...": if the tree's Makefiles mention PROGRAM, the
	 * goal requires this program, which Debian's PACKAGE contains
	 */
	const char *required_programs;
	enum kernel_post_make post_make;
	/*
	 * Installations: the variable with the destination, and the directory
	 * that make writes to if the variable is not set.
	 */
	const char *variable, *default_dir;
	/*
	 * Tools: directory of the tool, targets that build and install it,
	 * variable with the destination, name of the resulting file, and
	 * further settings.
	 */
	const char *dir, *build_target, *install_target, *install_variable,
		*output_name, *settings;
	const char *script;
	bool may_fail; /* a failure counts as a warning */
};

/*
 * Return the recipe of `target`, or NULL if make needs no special handling for
 * it.
 */
const struct kernel_goal_recipe *kernel_goal_find_recipe(const char *target);
/*
 * Return the reason to skip the recipe in this tree, or NULL.  `config` is the
 * text of the .config.  If it is NULL, because no .config exists yet,
 * conditions on the configuration are ignored.  The caller frees the result.
 */
char *kernel_goal_skip_reason(const struct kernel_goal_recipe *r,
			      const struct kernel_plan *p, const char *config);
/* Return true if the tree has the target dtbs_install. */
bool kernel_goal_can_install_dtbs(const struct kernel_plan *p);
/*
 * Check the requirements of a recipe on the build host.  Returns 0; -ENOENT if
 * a program is missing; -EINVAL if a cross build has no destination, because
 * make would then install into the system directories of the build host;
 * -EACCES if the destination is not writable.  `err` states what the user can
 * do.
 */
int kernel_goal_check_recipe(const struct kernel_goal_recipe *r,
			     const struct kernel_plan *p, struct err *err);

enum kernel_goal_status {
	KERNEL_GOAL_PENDING, /* not started */
	KERNEL_GOAL_PASS,
	KERNEL_GOAL_FAIL,
	KERNEL_GOAL_SKIP, /* see skip_reason */
	KERNEL_GOAL_WARNING, /* failed, but its recipe may fail */
};

struct kernel_goal {
	char *name; /* name as the user gave it: "kernel" */
	char *make_words; /* words for make: "Image.gz"; "" for none */
	/* NULL if make needs no special handling */
	const struct kernel_goal_recipe *recipe;
	enum kernel_goal_status status;
	char *skip_reason; /* reason for KERNEL_GOAL_SKIP; else NULL */
	uint64_t elapsed_ms;
};

struct kernel_goals {
	struct kernel_goal *v;
	size_t n;
};

/*
 * Create one goal per distinct target of the plan.  If
 * kernel_goal_skip_reason() returns a reason for a goal and `config`, the
 * status of the goal is KERNEL_GOAL_SKIP.  `image` replaces "kernel" and is
 * NULL if "kernel" is not among the targets.
 */
void kernel_goals_init(struct kernel_goals *g, const struct kernel_plan *p,
		       const char *image, const char *config);
/* Free the goals and zero `g`. */
void kernel_goals_release(struct kernel_goals *g);
/*
 * Append the goals' words for make, without duplicates.  Skipped goals are left
 * out.  If `post_make` is false, goals with a post-make action are left out,
 * too.
 */
void kernel_goals_add_make_words(const struct kernel_goals *g, bool post_make,
				 struct strv *out);
/* Return true if a goal with the name `name` exists and is not skipped. */
bool kernel_goals_has(const struct kernel_goals *g, const char *name);
/* Return true if a goal has passed. */
bool kernel_goals_has_passed(const struct kernel_goals *g);
/* Return true if the goal has a post-make action. */
bool kernel_goal_is_post_make(const struct kernel_goal *goal);
/* Skip a pending goal; `reason` is copied. */
void kernel_goal_skip(struct kernel_goal *goal, const char *reason);

#endif

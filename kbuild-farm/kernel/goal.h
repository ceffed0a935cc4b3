/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/goal.h - what a build was asked for, target by target, and what
 * became of it.
 */
#ifndef KERNEL_GOAL_H
#define KERNEL_GOAL_H

#include "kernel/recipe.h"

enum kernel_goal_status {
	KERNEL_GOAL_OPEN, /* it has not been its turn */
	KERNEL_GOAL_PASS,
	KERNEL_GOAL_FAIL,
	KERNEL_GOAL_SKIP, /* with the reason */
	KERNEL_GOAL_WARNING, /* it failed, and may */
};

struct kernel_goal {
	char *name; /* as it was asked for: "kernel" */
	char *words; /* what make gets for it: "Image.gz"; "" for nothing */
	const struct kernel_recipe *recipe; /* NULL: it is make's alone */
	enum kernel_goal_status status;
	char *reason; /* of KERNEL_GOAL_SKIP; or NULL */
	uint64_t ms; /* it took */
};

struct kernel_goals {
	struct kernel_goal *v;
	size_t n;
};

/*
 * One for each target, once; `image` is what "kernel" means, NULL: not asked
 * for.  Those that this configuration (its text, "" for none) has nothing to
 * do for are skipped already.
 */
void kernel_goals_make(struct kernel_goals *g, const struct kernel_plan *p,
		       const char *image, const char *config);
void kernel_goals_release(struct kernel_goals *g);
/* The words for the make that all of them share, each once; without `steps`
   only those of targets that make alone is enough for. */
void kernel_goals_words(const struct kernel_goals *g, bool steps,
			struct strv *out);
/* Was this asked for, by that name, and not skipped? */
bool kernel_goals_has(const struct kernel_goals *g, const char *name);
/* Did one that make alone is enough for succeed? */
bool kernel_goals_passed(const struct kernel_goals *g);
/* Does it run after the others? */
bool kernel_goal_is_step(const struct kernel_goal *goal);
/* Skip it, if it is open, for a reason that is copied. */
void kernel_goal_skip(struct kernel_goal *goal, const char *reason);
/* "PASS", "FAIL", "SKIP" or "WARNING"; one that is open has failed. */
const char *kernel_goal_word(const struct kernel_goal *goal);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/goal.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static bool has_goal(const struct kernel_goals *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!strcmp(g->v[i].name, name))
			return true;
	}
	return false;
}

static void add_target(struct kernel_goals *g, const struct kernel_plan *p,
		       const char *name, const char *image, const char *config)
{
	struct kernel_goal *goal = VEC_ADD(g->v, g->n);
	bool is_kernel = !strcmp(name, "kernel");

	goal->name = xstrdup(name);
	goal->recipe = kernel_recipe_find(name);
	goal->words = xstrdup(is_kernel && image ? image :
						   kernel_recipe_word(name));
	if (!goal->recipe)
		return;
	goal->reason = kernel_recipe_skip(goal->recipe, p, config);
	if (goal->reason)
		goal->status = KERNEL_GOAL_SKIP;
}

void kernel_goals_make(struct kernel_goals *g, const struct kernel_plan *p,
		       const char *image, const char *config)
{
	const struct strv *asked = &p->request->targets;

	*g = (struct kernel_goals){ 0 };
	for (size_t i = 0; i < asked->n; i++) {
		if (!has_goal(g, asked->v[i]))
			add_target(g, p, asked->v[i], image, config);
	}
}

void kernel_goals_release(struct kernel_goals *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->v[i].name);
		free(g->v[i].words);
		free(g->v[i].reason);
	}
	free(g->v);
	*g = (struct kernel_goals){ 0 };
}

void kernel_goals_words(const struct kernel_goals *g, bool steps,
			struct strv *out)
{
	for (size_t i = 0; i < g->n; i++) {
		struct strv words = { 0 };

		if (g->v[i].status == KERNEL_GOAL_SKIP ||
		    (!steps && kernel_goal_is_step(&g->v[i])))
			continue;
		strv_split(&words, g->v[i].words, " ");
		for (size_t n = 0; n < words.n; n++) {
			if (!strv_has(out, words.v[n]))
				strv_add(out, words.v[n]);
		}
		strv_release(&words);
	}
}

bool kernel_goals_has(const struct kernel_goals *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].status != KERNEL_GOAL_SKIP &&
		    !strcmp(g->v[i].name, name))
			return true;
	}
	return false;
}

bool kernel_goals_passed(const struct kernel_goals *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].status == KERNEL_GOAL_PASS)
			return true;
	}
	return false;
}

bool kernel_goal_is_step(const struct kernel_goal *goal)
{
	return goal->recipe && goal->recipe->step != KERNEL_STEP_NONE;
}

void kernel_goal_skip(struct kernel_goal *goal, const char *reason)
{
	if (goal->status != KERNEL_GOAL_OPEN)
		return;
	goal->status = KERNEL_GOAL_SKIP;
	goal->reason = xstrdup(reason);
}

const char *kernel_goal_word(const struct kernel_goal *goal)
{
	static const char *const words[] = {
		[KERNEL_GOAL_OPEN] = "FAIL",       [KERNEL_GOAL_PASS] = "PASS",
		[KERNEL_GOAL_FAIL] = "FAIL",       [KERNEL_GOAL_SKIP] = "SKIP",
		[KERNEL_GOAL_WARNING] = "WARNING",
	};

	return words[goal->status];
}

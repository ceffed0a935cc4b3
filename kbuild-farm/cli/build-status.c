/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "cli/build.h"
#include "cli/cmd.h"
#include "tree/bisect.h"

/*
 * A source that fails says more than one that was not tried, and so it does to
 * `git bisect run`; what is wrong with the command comes before both.
 */
static int rank_of_status(int status)
{
	static const int order[] = {
		EXIT_OK,    EXIT_WARNINGS,     EXIT_FARM,        EXIT_BUILD,
		EXIT_USAGE, EXIT_STOPS_BISECT, EXIT_INTERRUPTED,
	};
	static const int n = sizeof(order) / sizeof(*order);

	for (int i = 0; i < n; i++) {
		if (order[i] == status)
			return i;
	}
	/* make's own, of a target that asks or prints. */
	return rank_of_status(EXIT_BUILD);
}

int build_status_worse(int a, int b)
{
	return rank_of_status(b) > rank_of_status(a) ? b : a;
}

/* As under a bisect, where there is one. */
static int status_for_git(const struct kernel_request *r, int status,
			  enum kernel_cause cause)
{
	bool no_revision = status == EXIT_USAGE ||
			   cause == KERNEL_CAUSE_MACHINE;
	bool lacking = cause == KERNEL_CAUSE_CONFIG;
	bool bisected;

	if (status == EXIT_OK || (!no_revision && !lacking))
		return status;
	bisected = !r->tree &&
		   tree_is_bisected(r->directory ? r->directory : ".");
	if (bisected && lacking)
		return EXIT_FARM;
	/* git runs the command at the top of what it bisects. */
	return bisected || tree_is_bisected(".") ? EXIT_STOPS_BISECT : status;
}

static void say_for_git(int status)
{
	log_info("this tree is being bisected: %s",
		 status == EXIT_FARM ?
			 "125, as this revision has no such configuration" :
			 "255, as this says nothing of the revision");
}

int build_status_bisected(const struct kernel_request *r, int status,
			  enum kernel_cause cause)
{
	int given = status_for_git(r, status, cause);

	if (given != status)
		say_for_git(given);
	return given;
}

int build_status_worst(const struct build_list *l)
{
	bool changed = false;
	int worst = EXIT_OK;

	for (size_t i = 0; i < l->n; i++) {
		const struct build *b = &l->v[i];
		int given = status_for_git(&b->request, b->result.status,
					   b->result.cause);

		if (i && build_status_worse(worst, given) == worst)
			continue;
		worst = given;
		changed = given != b->result.status;
	}
	if (changed)
		say_for_git(worst);
	return worst;
}

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

int build_status_bisected(const struct kernel_request *r, int status,
			  enum kernel_cause cause)
{
	bool stops = status == EXIT_USAGE || cause == KERNEL_CAUSE_MACHINE;
	bool skips = cause == KERNEL_CAUSE_CONFIG;

	if (status == EXIT_OK || (!stops && !skips) || r->tree ||
	    !tree_is_bisected(r->directory ? r->directory : "."))
		return status;
	log_info("this tree is being bisected: %s",
		 skips ? "125, as this revision has no such configuration" :
			 "255, as this says nothing of the revision");
	return skips ? EXIT_FARM : EXIT_STOPS_BISECT;
}

int build_status_worst(const struct build_list *l)
{
	int worst = EXIT_OK;

	for (size_t i = 0; i < l->n; i++) {
		const struct build *b = &l->v[i];
		int status = build_status_bisected(
			&b->request, b->result.status, b->result.cause);

		worst = build_status_worse(worst, status);
	}
	return worst;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nightly/bisect.h - Search for the commit that broke a build. */
#ifndef NIGHTLY_BISECT_H
#define NIGHTLY_BISECT_H

#include "nightly/result.h"

struct nightly_search {
	const char *tree; /* name in `kfarm tree list` */
	const char *good, *bad; /* full commit ids */
	unsigned max_builds; /* maximum number of builds */
	/*
	 * Time of clock_ms() at which the search ends.  No build starts later.
	 * If a build ends later with NIGHTLY_END_BROKEN, the time limit is
	 * assumed to be the cause: the search stops, and the commit is not
	 * skipped.
	 */
	uint64_t until_ms;
	/*
	 * Build a commit.  Returns 0 and sets *end; -errno ends the search.
	 * NIGHTLY_END_BROKEN in *end means that the build does not show whether
	 * the commit is good.  `between` is the number of remaining candidates,
	 * or 0 if `commit` is a merge base.
	 */
	int (*build_commit)(void *ctx, const char *commit, size_t between,
			    enum nightly_end *end, struct err *err);
	void *ctx;
};

/*
 * Search for the first bad commit.  Returns 0 with the result in *out, or an
 * error of build_commit() or of the tree.  The caller releases *out even after
 * a failure.
 */
int nightly_bisect(const struct nightly_search *s,
		   struct nightly_bisect_result *out, struct err *err);

#endif

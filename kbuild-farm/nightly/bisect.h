/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/bisect.h - which commit broke a build.
 */
#ifndef NIGHTLY_BISECT_H
#define NIGHTLY_BISECT_H

#include "nightly/result.h"

struct nightly_search {
	const char *tree; /* of `kfarm tree` */
	const char *good, *bad; /* 40 digits */
	unsigned builds; /* at most */
	uint64_t until_ms; /* clock_ms(): none is begun from then on */
	/*
	 * Build a commit: 0 with *end, NIGHTLY_BROKEN where that says nothing
	 * of it; or a negative errno, which ends the search.  `between` are the
	 * commits that it may still be.
	 */
	int (*build)(void *ctx, const char *commit, size_t between,
		     enum nightly_end *end, struct err *err);
	void *ctx;
};

/*
 * Search.  Returns 0 with what was found in *out, or a negative errno of
 * build() or of the tree; release *out in any case.
 */
int nightly_bisect(const struct nightly_search *s, struct nightly_bisected *out,
		   struct err *err);

#endif

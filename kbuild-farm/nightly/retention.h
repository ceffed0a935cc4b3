/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/retention.h - Selection of results to retain or remove.
 *
 * Of each build, these results are retained: the last good one; the newest
 * `keep-last`; good ones of the last `keep-days` days; and the newest
 * `keep-failures` that are not good.  Of a build that is no longer configured,
 * the results of the last `keep-days` days are retained.
 *
 * The age of a result counts from the start of the build.  In case the clock
 * was wrong, no result counts as newer than a later result, or as started in
 * the future.
 */
#ifndef NIGHTLY_RETENTION_H
#define NIGHTLY_RETENTION_H

#include "nightly/store.h"

/*
 * Return an array that contains true for each result of `s` to retain.  The
 * caller frees it.  `builds` are the names of the configured builds.
 */
bool *nightly_retention_select(const struct nightly_store *s,
			       const struct nightly_job *job,
			       const struct strv *builds, long long now_s);
/*
 * Return the index of the result to remove first if space is needed: the oldest
 * that is neither the last nor the last good one of its build.  Returns
 * SIZE_MAX if there is none.
 */
size_t nightly_retention_find_expendable(const struct nightly_store *s);

/* Called before a result is removed; can be NULL. */
typedef void nightly_retention_note_fn(void *ctx,
				       const struct nightly_result *r,
				       const char *why);
/*
 * Remove all results that need not be retained, and update the links.  Then,
 * while less than job->keep_free_bytes are free, remove expendable results.
 * Returns 0; -ENOSPC if the space does not suffice; otherwise -errno.
 */
int nightly_retention_prune(struct nightly_store *s,
			    const struct nightly_job *job, long long now_s,
			    nightly_retention_note_fn *on_note, void *ctx,
			    struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/keep.h - which results of a job are kept.
 *
 * Kept are, of each build: the last good result, always; the last `keep-last`;
 * good ones of the last `keep-days` days; and of those that are not good the
 * newest `keep-failures`.  Of builds that the job has no more those of the last
 * `keep-days` days.
 *
 * How old one is, is counted from when it began; but none is newer than the
 * one after it, nor than now, wherever the clock was.
 */
#ifndef NIGHTLY_KEEP_H
#define NIGHTLY_KEEP_H

#include "nightly/store.h"

/*
 * keep[i] says whether the i'th of s->v is kept; for the caller to free.
 * `builds` are the names of those that the job has.
 */
bool *nightly_keep_choose(const struct nightly_store *s,
			  const struct nightly_job *job,
			  const struct strv *builds, long long now_s);
/*
 * Of those, the one to go next where room is needed: the oldest that is neither
 * the last of its build nor the last good one; SIZE_MAX: none.
 */
size_t nightly_keep_sacrifice(const struct nightly_store *s);

/* Told of each result before it is removed; may be NULL. */
typedef void nightly_keep_note(void *ctx, const struct nightly_result *r,
			       const char *why);
/*
 * Remove what is not to be kept, and set the links.  Then, as long as fewer
 * than job->keep_free bytes are free, what can be spared: -ENOSPC where that is
 * not enough.
 */
int nightly_keep_prune(struct nightly_store *s, const struct nightly_job *job,
		       long long now_s, nightly_keep_note *note, void *ctx,
		       struct err *err);

#endif

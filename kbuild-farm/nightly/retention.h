/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/retention.h - Selection of results to retain or remove.
 *
 * Of each build, these results are retained: the last good result; the newest
 * `keep-last` results; the good results of the last `keep-days` days; and the
 * newest `keep-failures` results that are not good.  Of a build that is no
 * longer configured, the results of the last `keep-days` days are retained.
 *
 * The age of a result counts from the start of its build.  Because the clock
 * can have been wrong, the age of a result is at least the age of each result
 * with a higher number, and at least 0.
 */
#ifndef NIGHTLY_RETENTION_H
#define NIGHTLY_RETENTION_H

#include "nightly/store.h"

/* Called before a result is removed; can be NULL. */
typedef void nightly_retention_note_fn(void *ctx,
				       const struct nightly_result *r,
				       const char *why);
/*
 * Remove all results that need not be retained, and update the symbolic links
 * (nightly/store.h).  Then, while less than job->keep_free_bytes are free,
 * remove expendable results.  Returns 0; -ENOSPC if the space does not suffice;
 * otherwise -errno.
 */
int nightly_retention_prune(struct nightly_store *s,
			    const struct nightly_job *job, long long now_s,
			    nightly_retention_note_fn *on_note, void *ctx,
			    struct err *err);

#endif

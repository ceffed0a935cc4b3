/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/nightly-runs.h - Results of nightly runs.
 */
#ifndef HISTORY_NIGHTLY_RUNS_H
#define HISTORY_NIGHTLY_RUNS_H

#include "history/read.h"

struct history_nightly_run {
	int64_t id; /* from 1, ascending with time */
	char *name; /* NAME of the section [nightly "NAME"] */
	int64_t start_s;
	char *decision; /* "built", "unchanged" etc., defined by nightly/ */
	/* digest of the decision's inputs; not the series key of a build */
	char *series_key;
	int64_t build_number; /* 0: no build */
	int64_t status; /* exit status of the build */
	char *commit, *describe, *arch, *config, *toolchain;
	char *dir; /* output directory */
	char *subject; /* not used: kfarm stores NULL */
	int64_t n_errors, n_new_errors, n_warnings, n_new_warnings;
};

/* Free the strings and zero *n. */
void history_nightly_runs_release(struct history_nightly_run *n);
/*
 * Insert a run and set n->id.  `h` is open in HISTORY_MODE_WRITE.  Returns 0 or
 * a negative errno.
 */
int history_nightly_runs_add(struct history *h, struct history_nightly_run *n,
			     struct err *err);
/*
 * Record that the output directory of build number `build` is now `output`, or
 * was removed if `output` is NULL.  `h` is open in HISTORY_MODE_WRITE.  Returns
 * 0 or a negative errno.
 */
int history_nightly_runs_set_output(struct history *h, int64_t build,
				    const char *output, struct err *err);

/* Criteria for runs.  NULL, false and 0 match every run. */
struct history_nightly_filter {
	const char *name;
	bool built; /* only runs with a build */
	/* only runs whose exit status is 0, or 101 (new warnings) */
	bool succeeded;
	int64_t before_id; /* only runs with smaller ids */
	unsigned max; /* maximum number of runs */
};

/*
 * Called with a run, which is valid during the call.  A nonzero result ends the
 * list.
 */
typedef int history_nightly_run_fn(void *ctx,
				   const struct history_nightly_run *n);
/*
 * Call on_run() for each run that matches, newest first.  Returns 0, the
 * nonzero result of on_run(), or a negative errno.
 */
int history_nightly_runs_list(struct history *h,
			      const struct history_nightly_filter *f,
			      history_nightly_run_fn *on_run, void *ctx,
			      struct err *err);
/*
 * Find the newest run that matches.  Returns 0, -ENOENT if no run matches, or
 * another negative errno.  The caller releases *out even after a failure.
 */
int history_nightly_runs_find_last(struct history *h,
				   const struct history_nightly_filter *f,
				   struct history_nightly_run *out,
				   struct err *err);

#endif

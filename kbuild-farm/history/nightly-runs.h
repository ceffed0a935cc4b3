/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history/nightly-runs.h - Records of nightly runs in the history. */
#ifndef HISTORY_NIGHTLY_RUNS_H
#define HISTORY_NIGHTLY_RUNS_H

#include "history/read.h"

/* The strings are borrowed. */
struct history_nightly_run {
	char *name; /* NAME of the section [nightly "NAME"] */
	int64_t start_s;
	char *decision; /* "commit", "unchanged" etc., defined by nightly/ */
	/* digest of the decision's inputs; not the series key of a build */
	char *series_key;
	int64_t build_number; /* 0: no build */
	int64_t status; /* exit status of the build */
	char *commit, *describe, *arch, *config, *toolchain;
	char *dir; /* output directory */
	int64_t n_errors, n_new_errors, n_warnings, n_new_warnings;
};

/*
 * Insert a run, and delete all but the last HISTORY_NIGHTLY_RUNS_MAX runs.  `h`
 * is open in HISTORY_MODE_WRITE.  Returns 0 or a negative errno.
 */
int history_nightly_runs_add(struct history *h,
			     const struct history_nightly_run *n,
			     struct err *err);
/*
 * Record that the output directory of build number `build` is now `output`, or
 * was removed if `output` is NULL.  `h` is open in HISTORY_MODE_WRITE.  Returns
 * 0 or a negative errno.
 */
int history_nightly_runs_set_output(struct history *h, int64_t build,
				    const char *output, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/history.h - Exchange of build data with the history.
 *
 * A nightly run never fails because of the history: data that cannot be read
 * counts as unknown, and data that cannot be written is dropped.
 */
#ifndef NIGHTLY_HISTORY_H
#define NIGHTLY_HISTORY_H

#include "nightly/result.h"

/*
 * Find the finished build with output directory `dir` in the history.  Store
 * its number and its numbers of new errors and warnings in `r`.  Add its first
 * new diagnostics to r->messages, unless the build could not be completed.
 */
void nightly_history_read(struct nightly_result *r, const char *dir);
/* Record the run and the final path of the build's results. */
void nightly_history_add_run(const struct nightly_result *r);
/*
 * Delete the path of the output directory of a bisection step from the history,
 * because the files of the step are not retained.
 */
void nightly_history_forget_results(const struct nightly_result *r);

#endif

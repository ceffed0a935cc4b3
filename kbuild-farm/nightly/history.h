/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/history.h - Exchange of build data with the history.
 *
 * A nightly run never fails because of the history: unreadable data is unknown,
 * and data that cannot be written is dropped.
 */
#ifndef NIGHTLY_HISTORY_H
#define NIGHTLY_HISTORY_H

#include "nightly/result.h"

/*
 * Look up the finished build with output directory `dir`: its number and its
 * new diagnostics.  The first of these are added to r->messages unless the
 * build could not be completed.
 */
void nightly_history_read(struct nightly_result *r, const char *dir);
/* Record the run and the final path of the build's results. */
void nightly_history_add_run(const struct nightly_result *r);
/* Forget the results of a bisection step, whose files are not retained. */
void nightly_history_forget_results(const struct nightly_result *r);

#endif

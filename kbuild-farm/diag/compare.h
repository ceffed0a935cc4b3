/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/compare.h - Comparison of diagnostics with those of the baseline, the
 * previous build.
 *
 * An incremental build prints only the diagnostics of the units that it
 * compiles.  The diagnostics of the other units still apply.  A build therefore
 * has a *standing* set: the diagnostics that it found, and those carried over
 * from the baseline.
 *
 * Diagnostics are matched by diag_hash(), which ignores the line.  If several
 * diagnostics have the same hash, those at equal lines are matched first, then
 * the others in order.  If a build has three diagnostics with the same hash and
 * the baseline has two, one diagnostic is new.
 */
#ifndef DIAG_COMPARE_H
#define DIAG_COMPARE_H

#include "diag/set.h"

struct diag_change {
	unsigned n_new[DIAG_N_SEVERITIES];
	unsigned n_removed[DIAG_N_SEVERITIES];
	unsigned n_same, n_carried;
};

/*
 * Return true if `d`, a diagnostic of the baseline that this build did not
 * print, still applies because its unit was not compiled again.
 */
typedef bool diag_is_carried_fn(void *ctx, const struct diag *d);

/*
 * Compare `now` with `baseline`, a standing set, and set the status of all
 * entries.  The diagnostics of `now` become DIAG_STATUS_NEW or
 * DIAG_STATUS_SAME; those of `baseline` become DIAG_STATUS_REMOVED,
 * DIAG_STATUS_SAME or DIAG_STATUS_CARRIED.  Diagnostics of `baseline` that
 * still apply are added to `now` as DIAG_STATUS_CARRIED.  If `is_carried` is
 * NULL, no diagnostics are carried over.
 */
struct diag_change diag_compare(struct diag_set *now, struct diag_set *baseline,
				diag_is_carried_fn *is_carried, void *ctx);

/* Diagnostics of the baseline, for use during a build.  Empty if zeroed. */
struct diag_baseline {
	struct map unmatched; /* by diag_hash(): number not yet matched */
};

void diag_baseline_init(struct diag_baseline *k,
			const struct diag_set *baseline);
void diag_baseline_release(struct diag_baseline *k);
/*
 * Return true if the baseline has a diagnostic like `d` that is not matched
 * yet, and mark that diagnostic as matched.
 */
bool diag_baseline_match(struct diag_baseline *k, const struct diag *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/compare.h - what is new since an earlier build, and what is gone.
 *
 * A build that compiles ten units hears nothing of the others: what was said of
 * those stands.  So each build has a *standing* set: what it found, and what it
 * carried on from the build before it.
 *
 * A diagnostic is known again by diag_identity(), not by its line.  Where one
 * is there several times those at the same lines are taken together first, then
 * the others in their order: of three where there were two, one is new.
 */
#ifndef DIAG_COMPARE_H
#define DIAG_COMPARE_H

#include "diag/set.h"

struct diag_change {
	unsigned fresh[DIAG_SEVERITIES]; /* new ones */
	unsigned gone[DIAG_SEVERITIES];
	unsigned same, carried;
};

/*
 * Does `d` of an earlier build, which was not said in this one, stand because
 * nothing that showed it was made anew?
 */
typedef bool diag_stands(void *ctx, const struct diag *d);

/*
 * Hold `now` against `before`, a standing set: what stands is added to `now` as
 * DIAG_CARRIED, and each of both has its `how`: in `before` that is DIAG_GONE,
 * DIAG_SAME or DIAG_CARRIED.  `stands` may be NULL: nothing does.
 */
struct diag_change diag_compare(struct diag_set *now, struct diag_set *before,
				diag_stands *stands, void *ctx);

/* While a build goes on: what an earlier one had.  A zeroed one had nothing. */
struct diag_known {
	struct map left; /* by identity: how many were not said yet */
};

void diag_known_init(struct diag_known *k, const struct diag_set *before);
void diag_known_release(struct diag_known *k);
/* Had it this one?  Then it had one less of its kind to say again. */
bool diag_known_take(struct diag_known *k, const struct diag *d);

#endif

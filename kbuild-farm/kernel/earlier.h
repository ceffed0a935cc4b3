/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/earlier.h - the earlier build that one is held against: which it is,
 * what its compilers said, how large its kernel was.
 *
 * It is the last one of the same key (kernel/key.h) in the same build
 * directory; where nothing was compiled there yet, or no build is known of it,
 * in any.  With -W, in a tree that is being bisected, it is the last one of a
 * revision that is marked good: the last one that was built may well be bad.
 */
#ifndef KERNEL_EARLIER_H
#define KERNEL_EARLIER_H

#include "base/err.h"
#include "diag/compare.h"
#include "history/read.h"

struct kernel_artifacts;
struct kernel_run;

struct kernel_earlier {
	int64_t number; /* in the history; 0: there is none */
	char *output; /* its output directory */
	struct diag_set standing; /* what stood at its end */
	struct diag_known known; /* the same, while the build goes on */
	struct history_details sizes;
	/* The last build here, where that is another: what it said of units
	   that are not compiled now still stands. */
	bool has_here;
	struct diag_set here;
	bool fresh; /* nothing was compiled in the directory before this one */
	struct diag_change change; /* once it was compared */
};

/*
 * Look for it, once EVENTS_BUILD was told.  Returns 0; or -ENOENT with `err`
 * set where -W has nothing to compare with in a tree that is being bisected.
 */
int kernel_earlier_find(struct kernel_run *run, bool fresh, struct err *err);
/*
 * Compare with it, once all diagnostics were found, and tell each of them.
 * `complete`: make did all that it was asked for.
 */
void kernel_earlier_compare(struct kernel_run *run, bool complete);
/* Tell the sizes of what was made. */
void kernel_earlier_tell_sizes(struct kernel_run *run,
			       const struct kernel_artifacts *a);
/*
 * Append the table of functions that grew (kernel/bloat.h), or a line that says
 * why there is none.
 */
void kernel_earlier_bloat(const struct kernel_run *run, struct buf *out);
void kernel_earlier_release(struct kernel_earlier *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/baseline.h - Comparison of a build with its baseline.
 *
 * The baseline is the last build of the same series in the same build
 * directory.  If nothing has been compiled in that directory yet, or the
 * history has no build in that directory, the baseline is the last build of the
 * series in any directory.  An interrupted or killed build, which has compiled
 * only a part of the units, is never the baseline.  With -W (new warnings are a
 * failure) in a tree that is being bisected, the baseline is the last build of
 * a revision marked good, because the most recent build may be of a bad
 * revision.
 *
 * The table of --bloat lists the symbols that differ in size.  It has the
 * counts and the format of the kernel's scripts/bloat-o-meter.
 */
#ifndef KERNEL_BASELINE_H
#define KERNEL_BASELINE_H

#include "base/buf.h"
#include "base/err.h"
#include "diag/compare.h"
#include "history/read.h"

struct kernel_artifacts;
struct kernel_build_state;

/*
 * Append a table of the symbols that differ in size between the ELF files
 * `old` and `new`, largest growth first.  Returns 0, or a negative errno with
 * `err` naming the file.
 */
int kernel_bloat_text(struct buf *out, const char *old, const char *new,
		      struct err *err);

struct kernel_baseline {
	/* number in the history, or 0 without a baseline */
	int64_t build_number;
	struct diag_set diags; /* diagnostics at the end of the baseline */
	/* the diagnostics in `diags`, for lookups during the build */
	struct diag_baseline known_diags;
	/*
	 * Number, output directory and sizes of the last good build that has
	 * sizes in the history.  The number is 0 if no such build exists or the
	 * user did not request a comparison of sizes.
	 */
	int64_t sized_number;
	char *output_dir;
	struct history_details sizes;
	/*
	 * Diagnostics of the last build in this directory, if that build is not
	 * the baseline.  They still apply to units that are not recompiled,
	 * even without a baseline.
	 */
	bool has_dir_diags;
	struct diag_set dir_diags;
	/*
	 * End, in seconds since 1970, of the build that reported `dir_diags`
	 * or, without `has_dir_diags`, `diags`.  The warnings of that build no
	 * longer apply to an object that was written after its end.
	 */
	int64_t diags_end_s;
	/*
	 * start of the first build in this directory that was killed after
	 * diags_end_s, in seconds since 1970; 0 if no build was killed
	 */
	int64_t killed_start_s;
	bool fresh; /* the build directory had no objects before this build */
	struct diag_change change; /* result of the comparison */
};

/*
 * Find the baseline.  Call this function after EVENTS_KIND_BUILD was published.
 * `fresh` means that the build directory has no objects yet.  Returns 0, or
 * -ENOENT with `err` set if -W has no baseline in a tree that is being
 * bisected.
 */
int kernel_baseline_find(struct kernel_build_state *run, bool fresh,
			 struct err *err);
/*
 * Compare the diagnostics of the build with those of the baseline, and publish
 * every diagnostic.  Call this function after the last diagnostic was added.
 * `complete` means that make built all goals.
 */
void kernel_baseline_compare(struct kernel_build_state *run, bool complete);
/* Publish the sizes of the artifacts. */
void kernel_baseline_report_sizes(struct kernel_build_state *run,
				  const struct kernel_artifacts *a);
/*
 * Append the table of --bloat, or a line with the reason why the table is
 * missing.
 */
void kernel_baseline_put_bloat(const struct kernel_build_state *run,
			       struct buf *out);
/* Free the diagnostics and sizes. */
void kernel_baseline_release(struct kernel_baseline *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/data.h - Data of one build, the input of all reports.
 *
 * report_data_read() reads everything that a report contains from the history.
 * Text, JSON, HTML and trace are generated from this data.  report_sizes_init()
 * compares the sizes of the built files with those of an earlier build.
 */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H

#include "base/buf.h"
#include "history/read.h"

struct report_data {
	struct history_build build;
	/* nodes, phases, reasons, units, sizes, diagnostics (errors first) */
	struct history_details details;
	/* the previous build with the same series key that finished */
	struct history_build baseline;
	bool has_baseline;
	/*
	 * Sizes, sorted by name, of the last good build that precedes this
	 * build and has sizes.  `sized_number` is the number of that build, or
	 * 0 if that build is the baseline.
	 */
	struct history_details baseline_details;
	int64_t sized_number;
};

/*
 * Read the last build with the output directory `output`, or, if `output` is
 * NULL, build `number` (0: the last build).  Returns 0, or a negative errno
 * with `err` set: -ENOENT if no such build exists, or an error of
 * history/read.h.  The caller releases *out even after a failure.
 */
int report_data_read(struct report_data *out, struct history *h, int64_t number,
		     const char *output, struct err *err);
/* Free the data and zero *d. */
void report_data_release(struct report_data *d);

/* Return the state of the build in words, such as "built" or "failed". */
const char *report_data_status_text(const struct report_data *d);
/*
 * Return true if the end of the build is recorded.  For a running or killed
 * build, the history contains only what was known at its start.
 */
bool report_data_is_finished(const struct history_build *b);
/*
 * Return a sentence about the missing data of a running or killed build, or
 * NULL for a finished build.
 */
const char *report_data_unfinished_text(const struct report_data *d);
/*
 * Return true if the build had jobs but the history has no units of the build.
 */
bool report_data_is_missing_units(const struct report_data *d);
/*
 * Return true if the build had warnings or errors but the history has deleted
 * its diagnostics and sizes.
 */
bool report_data_is_missing_details(const struct report_data *d);
/*
 * Return the share of executed jobs that nodes completed, in permille, rounded
 * down.  Cached jobs do not count.
 */
unsigned report_data_remote_permille(const struct report_data *d);
/* Count the diagnostics whose status relative to the baseline is `status`. */
size_t report_data_count_diags(const struct report_data *d,
			       enum history_diag_status status);
/*
 * Append a duration like format_duration_short() of base/format.h, but with two
 * decimals below 10 s ("0.12s").
 */
void report_data_add_duration(struct buf *out, uint64_t ms);
/* Append a time such as "2026-11-22 02:11:33 +0100". */
void report_data_add_time(struct buf *out, int64_t seconds);

struct report_size {
	/* strings are borrowed; `baseline` is valid if `in_baseline` is set */
	struct history_size current, baseline;
	bool elf; /* the sizes of text, data and bss are known */
	bool in_baseline; /* the earlier build has this file */
	bool new_file; /* the earlier build has sizes, but lacks this file */
	/*
	 * Growth since the earlier build.  If the sizes of text, data and bss
	 * are known in both builds, it is the growth of their sum, else the
	 * growth of the file size.  It is 0 unless `in_baseline` is set.
	 */
	int64_t change_bytes;
};

struct report_sizes {
	/*
	 * Modules (*.ko) are last.  The modules and the other files are each
	 * sorted by descending amount of change, then by descending size.
	 */
	struct report_size *v;
	size_t n;
	bool compared; /* the sizes of an earlier build are known */
	/* Borrowed files that only the earlier build has; none if `n` is 0. */
	const struct history_size **removed;
	size_t n_removed;
};

/* Collect the sizes of `d`, which must outlive *out. */
void report_sizes_init(struct report_sizes *out, const struct report_data *d);
/* Free the arrays and zero *s. */
void report_sizes_release(struct report_sizes *s);

#endif

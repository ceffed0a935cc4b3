/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/data.h - Data of one build, the input of all reports.
 *
 * It is read from the history at once; text, JSON, HTML and trace are generated
 * from it.  It includes the sizes of the built files and their changes since
 * the baseline.
 */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H

#include "base/buf.h"
#include "history/read.h"

struct report_data {
	struct history_build build;
	/* nodes, units and so on; errors come first among its diagnostics */
	struct history_details details;
	/* the previous build with the same series key */
	struct history_build baseline;
	bool has_baseline;
	/* sizes of the baseline, sorted by name */
	struct history_details baseline_details;
};

/*
 * Read build `number` (0: the last one), or, if `output` is not NULL, the last
 * one with that output directory.  Returns 0; -ENOENT if there is no such
 * build; or an error of history/read.h; with `err` set.  The caller releases
 * *out in any case.
 */
int report_data_read(struct report_data *out, struct history *h, int64_t number,
		     const char *output, struct err *err);
/* Free the data; also after a failed report_data_read(). */
void report_data_release(struct report_data *d);

/* Return the outcome: "built", "failed", "running" ... */
const char *report_data_status_text(const struct report_data *d);
/*
 * Return true if the build has ended.  For a running or killed build only its
 * start is recorded.
 */
bool report_data_is_finished(const struct history_build *b);
/* Return a sentence about a build that has not ended, else NULL. */
const char *report_data_unfinished_text(const struct report_data *d);
/* Return true if the build had jobs but the history has deleted them. */
bool report_data_is_missing_units(const struct report_data *d);
/* The same for its warnings, errors and sizes. */
bool report_data_is_missing_details(const struct report_data *d);
/* Return the permille of jobs that nodes completed, rounded down. */
unsigned report_data_remote_permille(const struct report_data *d);
/* Count the diagnostics with this status relative to the baseline. */
size_t report_data_count_diags(const struct report_data *d,
			       enum history_diag_status status);
/*
 * Format like format_duration_short() of base/format.h, but "0.12s" below 10 s.
 */
void report_data_add_duration(struct buf *out, uint64_t ms);
/* Append a time such as "2026-11-22 02:11:33 +0100". */
void report_data_add_time(struct buf *out, int64_t seconds);

struct report_size {
	/* borrowed; baseline is valid if in_baseline */
	struct history_size current, baseline;
	bool elf; /* text, data and bss are available */
	bool in_baseline; /* the baseline has this file */
	bool new_file; /* the baseline lacks this file, but has others */
	/* Growth in bytes: of text, data and bss, else of the file. */
	int64_t change_bytes;
};

struct report_sizes {
	/* vmlinux and images, then by change, then by size */
	struct report_size *v;
	size_t n;
	bool compared; /* there is a baseline */
	size_t n_changed;
	/* Files of the baseline that this build lacks; borrowed. */
	const struct history_size **removed;
	size_t n_removed;
};

/* Collect the sizes of `d`, which must outlive *out. */
void report_sizes_init(struct report_sizes *out, const struct report_data *d);
/* Free the lists of `s`. */
void report_sizes_release(struct report_sizes *s);

#endif

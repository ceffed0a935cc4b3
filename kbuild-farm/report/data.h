/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/data.h - all that a report tells of one build, read from the history
 * at once; what the reports draw (text, JSON, HTML, trace) they draw from this.
 */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H

#include "base/buf.h"
#include "history/read.h"

struct report_data {
	struct history_build build;
	/* Its nodes, units ...; of its diagnostics errors first. */
	struct history_details with;
	struct history_build before; /* the one before it of the same key */
	bool has_before;
	struct history_details before_with; /* its sizes, by name */
};

/*
 * Read build `number` (0: the last), or the last whose results went to the
 * directory `output`, where that is not NULL.  -ENOENT: there is none; or what
 * history/read.h says; with `err` set.  Release `out` in any case.
 */
int report_data_read(struct report_data *out, struct history *h, int64_t number,
		     const char *output, struct err *err);
void report_data_release(struct report_data *d);

/* What became of it: "built", "failed", "running" ... */
const char *report_data_verdict(const struct report_data *d);
/* Of a build that runs or was killed nothing but its beginning is known. */
bool report_data_ended(const struct history_build *b);
/* That in a sentence; NULL: it ended. */
const char *report_data_unended(const struct report_data *d);
/* Had it jobs, of which the history keeps none any more? */
bool report_data_lost_units(const struct report_data *d);
/* The same of its warnings, errors and sizes. */
bool report_data_lost_details(const struct report_data *d);
/* Tenths of a percent of the jobs that nodes did, rounded down. */
unsigned report_data_permille(const struct report_data *d);
/* How many of its diagnostics stand in that relation to the build before. */
size_t report_data_count(const struct report_data *d, enum history_how how);
/* The sizes of that name in the build before, or NULL. */
const struct history_size *report_data_size_before(const struct report_data *d,
						   const char *name);
/* As format_span() of base/format.h, but "0.12s" below 10 s. */
void report_data_put_span(struct buf *out, uint64_t ms);
/* "2026-11-22 02:11:33 +0100" */
void report_data_put_time(struct buf *out, int64_t seconds);

#endif

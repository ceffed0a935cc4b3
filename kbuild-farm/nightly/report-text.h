/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/report-text.h - Text of the report about a nightly run.
 *
 * One report covers all builds of a job.  For each build with news, it contains
 * the news first, then the commits, the command that reproduces the build, and
 * the path of its log.  These functions perform no I/O.  Each text from a
 * commit or a compiler is reduced to one line and made safe for display
 * (base/printable).
 */
#ifndef NIGHTLY_REPORT_TEXT_H
#define NIGHTLY_REPORT_TEXT_H

#include "base/buf.h"
#include "nightly/result.h"
#include "tree/log.h"

#define NIGHTLY_REPORT_SUBJECT_BYTES 80 /* limit of a text in a subject */
#define NIGHTLY_REPORT_LINE_BYTES    500 /* limit of a text on its own line */

/*
 * Append `text` as a single line that is safe for display.  The second function
 * appends at most `max_bytes` bytes of `text`, and "..." if `text` is longer.
 */
void nightly_report_add_printable(struct buf *out, const char *text);
void nightly_report_add_truncated(struct buf *out, const char *text,
				  size_t max_bytes);
/*
 * Append the output of `git describe` for the commit of a result, or else the
 * first 12 digits of the commit id.
 */
void nightly_report_add_revision(struct buf *out,
				 const struct nightly_result *r);
/*
 * Append the same revision, but without the abbreviated commit id of
 * `git describe`: "v6.1-rc3-12" instead of "v6.1-rc3-12-g0123456".
 */
void nightly_report_add_short_revision(struct buf *out,
				       const struct nightly_result *r);
/* Append the local date of `seconds` since 1970, such as "2026-11-22". */
void nightly_report_add_date(struct buf *out, long long seconds);

#define NIGHTLY_COMMITS_MAX 20 /* limit of listed commits per build */

/* One build of the run. */
struct nightly_report_build {
	const struct nightly_result *result;
	/* commits to list for this build */
	const struct tree_commit_log *commits;
};

/* Zeroed if there is no report. */
struct nightly_report {
	/* nightly_notify_result_word() of the worst build */
	const char *result;
	char *subject; /* one line */
	char *text; /* one or more lines, each of which ends in "\n" */
};

/*
 * Write the report of job `name`.  Returns false and writes nothing if there is
 * no news.
 */
bool nightly_report_write(struct nightly_report *out, const char *name,
			  const struct nightly_report_build *builds, size_t n);
/* Free the texts. */
void nightly_report_release(struct nightly_report *r);

#endif

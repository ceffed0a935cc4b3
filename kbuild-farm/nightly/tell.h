/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/tell.h - a night put into words: one report of all builds of a job.
 *
 * Pure.  What authors and compilers wrote is on one line each in the texts, and
 * may be shown (base/printable).
 */
#ifndef NIGHTLY_TELL_H
#define NIGHTLY_TELL_H

#include "nightly/body.h"

/* A zeroed one is none. */
struct nightly_report {
	const char *result; /* of the worst build: nightly_news_word() */
	char *subject; /* one line */
	char *text; /* lines, the last one with its end */
};

/*
 * The night of the job `name`.  Returns false, and writes nothing, where there
 * is no news.
 */
bool nightly_tell(struct nightly_report *out, const char *name,
		  const struct nightly_told *builds, size_t n);
void nightly_report_release(struct nightly_report *r);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/notify.h - Detection of news in the results of a run.
 *
 * Only news is reported: the first result of a build, a build that starts to
 * fail or is good again, and new warnings.  A build that keeps failing is news
 * only if the reason changes: the build has errors that the previous build did
 * not have, or ends differently.  Thus a tree that is broken for a month causes
 * one report; `kfarm nightly list` still shows the state of the tree.
 */
#ifndef NIGHTLY_NOTIFY_H
#define NIGHTLY_NOTIFY_H

#include "nightly/result.h"

enum nightly_notify_reason {
	NIGHTLY_NOTIFY_NONE,
	NIGHTLY_NOTIFY_FIRST, /* first build, good */
	NIGHTLY_NOTIFY_FIXED, /* good, and the previous build was not */
	NIGHTLY_NOTIFY_WARNINGS, /* good, with new warnings */
	NIGHTLY_NOTIFY_FAILED, /* fails, and the previous build did not fail */
	NIGHTLY_NOTIFY_FAILED_AGAIN, /* still fails, but for another reason */
	NIGHTLY_NOTIFY_BROKEN, /* could not be built, for a new reason */
};

/*
 * Compare a result with r->previous and return the reason for reporting it, or
 * NIGHTLY_NOTIFY_NONE if the result is not news.
 */
enum nightly_notify_reason nightly_notify_reason(
	const struct nightly_result *r);
/*
 * Return the number of errors that the previous build did not have.  If the
 * previous build was good, this is the number of all errors (r->n_errors).
 * Otherwise, and for a first build, it is the number of new errors that the
 * history has counted (r->n_new_errors).
 */
unsigned nightly_notify_count_new_errors(const struct nightly_result *r);
/*
 * Return the base of the report's list of commits, which contains the commits
 * that `r` has and the base lacks.  The base is the previous result if the
 * build is good again, otherwise the last good result, or NULL if no earlier
 * build was good.
 */
const struct nightly_result *nightly_notify_commit_base(
	const struct nightly_result *r);
/*
 * Return the result that describes the current state of the build: `r` itself,
 * or the previous result if the build was skipped because it is unchanged.
 */
const struct nightly_result *nightly_notify_effective_result(
	const struct nightly_result *r);
/*
 * Return "PASS", "WARN" (good, with new warnings), "FAIL" or "ERROR" (could not
 * be built).
 */
const char *nightly_notify_result_word(const struct nightly_result *r);
/*
 * Return true if two texts differ only in numbers, such as process ids or line
 * numbers.  Digits that belong to a word, as in arm64 or gcc-13.3.0, must be
 * equal.
 */
bool nightly_notify_is_same_text(const char *a, const char *b);

#endif

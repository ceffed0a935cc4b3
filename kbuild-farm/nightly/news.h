/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/news.h - what of a night is news.
 *
 * News is what is new to a reader who had all reports before: the first build,
 * one that fails or is good again, new warnings.  A build that goes on failing
 * is news again only when it fails for another reason: with errors that the
 * last build did not have, or with another end.  So a tree that stays broken
 * for a month is one report; `kfarm nightly list` goes on saying it.
 */
#ifndef NIGHTLY_NEWS_H
#define NIGHTLY_NEWS_H

#include "nightly/result.h"

enum nightly_news {
	NIGHTLY_NO_NEWS,
	NIGHTLY_NEWS_FIRST, /* was built for the first time, and is good */
	NIGHTLY_NEWS_FIXED, /* is good, and was not */
	NIGHTLY_NEWS_WARNS, /* is good, with new warnings */
	NIGHTLY_NEWS_FAILS, /* fails, and did not, or could not be tried */
	NIGHTLY_NEWS_FAILS_ANEW, /* fails for another reason */
	NIGHTLY_NEWS_BROKEN, /* could not be tried, for a new reason */
};

enum nightly_news nightly_news(const struct nightly_result *r);
/*
 * How many of its errors the build before did not have: all where that was
 * good, none where there was none.
 */
unsigned nightly_news_errors(const struct nightly_result *r);
/*
 * The result from which on commits are listed: the last good one, and of one
 * that is good again the previous one.  NULL: there is none.
 */
const struct nightly_result *nightly_news_since(const struct nightly_result *r);
/* What stands: the result itself, or, where nothing changed, the previous. */
const struct nightly_result *nightly_news_standing(
	const struct nightly_result *r);
/*
 * What it comes to: "PASS", "WARN" (good, with new warnings), "FAIL", or
 * "ERROR" (could not be tried).
 */
const char *nightly_news_word(const struct nightly_result *r);
/* Are these two the same words, but for numbers (of a process, a line)? */
bool nightly_news_same_words(const char *a, const char *b);

#endif

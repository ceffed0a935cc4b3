/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/news.h"

#include <ctype.h>
#include <string.h>

static const char *first_said(const struct nightly_result *r)
{
	return r->said.n ? r->said.v[0] : "";
}

/* Both failed, or both could not be tried. */
static bool same_reason(const struct nightly_result *r,
			const struct nightly_result *before)
{
	if (r->timed_out != before->timed_out || r->status != before->status)
		return false;
	if (r->end == NIGHTLY_FAILED && (r->errors || before->errors))
		return !r->new_errors && r->errors && before->errors;
	return nightly_news_same_words(first_said(r), first_said(before));
}

enum nightly_news nightly_news(const struct nightly_result *r)
{
	const struct nightly_result *before = r->previous;

	if (r->decision == NIGHTLY_UNCHANGED)
		return NIGHTLY_NO_NEWS;
	switch (r->end) {
	case NIGHTLY_GOOD:
		if (!before)
			return NIGHTLY_NEWS_FIRST;
		if (before->end != NIGHTLY_GOOD)
			return NIGHTLY_NEWS_FIXED;
		return r->new_warnings ? NIGHTLY_NEWS_WARNS : NIGHTLY_NO_NEWS;
	case NIGHTLY_FAILED:
		if (!before || before->end != NIGHTLY_FAILED)
			return NIGHTLY_NEWS_FAILS;
		return same_reason(r, before) ? NIGHTLY_NO_NEWS :
						NIGHTLY_NEWS_FAILS_ANEW;
	case NIGHTLY_BROKEN:
		if (before && before->end == NIGHTLY_BROKEN &&
		    same_reason(r, before))
			return NIGHTLY_NO_NEWS;
		return NIGHTLY_NEWS_BROKEN;
	}
	return NIGHTLY_NO_NEWS;
}

unsigned nightly_news_errors(const struct nightly_result *r)
{
	if (!r->previous)
		return 0;
	return r->previous->end == NIGHTLY_GOOD ? r->errors : r->new_errors;
}

const struct nightly_result *nightly_news_since(const struct nightly_result *r)
{
	return nightly_news(r) == NIGHTLY_NEWS_FIXED ? r->previous :
						       r->last_good;
}

const struct nightly_result *nightly_news_standing(
	const struct nightly_result *r)
{
	return r->decision == NIGHTLY_UNCHANGED && r->previous ? r->previous :
								 r;
}

const char *nightly_news_word(const struct nightly_result *r)
{
	switch (nightly_news_standing(r)->end) {
	case NIGHTLY_FAILED:
		return "FAIL";
	case NIGHTLY_BROKEN:
		return "ERROR";
	case NIGHTLY_GOOD:
		break;
	}
	return nightly_news(r) == NIGHTLY_NEWS_WARNS ? "WARN" : "PASS";
}

bool nightly_news_same_words(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

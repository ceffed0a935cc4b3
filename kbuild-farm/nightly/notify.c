/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/notify.h"

#include <ctype.h>
#include <string.h>

static const char *first_message(const struct nightly_result *r)
{
	return r->messages.n ? r->messages.v[0] : "";
}

/*
 * Return true if two builds ended for the same reason.  The caller has checked
 * that both builds failed, or that both could not be completed.
 */
static bool has_same_reason(const struct nightly_result *r,
			    const struct nightly_result *before)
{
	if (r->timed_out != before->timed_out || r->status != before->status)
		return false;
	if (r->end == NIGHTLY_END_FAILED && (r->n_errors || before->n_errors))
		return !r->n_new_errors && r->n_errors && before->n_errors;
	return nightly_notify_is_same_text(first_message(r),
					   first_message(before));
}

enum nightly_notify_reason nightly_notify_reason(const struct nightly_result *r)
{
	const struct nightly_result *before = r->previous;

	if (r->decision == NIGHTLY_DECISION_UNCHANGED)
		return NIGHTLY_NOTIFY_NONE;
	switch (r->end) {
	case NIGHTLY_END_GOOD:
		if (!before)
			return NIGHTLY_NOTIFY_FIRST;
		if (before->end != NIGHTLY_END_GOOD)
			return NIGHTLY_NOTIFY_FIXED;
		return r->n_new_warnings ? NIGHTLY_NOTIFY_WARNINGS :
					   NIGHTLY_NOTIFY_NONE;
	case NIGHTLY_END_FAILED:
		if (!before || before->end != NIGHTLY_END_FAILED)
			return NIGHTLY_NOTIFY_FAILED;
		return has_same_reason(r, before) ? NIGHTLY_NOTIFY_NONE :
						    NIGHTLY_NOTIFY_FAILED_AGAIN;
	case NIGHTLY_END_BROKEN:
		if (before && before->end == NIGHTLY_END_BROKEN &&
		    has_same_reason(r, before))
			return NIGHTLY_NOTIFY_NONE;
		return NIGHTLY_NOTIFY_BROKEN;
	}
	return NIGHTLY_NOTIFY_NONE;
}

unsigned nightly_notify_count_new_errors(const struct nightly_result *r)
{
	return r->previous && r->previous->end == NIGHTLY_END_GOOD ?
		       r->n_errors :
		       r->n_new_errors;
}

const struct nightly_result *nightly_notify_commit_base(
	const struct nightly_result *r)
{
	return nightly_notify_reason(r) == NIGHTLY_NOTIFY_FIXED ? r->previous :
								  r->last_good;
}

const struct nightly_result *nightly_notify_effective_result(
	const struct nightly_result *r)
{
	return r->decision == NIGHTLY_DECISION_UNCHANGED && r->previous ?
		       r->previous :
		       r;
}

const char *nightly_notify_result_word(const struct nightly_result *r)
{
	switch (nightly_notify_effective_result(r)->end) {
	case NIGHTLY_END_FAILED:
		return "FAIL";
	case NIGHTLY_END_BROKEN:
		return "ERROR";
	case NIGHTLY_END_GOOD:
		break;
	}
	/*
	 * r->previous cannot show whether this is the first build, because the
	 * previous result can be removed at any time.
	 */
	return r->decision != NIGHTLY_DECISION_FIRST && r->n_new_warnings ?
		       "WARN" :
		       "PASS";
}

static bool is_word_letter(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

/*
 * Return true if the digit at `at` in `text` belongs to a word, as in arm64,
 * gcc-13.3.0, 13th, 64-bit or 6.1.0-12.
 */
static bool is_in_word(const char *text, const char *at)
{
	static const char number[] = "0123456789.";
	const char *end = at + strspn(at, number);
	bool decimal, version = false;

	while (at > text && strchr(number, at[-1]))
		at--;
	decimal = memchr(at, '.', (size_t)(end - at));
	/*
	 * If a "-" follows a word or a version, the number belongs to that word
	 * or version.  Any other "-" is a sign or belongs to a date.
	 */
	if (at > text && at[-1] == '-') {
		at--;
		for (; at > text && strchr(number, at[-1]); at--)
			version |= at[-1] == '.';
	}
	if (version || (at > text && is_word_letter(at[-1])))
		return true;
	/*
	 * A letter after the number makes it part of a word, also after a "-"
	 * ("64-bit").  An "s" for seconds does not, so skip it.  Skip the units
	 * K, M, G and T only after a number with a fraction, because the letter
	 * can otherwise be part of a name ("4K pages").
	 */
	if (*end && strchr(decimal ? "-sKMGT" : "-s", *end) &&
	    !isdigit((unsigned char)end[1]))
		end++;
	return is_word_letter(*end);
}

bool nightly_notify_is_same_text(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y) &&
		    !is_in_word(a, x) && !is_in_word(b, y)) {
			x += strspn(x, "0123456789");
			y += strspn(y, "0123456789");
		} else if (*x++ != *y++) {
			return false;
		}
	}
	return *x == *y;
}

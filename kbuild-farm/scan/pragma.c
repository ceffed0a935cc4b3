/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/pragma.h"

#include "scan/lexer.h"

#include <string.h>

/* Take a word off the front of what ends at `end`. */
static bool take(const char **s, const char *end, const char *word)
{
	size_t n = strlen(word);
	const char *p = *s;

	while (p < end && strchr(" \t\v\f\r", *p))
		p++;
	if ((size_t)(end - p) < n || memcmp(p, word, n) ||
	    (p + n < end && scan_is_word((uint8_t)p[n])))
		return false;
	*s = p + n;
	return true;
}

/* gcc takes macros such as __AVX2__ and __OPTIMIZE__ along. */
static bool changes_options(const char *s, const char *end)
{
	static const char *const words[] = { "target", "optimize",
					     "push_options", "pop_options",
					     "reset_options" };

	if (take(&s, end, "clang"))
		return take(&s, end, "fp");
	if (!take(&s, end, "GCC"))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (take(&s, end, words[i]))
			return true;
	}
	return false;
}

enum scan_pragma scan_pragma(const char *s, size_t len)
{
	static const char *const unknown[] = { "dependency", "include_alias",
					       "pch_preprocess", "module" };
	const char *end = s + len;

	if (take(&s, end, "once"))
		return SCAN_PRAGMA_ONCE;
	if (take(&s, end, "push_macro"))
		return SCAN_PRAGMA_PUSH_MACRO;
	if (take(&s, end, "pop_macro"))
		return SCAN_PRAGMA_POP_MACRO;
	if (memmem(s, len, "system_header", 13))
		return SCAN_PRAGMA_SYSTEM_HEADER;
	if (changes_options(s, end))
		return SCAN_PRAGMA_OPTIONS;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (memmem(s, len, unknown[i], strlen(unknown[i])))
			return SCAN_PRAGMA_UNKNOWN;
	}
	return SCAN_PRAGMA_OTHER;
}

const char *scan_pragma_macro(const char *s, size_t len, size_t *name_len)
{
	const char *end = s + len, *name;

	if (!take(&s, end, "push_macro") && !take(&s, end, "pop_macro"))
		return NULL;
	while (s < end && *s == ' ')
		s++;
	while (s < end && strchr(" \t\v\f\r", end[-1]))
		end--;
	if (end - s < 5 || s[0] != '(' || s[1] != '"' || end[-1] != ')' ||
	    end[-2] != '"')
		return NULL;
	name = s + 2;
	for (s = name; s < end - 2; s++) {
		if (!scan_is_word((uint8_t)*s) || (uint8_t)*s >= 0x80 ||
		    *s == '$')
			return NULL;
	}
	if (*name >= '0' && *name <= '9')
		return NULL;
	*name_len = (size_t)(s - name);
	return name;
}

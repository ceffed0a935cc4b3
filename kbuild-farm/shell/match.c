/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/match.h"

#include "base/vec.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const struct char_class {
	const char *name;
	int (*is_member)(int c);
} char_classes[] = {
	{ ":alnum:]", isalnum }, { ":alpha:]", isalpha },
	{ ":blank:]", isblank }, { ":cntrl:]", iscntrl },
	{ ":digit:]", isdigit }, { ":graph:]", isgraph },
	{ ":lower:]", islower }, { ":print:]", isprint },
	{ ":punct:]", ispunct }, { ":space:]", isspace },
	{ ":upper:]", isupper }, { ":xdigit:]", isxdigit },
};

/*
 * Match [:class:] inside of brackets; `p` is after its "[".  Returns the
 * position after the class, or NULL if there is no such class.
 */
static const char *match_class(const char *p, char c, bool *found)
{
	for (size_t i = 0; i < ARRAY_SIZE(char_classes); i++) {
		size_t len = strlen(char_classes[i].name);

		if (strncmp(p, char_classes[i].name, len) != 0)
			continue;
		*found |= char_classes[i].is_member((unsigned char)c) != 0;
		return p + len;
	}
	return NULL;
}

/*
 * Match `c` against a bracket expression; `p` is after "[" or "[!".  Returns
 * the position after the "]", or NULL if there is no "]".
 */
static const char *match_brackets(const char *p, char c, bool *found)
{
	const char *end;

	*found = false;
	do {
		char first = *p++;

		if (!first)
			return NULL;
		if (first == '[') {
			end = match_class(p, c, found);
			if (end) {
				p = end;
				continue;
			}
		} else if (first == '\\') {
			if (!*p)
				return NULL;
			first = *p++;
		}
		if (*p != '-' || p[1] == ']') {
			*found |= c == first;
			continue;
		}
		p++;
		if (*p == '\\')
			p++;
		if (!*p)
			return NULL;
		*found |= c >= first && c <= *p;
		p++;
	} while (*p != ']');
	return p + 1;
}

/*
 * Match `c`, which is not NUL, against one item of the pattern and advance *p
 * past it.
 */
static bool match_pattern_item(const char **p, char c)
{
	const char *at = *p, *end;
	bool negative, found;

	*p = at + 1;
	switch (*at) {
	case '?':
		return true;
	case '[':
		negative = at[1] == '!';
		end = match_brackets(at + 1 + negative, c, &found);
		if (!end)
			return c == '[';
		*p = end;
		return found != negative;
	case '\\':
		if (!at[1])
			return c == '\\';
		*p = at + 2;
		return c == at[1];
	default:
		return *at && c == *at;
	}
}

bool shell_match_pattern(const char *pattern, const char *text)
{
	const char *p = pattern, *star = NULL, *star_text = NULL;

	for (;;) {
		if (*p == '*') {
			star = ++p;
			star_text = text;
			continue;
		}
		if (!*text && !*p)
			return true;
		if (*text && match_pattern_item(&p, *text)) {
			text++;
			continue;
		}
		/* extend the text that the last * matches by one byte */
		if (!star || !*star_text)
			return false;
		p = star;
		text = ++star_text;
	}
}

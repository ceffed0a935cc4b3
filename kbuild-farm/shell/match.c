/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/match.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const struct class
{
	const char *name;
	int (*has)(int c);
} classes[] = {
	{ ":alnum:]", isalnum }, { ":alpha:]", isalpha },
	{ ":blank:]", isblank }, { ":cntrl:]", iscntrl },
	{ ":digit:]", isdigit }, { ":graph:]", isgraph },
	{ ":lower:]", islower }, { ":print:]", isprint },
	{ ":punct:]", ispunct }, { ":space:]", isspace },
	{ ":upper:]", isupper }, { ":xdigit:]", isxdigit },
};

/* Is this, behind a "[" in brackets, [:class:]?  Its end, else NULL. */
static const char *match_class(const char *p, char c, bool *found)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		size_t len = strlen(classes[i].name);

		if (strncmp(p, classes[i].name, len) != 0)
			continue;
		*found |= classes[i].has((unsigned char)c) != 0;
		return p + len;
	}
	return NULL;
}

/*
 * `p` is behind "[" or "[!".  Returns what is behind the "]", NULL where there
 * is none; *found says whether `c` is among what is in between.
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

/* Does `c`, which is not the end, match the one item at *p?  *p is then behind.
 */
static bool match_one(const char **p, char c)
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

bool shell_match(const char *pattern, const char *text)
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
		if (*text && match_one(&p, *text)) {
			text++;
			continue;
		}
		/* What the last * stands for is one byte longer. */
		if (!star || !*star_text)
			return false;
		p = star;
		text = ++star_text;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/locale.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A part of a name, without the character in front of it. */
struct part {
	const char *s;
	size_t len;
};

static struct part part_of(const char *name, char first)
{
	const char *at = strchr(name, first);
	size_t len;

	if (!at)
		return (struct part){ "", 0 };
	/* A territory ends at a codeset, both at a modifier. */
	len = strcspn(at + 1, first == '_' ? ".@" : "@");
	return (struct part){ at + 1, len };
}

/* The next letter or digit, in lower case, or 0. */
static char next_plain(struct part *p)
{
	while (p->len && !isalnum((unsigned char)*p->s)) {
		p->s++;
		p->len--;
	}
	if (!p->len)
		return 0;
	p->len--;
	return (char)tolower((unsigned char)*p->s++);
}

static bool same_codeset(struct part a, struct part b)
{
	char x, y;

	do {
		x = next_plain(&a);
		y = next_plain(&b);
	} while (x && x == y);
	return x == y;
}

static bool same_part(struct part a, struct part b)
{
	return a.len == b.len && !memcmp(a.s, b.s, a.len);
}

const char *compiler_locale_of(char *const *env, const char *category)
{
	const char *const names[] = { "LC_ALL", category, "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = str_env(env, names[i]);

		if (value && *value)
			return value;
	}
	return "C";
}

bool compiler_locale_is_c(const char *name)
{
	return !*name || !strcmp(name, "C") || !strcmp(name, "POSIX");
}

bool compiler_locale_is_utf8(const char *name)
{
	return same_codeset(part_of(name, '.'), (struct part){ "utf8", 4 });
}

bool compiler_locale_serves(const char *dir, const char *name)
{
	struct part language = { dir, strcspn(dir, "_.@") };
	struct part territory = part_of(dir, '_');
	struct part codeset = part_of(dir, '.');
	struct part modifier = part_of(dir, '@');

	if (!language.len ||
	    !same_part(language, (struct part){ name, strcspn(name, "_.@") }))
		return false;
	if (territory.len && !same_part(territory, part_of(name, '_')))
		return false;
	if (codeset.len && !same_codeset(codeset, part_of(name, '.')))
		return false;
	return !modifier.len || same_part(modifier, part_of(name, '@'));
}

char *compiler_locale_alias(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *at = text + strspn(text, " \t");

		if (*at == '#' || strncasecmp(at, name, len) ||
		    !strspn(at + len, " \t"))
			continue;
		at += len;
		at += strspn(at, " \t");
		if (strcspn(at, " \t\n"))
			return xstrndup(at, strcspn(at, " \t\n"));
	}
	return NULL;
}

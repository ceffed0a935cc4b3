/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/version.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Return the value of a line "NAME = value", or "". */
static char *makefile_value(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = text; *line; line += *line == '\n') {
		if (str_starts(line, name) && strchr(" =", line[n])) {
			line += n + strspn(line + n, " =\t");
			return xstrndup(line, strcspn(line, "\n "));
		}
		line += strcspn(line, "\n");
	}
	return xstrdup("");
}

char *tree_version_read(const char *makefile)
{
	static const char *const names[] = { "VERSION", "PATCHLEVEL",
					     "SUBLEVEL", "EXTRAVERSION" };
	char *v[4], *out = NULL;

	for (int i = 0; i < 4; i++)
		v[i] = makefile_value(makefile, names[i]);
	if (*v[0] && *v[1])
		out = xasprintf("%s.%s.%s%s", v[0], v[1], *v[2] ? v[2] : "0",
				v[3]);
	for (int i = 0; i < 4; i++)
		free(v[i]);
	return out;
}

char *tree_version_tag(const char *version)
{
	const char *rest;
	int n = 0; /* length of MAJOR.MINOR */

	sscanf(version, "%*u.%*u%n", &n);
	rest = version + n;
	if (n && str_starts(rest, ".0") && !isdigit((unsigned char)rest[2]))
		rest += strlen(".0");
	return xasprintf("v%.*s%s", n, version, rest);
}

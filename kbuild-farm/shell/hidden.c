/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/hidden.h"

#include "base/str.h"
#include "shell/counts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAKEFILES "MAKEFILES="
#define OURS      SHELL_COUNTS_VARIABLE "="

/* MAKEFILES=... without `dir`/shell.mk at its end; NULL: nothing is left. */
static char *without_ours(char *entry, const char *dir)
{
	char *own = xasprintf("%s/" SHELL_HIDDEN_MAKEFILE, dir);
	char *rest = entry;

	if (str_ends(entry, own)) {
		size_t n = strlen(entry) - strlen(own);

		rest = NULL;
		if (n > strlen(MAKEFILES))
			rest = xstrndup(entry, n - 1);
	}
	free(own);
	return rest;
}

void shell_hidden_clean(char **env)
{
	const char *dir = str_env(env, SHELL_COUNTS_VARIABLE);
	char **to = env;

	if (!dir)
		return;
	for (; *env; env++) {
		char *entry = *env;

		if (str_starts(entry, OURS))
			continue;
		if (str_starts(entry, MAKEFILES))
			entry = without_ours(entry, dir);
		if (entry)
			*to++ = entry;
	}
	*to = NULL;
}

bool shell_hidden_is_make(const char *program)
{
	const char *name = str_base(program);

	return !strcmp(name, "make") || !strcmp(name, "gmake");
}

static bool ends_word(int c)
{
	return !isalnum(c) && !strchr("_-.+=", c);
}

bool shell_hidden_has_make(struct bytes script)
{
	const uint8_t *s = script.data;

	for (size_t i = 0; i + 4 <= script.len; i++) {
		if (memcmp(s + i, "make", 4))
			continue;
		if (i + 4 < script.len && !ends_word(s[i + 4]))
			continue;
		if (!i || ends_word(s[i - 1]) ||
		    (s[i - 1] == 'g' && (i == 1 || ends_word(s[i - 2]))))
			return true;
	}
	return false;
}

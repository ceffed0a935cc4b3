/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/make-env.h"

#include "base/str.h"
#include "shell/stats.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAKEFILES_PREFIX "MAKEFILES="
#define STATS_PREFIX     SHELL_STATS_VARIABLE "="

/*
 * Return MAKEFILES=... without `dir`/shell.mk at its end, or NULL if the value
 * becomes empty.
 */
static char *strip_shell_makefile(char *entry, const char *dir)
{
	char *own = xasprintf("%s/" SHELL_MAKE_ENV_MAKEFILE, dir);
	char *rest = entry;

	if (str_ends(entry, own)) {
		size_t n = strlen(entry) - strlen(own);

		rest = NULL;
		if (n > strlen(MAKEFILES_PREFIX))
			rest = xstrndup(entry, n - 1);
	}
	free(own);
	return rest;
}

void shell_make_env_strip(char **env)
{
	const char *dir = str_find_env(env, SHELL_STATS_VARIABLE);
	char **to = env;

	if (!dir)
		return;
	for (; *env; env++) {
		char *entry = *env;

		if (str_starts(entry, STATS_PREFIX))
			continue;
		if (str_starts(entry, MAKEFILES_PREFIX))
			entry = strip_shell_makefile(entry, dir);
		if (entry)
			*to++ = entry;
	}
	*to = NULL;
}

bool shell_make_env_is_make(const char *program)
{
	const char *name = str_base(program);

	return !strcmp(name, "make") || !strcmp(name, "gmake");
}

static bool is_word_end(int c)
{
	return !isalnum(c) && !strchr("_-.+=", c);
}

bool shell_make_env_mentions_make(struct bytes script)
{
	const uint8_t *s = script.data;

	for (size_t i = 0; i + 4 <= script.len; i++) {
		if (memcmp(s + i, "make", 4))
			continue;
		if (i + 4 < script.len && !is_word_end(s[i + 4]))
			continue;
		if (!i || is_word_end(s[i - 1]) ||
		    (s[i - 1] == 'g' && (i == 1 || is_word_end(s[i - 2]))))
			return true;
	}
	return false;
}

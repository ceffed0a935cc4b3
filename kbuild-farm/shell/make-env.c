/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/make-env.h"

#include "base/str.h"
#include "shell/stats.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAKEFILES_PREFIX "MAKEFILES="

/*
 * The assignment to MAKEFILE_LIST removes shell.mk from the list; make then
 * appends the names of later makefiles to the list.
 *
 * make treats each makefile, and so shell.mk, as a target.  The rule with an
 * empty recipe prevents make from remaking shell.mk by another rule, such as
 * `%:` in the user's makefile.  The empty .EXTRA_PREREQS prevents the user's
 * .EXTRA_PREREQS from adding prerequisites to shell.mk.
 *
 * MAKEFILES comes from the environment.  Under make -e, only the `override`
 * directive can change such a variable.
 *
 * If the user's environment does not contain MAKEFILES, make without shell.mk
 * defines the variable as empty and exports it only if a makefile sets a value.
 * shell.mk preserves this behavior.  `unexport` hides the empty variable from
 * programs.  If a makefile sets a value later, the expansion of SHELL exports
 * the variable: make expands SHELL before it composes the environment of a
 * recipe line.
 */
char *shell_make_env_makefile(const char *dir)
{
	return xasprintf(
		"SHELL := %1$s/sh\n"
		"MAKEFILE_LIST :=\n"
		"%1$s/shell.mk: .EXTRA_PREREQS :=\n"
		"%1$s/shell.mk: ;\n"
		"ifeq ($(MAKEFILES),%1$s/shell.mk)\n"
		"override undefine MAKEFILES\n"
		"MAKEFILES :=\n"
		"unexport MAKEFILES\n"
		"SHELL = $(if $(value MAKEFILES),"
		"$(eval export MAKEFILES))%1$s/sh\n"
		"else ifeq ($(origin MAKEFILES),environment)\n"
		"MAKEFILES := $(subst %1$s/shell.mk ,,$(MAKEFILES))\n"
		"else\n"
		"override MAKEFILES := $(subst %1$s/shell.mk ,,$(MAKEFILES))\n"
		"endif\n",
		dir);
}

char *shell_make_env_entry(const char *dir, char *const *env)
{
	const char *own = str_find_env(env, "MAKEFILES");

	return xasprintf(MAKEFILES_PREFIX "%s/" SHELL_MAKE_ENV_MAKEFILE "%s%s",
			 dir, own ? " " : "", own ? own : "");
}

/* Return the user's MAKEFILES=..., or NULL if the user has not set it. */
static char *strip_entry(const char *dir, char *entry)
{
	char *added = shell_make_env_entry(dir, (char *[]){ NULL });
	size_t len = strlen(added);
	char *rest = entry;

	if (str_starts(entry, added) && !entry[len])
		rest = NULL;
	else if (str_starts(entry, added) && entry[len] == ' ')
		rest = xasprintf(MAKEFILES_PREFIX "%s", entry + len + 1);
	free(added);
	return rest;
}

void shell_make_env_strip(const char *dir, char **env)
{
	char **to = env;

	for (; *env; env++) {
		char *entry = *env;

		if (str_starts(entry, MAKEFILES_PREFIX))
			entry = strip_entry(dir, entry);
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

/*
 * Unless make has passed its pipe `fd`, open the pipe as the same descriptor.
 * Returns false if the number belongs to another file.
 */
static bool open_pipe_of_make(int fd, int flags)
{
	struct stat st;
	char *path;
	int from;

	if (!fstat(fd, &st))
		return S_ISFIFO(st.st_mode);
	path = xasprintf("/proc/%d/fd/%d", (int)getppid(), fd);
	from = open(path, flags);
	free(path);
	if (from >= 0 && from != fd) {
		dup2(from, fd);
		close(from);
	}
	return from >= 0;
}

char *shell_make_env_open_jobserver(const char *flags)
{
	static const char denied[] = " --jobserver-auth=-2,-2";
	const int *fds = shell_stats_jobserver();
	char *own = fds ? xasprintf(" --jobserver-auth=%d,%d", fds[0], fds[1]) :
			  NULL;
	const char *at = own && flags ? strstr(flags, own) : NULL;
	char *out = NULL;

	if (at && strchr(" ", at[strlen(own)]) &&
	    open_pipe_of_make(fds[0], O_RDONLY) &&
	    open_pipe_of_make(fds[1], O_WRONLY)) {
		at = strstr(flags, denied);
		out = at ? xasprintf("%.*s%s", (int)(at - flags), flags,
				     at + sizeof(denied) - 1) :
			   xstrdup(flags);
	}
	free(own);
	return out;
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

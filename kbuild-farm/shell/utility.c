/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/utility.h"

#include "shell/shell.h"
#include "shell/utility-kinds.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct utility {
	const char *name;
	bool (*run)(struct shell *sh, char **argv, int *status);
} utilities[] = {
	{ "rm", shell_utility_rm },       { "mkdir", shell_utility_mkdir },
	{ "mv", shell_utility_mv },       { "touch", shell_utility_touch },
	{ "cat", shell_utility_cat },     { "cmp", shell_utility_cmp },
	{ "echo", shell_utility_echo },   { "true", shell_utility_true },
	{ "false", shell_utility_false },
};

static const struct utility *find_utility(const char *name)
{
	for (size_t i = 0; i < sizeof(utilities) / sizeof(*utilities); i++) {
		if (!strcmp(name, utilities[i].name))
			return &utilities[i];
	}
	return NULL;
}

bool shell_utility_is(const char *name)
{
	return find_utility(name);
}

bool shell_utility_is_of_system(const char *path, const char *name)
{
	static const char *const dirs[] = { "/bin/", "/usr/bin/" };
	struct stat st;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		size_t len = strlen(dirs[i]);

		if (!strncmp(path, dirs[i], len) && !strcmp(path + len, name))
			return !lstat(path, &st) && S_ISREG(st.st_mode);
	}
	return false;
}

bool shell_utility_is_watched(struct shell *sh)
{
	return sh->as_is ? getenv("LD_PRELOAD") :
			   shell_vars_get(&sh->vars, "LD_PRELOAD");
}

/* Are they so long that execve(2) may refuse them (MAX_ARG_STRLEN)? */
static bool are_long(char *const *argv)
{
	size_t left = 32 * (size_t)sysconf(_SC_PAGESIZE);

	for (; *argv; argv++) {
		size_t len = strlen(*argv) + 1;

		if (len > left)
			return true;
		left -= len;
	}
	return false;
}

bool shell_utility(struct shell *sh, const char *path, char **argv, int *status)
{
	const struct utility *u = find_utility(argv[0]);

	return u && shell_utility_is_of_system(path, argv[0]) &&
	       !shell_utility_is_watched(sh) && !are_long(argv) &&
	       u->run(sh, argv, status);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sh: the recipe shell, started by make for each recipe line.  See kfarm-cc(1).
 *
 * The program must be called sh: make removes the prefixes @ + - from the later
 * lines of a .ONESHELL recipe only if it recognizes the shell by its name.
 *
 *	script.c	runs a line as make would, or parses, checks and runs it
 *	parse.c		builds the syntax tree (word.c)
 *	subset.c	accepts a script only if it provably runs as in dash
 *	run.c		executes the tree (expand.c, redirect.c, compile.c)
 *	fall_back()	replaces this process by /bin/sh for all other scripts
 */
#include "base/str.h"
#include "shell/make-env.h"
#include "shell/script.h"
#include "shell/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DASH_PATH "/bin/sh"

/*
 * Parse "-c", "-ec" and similar with the script as the last argument.  Returns
 * false for any other command line.
 */
static bool parse_arguments(char **argv, struct shell_script *script)
{
	bool takes_script = false;
	char **arg = argv + 1;

	for (; *arg && **arg == '-' && !takes_script; arg++) {
		for (const char *c = *arg + 1; *c; c++) {
			if (*c == 'e')
				script->errexit = true;
			else if (*c == 'u')
				script->nounset = true;
			else if (*c == 'c')
				takes_script = true;
			else
				return false;
		}
		if (!(*arg)[1])
			return false;
	}
	if (!takes_script || !arg[0] || arg[1] || **arg == '-' || **arg == '+')
		return false;
	script->text = *arg;
	/* make runs a line without a shell only if .SHELLFLAGS is -c or -ec. */
	script->started_by_make = (getenv("MAKELEVEL") || script->make_dir) &&
				  arg == argv + 2 &&
				  (!strcmp(argv[1], "-c") ||
				   !strcmp(argv[1], "-ec"));
	return true;
}

/*
 * make starts this program through the link DIR/sh.  DIR also contains the
 * makefile that sets SHELL to DIR/sh (shell/make-env.h).  If DIR contains the
 * statistics of a build, map them and return DIR.  Otherwise return NULL.
 */
static const char *open_make_dir(const char *program)
{
	char *dir;

	if (!strchr(program, '/'))
		return NULL;
	dir = str_dir(program);
	if (shell_stats_open(dir))
		return dir;
	free(dir);
	return NULL;
}

/*
 * Count the fallback and replace this process by /bin/sh with the same
 * arguments.  The caller must not have run any command of the script.  If
 * `make_dir` is not NULL, MAKEFILES is reset to the user's value, unless
 * `script` can start make.  If execve(2) fails, prints the error and returns
 * the exit status.
 */
static int fall_back(const char *make_dir, char **argv, struct bytes script,
		     enum shell_fallback_reason why)
{
	int code;

	shell_stats_add_fallback(why, script);
	if (make_dir) {
		shell_make_env_strip(make_dir, environ);
		if (shell_make_env_mentions_make(script)) {
			char *flags = shell_make_env_open_jobserver(
				getenv("MAKEFLAGS"));

			putenv(shell_make_env_entry(make_dir, environ));
			if (flags)
				setenv("MAKEFLAGS", flags, 1);
		}
	}
	argv[0] = (char *)DASH_PATH;
	execve(DASH_PATH, argv, environ);
	code = errno;
	dprintf(STDERR_FILENO, DASH_PATH ": %s\n", strerror(code));
	return code == ENOENT ? 127 : 126;
}

int main(int argc, char **argv)
{
	static char own_name[] = "sh", *nothing[] = { own_name, NULL };
	struct shell_script script = { .name = DASH_PATH };
	enum shell_fallback_reason why;
	int ret;

	if (argc < 1)
		return fall_back(NULL, nothing, bytes_str(""),
				 SHELL_FALLBACK_FILE);
	script.make_dir = open_make_dir(argv[0]);
	shell_stats_add(SHELL_STAT_LINES);
	if (!parse_arguments(argv, &script))
		return fall_back(script.make_dir, argv,
				 bytes_str(argc > 1 ? argv[1] : ""),
				 SHELL_FALLBACK_FILE);
	ret = shell_script_run(&script, environ, &why);
	if (ret != -ENOTSUP)
		return ret;
	return fall_back(script.make_dir, argv, bytes_str(script.text), why);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sh: the shell that make starts for each line of a recipe.  See kfarm-cc(1).
 *
 * It has to be called so: make takes .ONESHELL's lines apart for other shells.
 */
#include "shell/counts.h"
#include "shell/handon.h"
#include "shell/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL "/bin/sh"

/* "-c", "-ec" ... with the script as the last word; false: anything else. */
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
	/* As make itself asks of .SHELLFLAGS before it starts no shell. */
	script->by_make = (getenv("MAKELEVEL") ||
			   getenv(SHELL_COUNTS_VARIABLE)) &&
			  arg == argv + 2 &&
			  (!strcmp(argv[1], "-c") || !strcmp(argv[1], "-ec"));
	return true;
}

int main(int argc, char **argv)
{
	static char own_name[] = "sh", *nothing[] = { own_name, NULL };
	struct shell_script script = { .name = REAL };
	enum shell_why why;
	int ret;

	shell_counts_add(SHELL_COUNT_LINES);
	if (argc < 1)
		return shell_handon(nothing, bytes_str(""), SHELL_WHY_FILE);
	if (!parse_arguments(argv, &script))
		return shell_handon(argv, bytes_str(argc > 1 ? argv[1] : ""),
				    SHELL_WHY_FILE);
	ret = shell_script_run(&script, environ, &why);
	if (ret != -ENOTSUP)
		return ret;
	return shell_handon(argv, bytes_str(script.text), why);
}

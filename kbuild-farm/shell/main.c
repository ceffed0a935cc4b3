/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sh: the shell that make starts for each line of a recipe.  See kfarm-cc(1).
 *
 * It has to be called so: make takes .ONESHELL's lines apart for other shells.
 */
#include "shell/counts.h"
#include "shell/handon.h"

#include <string.h>

int main(int argc, char **argv)
{
	static char own_name[] = "sh", *nothing[] = { own_name, NULL };

	shell_counts_add(SHELL_COUNT_LINES);
	if (argc < 1)
		return shell_handon(nothing, bytes_str(""), SHELL_WHY_FILE);
	if (argc != 3 || strcmp(argv[1], "-c") != 0)
		return shell_handon(argv, bytes_str(argc > 1 ? argv[1] : ""),
				    SHELL_WHY_FILE);
	return shell_handon(argv, bytes_str(argv[2]), SHELL_WHY_OTHER);
}

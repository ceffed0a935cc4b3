/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command -v NAME, and no other form of it: shell/known.h. */
#include "shell/builtin.h"

#include "shell/lex.h"
#include "shell/program.h"
#include "shell/shell.h"

#include <string.h>
#include <sys/stat.h>

/* What runs under that name; NULL: nothing does. */
static const char *find_command(struct shell *sh, const char *name)
{
	struct shell_program p;
	struct stat st;

	if (shell_lex_is_keyword(name) || shell_builtin_find(name))
		return name;
	if (strchr(name, '/'))
		return stat(name, &st) ? NULL : name;
	return shell_program_find(sh, name, &p) ? NULL : p.path;
}

int shell_command_v(struct shell *sh, char **argv)
{
	const char *found = find_command(sh, argv[2]);

	if (!found)
		return 127;
	buf_printf(&sh->out, "%s\n", found);
	return 0;
}

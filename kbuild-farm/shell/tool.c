/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/tool.h"

#include "base/str.h"
#include "shell/counts.h"
#include "shell/shell.h"

#include <string.h>

static bool has_path(const char *program, const char *path)
{
	size_t n = strlen(program), m = strlen(path);

	return str_ends(program, path) && (n == m || program[n - m - 1] == '/');
}

bool shell_tool_is_genksyms(const char *program)
{
	return has_path(program, "scripts/genksyms/genksyms");
}

bool shell_tool_is_objtool(const char *program)
{
	return has_path(program, "tools/objtool/objtool");
}

bool shell_tool_is_dtc(const char *program)
{
	return has_path(program, "scripts/dtc/dtc");
}

bool shell_tool_genksyms_options(char *const *arg)
{
	static const char *const alone[] = { "-p", "-w", "-q", "-R" };

	for (; *arg; arg++) {
		bool known = false;

		if (!strcmp(*arg, "-r") && arg[1] &&
		    !strcmp(arg[1], "/dev/null")) {
			arg++;
			continue;
		}
		for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
			known |= !strcmp(*arg, alone[i]);
		if (!known)
			return false;
	}
	return true;
}

bool shell_tool_objtool_option(const char *arg)
{
	static const char *const alone[] = {
		"--ibt",     "--mcount",         "--mnop",
		"--noinstr", "--no-unreachable", "--orc",
		"--prefix",  "--retpoline",      "--rethunk",
		"--sls",     "--stackval",       "--static-call",
		"--uaccess", "--unret",          "--cfi",
		"--link",    "--module",         "--noabs",
	};

	if (str_starts(arg, "--hacks=") || str_starts(arg, "--prefix="))
		return true;
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		if (!strcmp(arg, alone[i]))
			return true;
	}
	return false;
}

void shell_tool_starts(struct shell *sh, const char *program)
{
	if (!shell_tool_is_genksyms(program) &&
	    !shell_tool_is_objtool(program) && !shell_tool_is_dtc(program))
		return;
	shell_counts_add_step_here(sh->step_why);
	sh->step_why = SHELL_STEP_ALONE;
}

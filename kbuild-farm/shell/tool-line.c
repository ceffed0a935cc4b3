/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/tool-line.h"

#include "base/str.h"
#include "shell/shell.h"
#include "shell/stats.h"

#include <string.h>

static bool has_path(const char *program, const char *path)
{
	size_t n = strlen(program), m = strlen(path);

	return str_ends(program, path) && (n == m || program[n - m - 1] == '/');
}

bool shell_tool_line_is_genksyms(const char *program)
{
	return has_path(program, "scripts/genksyms/genksyms");
}

bool shell_tool_line_is_objtool(const char *program)
{
	return has_path(program, "tools/objtool/objtool");
}

bool shell_tool_line_is_dtc(const char *program)
{
	return has_path(program, "scripts/dtc/dtc");
}

void shell_tool_line_count_start(struct shell *sh, const char *program)
{
	if (!shell_tool_line_is_genksyms(program) &&
	    !shell_tool_line_is_objtool(program) &&
	    !shell_tool_line_is_dtc(program))
		return;
	shell_stats_add_local_step(sh->step_reason);
	sh->step_reason = SHELL_STEP_REASON_ALONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/tool-line.h - Command lines of genksyms, objtool and dtc.
 *
 * kbuild runs these programs as steps of a compile (shell/step.h).  The
 * functions recognize them and count local starts.
 */
#ifndef SHELL_TOOL_LINE_H
#define SHELL_TOOL_LINE_H

#include <stdbool.h>

struct shell;

/* Recognize the programs by their paths in a kernel tree. */
bool shell_tool_line_is_genksyms(const char *program);
bool shell_tool_line_is_objtool(const char *program);
bool shell_tool_line_is_dtc(const char *program);

/*
 * Count the local start of a tool under sh->step_reason.  Must be called for
 * each program that is started; programs other than the tools are not counted.
 */
void shell_tool_line_count_start(struct shell *sh, const char *program);

#endif

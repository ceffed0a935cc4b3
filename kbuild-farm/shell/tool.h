/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/tool.h - genksyms, objtool and dtc, the programs that kbuild runs
 * beside a compile (shell/step.h): how they are told, what a node may be asked
 * with, and how often they were started here.
 */
#ifndef SHELL_TOOL_H
#define SHELL_TOOL_H

#include <stdbool.h>

struct shell;

/* By their path below the tree, as kbuild has it. */
bool shell_tool_is_genksyms(const char *program);
bool shell_tool_is_objtool(const char *program);
bool shell_tool_is_dtc(const char *program);

/* Options that neither read nor write another file than /dev/null. */
bool shell_tool_genksyms_options(char *const *arg);
/* One that changes the object, or what is said of it, and no other file. */
bool shell_tool_objtool_option(const char *arg);

/* A program is started: one of them is counted, by sh->step_why. */
void shell_tool_starts(struct shell *sh, const char *program);

#endif

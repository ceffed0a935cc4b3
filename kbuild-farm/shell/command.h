/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/command.h - Simple commands: words, assignments and redirections.
 */
#ifndef SHELL_COMMAND_H
#define SHELL_COMMAND_H

#include "shell/ast.h"

#include <sys/types.h>

struct shell;

/*
 * Run a simple command and return its status.  `flags` are those of
 * shell/run.h.  If `started_pid` is not NULL, a program is started without
 * waiting for it: *started_pid is its process, or 0 if no program was started.
 */
int shell_command_run(struct shell *sh, const struct shell_ast_node *n,
		      unsigned flags, pid_t *started_pid);

/*
 * Handle the result of an expansion.  Returns true if it ends the shell; then
 * the error has been printed and sh->skip and sh->status are set.
 */
bool shell_command_handle_error(struct shell *sh, int ret);

#endif

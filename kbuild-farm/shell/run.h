/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/run.h - Execution of parsed scripts as in dash 0.5.12.
 *
 * Programs are started with vfork.  A pipeline runs at most one of its commands
 * in this process, after the others have been started: a builtin or compound
 * command without lasting effects, or a utility (shell/utility.h).  The other
 * builtins and compound commands run in children created by fork.
 */
#ifndef SHELL_RUN_H
#define SHELL_RUN_H

#include "base/buf.h"
#include "shell/ast.h"

struct shell;

/*
 * Append the output of `list` to `out` and store the status of `list` in
 * sh->substitution_status.  This is the callback shell_expand.substitute.
 * Returns 0, or -ECANCELED if the shell ends.
 */
int shell_run_command_substitution(void *at, const struct shell_ast_node *list,
				   struct buf *out);

enum {
	/*
	 * The command is the last one of this process, so a program can replace
	 * the process.
	 */
	SHELL_RUN_LAST = 1,
	/* The status is tested, so set -e does not apply. */
	SHELL_RUN_TESTED = 2,
};

/*
 * Run a command and return its status.  Afterwards sh->skip states which of the
 * following commands are skipped.
 */
int shell_run_node(struct shell *sh, const struct shell_ast_node *n,
		   unsigned flags);

/* Run the EXIT trap.  Returns the exit status of the shell. */
int shell_run_exit_trap(struct shell *sh);

#endif

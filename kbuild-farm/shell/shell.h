/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/shell.h - State of a shell while it runs a script.
 *
 * Children created by fork continue with a copy of the state.  A subshell
 * without lasting effects (shell_subset_is_pure()) can run in the same process.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include "base/arena.h"
#include "base/buf.h"
#include "shell/expand.h"
#include "shell/stats.h"
#include "shell/vars.h"

#include <sys/types.h>

/* Reason why the following commands are skipped. */
enum shell_skip {
	SHELL_SKIP_NONE,
	SHELL_SKIP_BREAK,
	SHELL_SKIP_CONTINUE,
	/*
	 * skip everything up to the end of the shell or subshell, whose exit
	 * status is in `status`
	 */
	SHELL_SKIP_EXIT,
};

struct shell {
	struct arena arena;
	struct shell_vars vars;
	struct shell_expand expand;
	const char *name; /* $0, the prefix of messages */
	pid_t pid; /* $$, also in subshells */
	/* working directory as set by cd, with unresolved symbolic links */
	char *logical_cwd;
	char **args; /* positional parameters from $1 */
	size_t n_args;
	unsigned line; /* line of the current command */
	/* name of the running builtin, for messages; NULL if none runs */
	const char *builtin;

	int status; /* $? */
	enum shell_skip skip;
	/* N of `break N` or `continue N`, minus the loops already left */
	unsigned skip_levels;
	unsigned loop_depth; /* number of enclosing loops */
	bool errexit;
	/* $? before the running trap, or -1 outside traps */
	int trap_status;
	/* Number of enclosing subshells that run in this process. */
	unsigned subshell_depth;
	/* status of the last $() of the current command */
	int substitution_status;

	/*
	 * Bit mask of the descriptors below SHELL_REDIRECT_N_FDS that dash
	 * 0.5.12 treats as closed.  dash updates its mask only for redirections
	 * that it undoes later.  In a subshell, the mask can therefore contain
	 * a descriptor that is open as a pipe end or by a redirection of the
	 * subshell.  If a command in the subshell redirects this descriptor,
	 * dash does not save the open file, and closes the descriptor when it
	 * undoes the redirection.
	 */
	unsigned closed_fds;

	struct buf out; /* output of the running builtin */
	/* buffer for the output of builtins; NULL if they write to stdout */
	struct buf *capture;

	char number_text[3 * sizeof(int) + 2]; /* text of $?, $$ or $- */
	/*
	 * Environment of programs if make would run the line without a shell;
	 * such a line has no shell variables.  If exec_env is NULL, programs
	 * receive the exported variables.
	 */
	char **exec_env;
	/*
	 * pending_tool is the tool step after the current command, if both can
	 * be offloaded together; tool_offloaded is the last tool step that was
	 * offloaded (shell/compile.h).  Each is NULL if there is no such step.
	 */
	const struct shell_ast_node *pending_tool, *tool_offloaded;
	/*
	 * Descriptor of the local slot for a tool step that runs locally after
	 * its compile, or -1.
	 */
	int slot_fd;
	/*
	 * Reason why the next program runs locally.  The reason is counted only
	 * if the program is a tool step.
	 */
	enum shell_step_reason step_reason;
	/* MAKEFILES=... for each make that the script starts, or NULL */
	char *make_env;
};

/*
 * Print "NAME: LINE: ", the name of the running builtin, and the formatted text
 * in one write, as dash does.
 */
void shell_print_message(struct shell *sh, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Print a message and end the shell with status 2: set sh->skip and sh->status.
 * If the running builtin is not special, only the builtin ends
 * (shell_builtin_run()).  Returns 2.
 */
int shell_fail(struct shell *sh, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Return the error text that glibc uses in the locale C. */
const char *shell_errno_text(int code);
/*
 * Return dash's text for a program or file that cannot be opened; `missing` is
 * the text if the file does not exist.
 */
const char *shell_open_error_text(int code, const char *missing);

#endif

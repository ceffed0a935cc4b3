/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/builtin.h - commands that are part of the shell, as dash has them.
 *
 * Each gets its words, prints into sh->out, and returns its status.  An error
 * of dash's own kind is shell_fail()'s 2: it ends the shell where the builtin
 * is a special one (POSIX.1-2018, XCU 2.14), else only the command.
 */
#ifndef SHELL_BUILTIN_H
#define SHELL_BUILTIN_H

#include <stdbool.h>

struct shell;

struct shell_builtin {
	const char *name;
	/* NULL: dash has it, we have not (shell/known.h). */
	int (*run)(struct shell *sh, char **argv);
	bool special;
	bool declares; /* its words NAME=... are expanded as assignments */
	/* It changes nothing of the shell's own state. */
	bool pure;
};

/* NULL: dash has no such builtin. */
const struct shell_builtin *shell_builtin_find(const char *name);

/* Run it: print what it printed, in one write, and return its status. */
int shell_builtin_run(struct shell *sh, const struct shell_builtin *b,
		      char **argv);

/* shell/builtin-print.c */
int shell_echo(struct shell *sh, char **argv);
int shell_printf(struct shell *sh, char **argv);
/*
 * Is it a format that shell_printf() does as dash does?  With flags, width and
 * precision in digits; none of the conversions of floating point.
 */
bool shell_printf_knows(const char *format);
/* shell/builtin-command.c */
int shell_command_v(struct shell *sh, char **argv);
/* shell/builtin-test.c: test and [ */
int shell_test(struct shell *sh, char **argv);
/* shell/builtin-state.c */
int shell_cd(struct shell *sh, char **argv);
int shell_pwd(struct shell *sh, char **argv);
int shell_exit(struct shell *sh, char **argv);
int shell_export(struct shell *sh, char **argv);
int shell_unset(struct shell *sh, char **argv);
int shell_set(struct shell *sh, char **argv);
int shell_shift(struct shell *sh, char **argv);
int shell_trap(struct shell *sh, char **argv);
int shell_kill(struct shell *sh, char **argv);
int shell_leave_loops(struct shell *sh, char **argv);

#endif

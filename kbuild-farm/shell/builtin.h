/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/builtin.h - The shell's builtin commands, as in dash.
 *
 * A builtin receives its words, prints into sh->out and returns its status.  An
 * error for which dash aborts the builtin is reported by shell_fail() with
 * status 2: it ends the shell if the builtin is special (POSIX.1-2018, XCU
 * 2.14), otherwise only the command.
 */
#ifndef SHELL_BUILTIN_H
#define SHELL_BUILTIN_H

#include <stdbool.h>

struct shell;

struct shell_builtin {
	const char *name;
	/* NULL for a builtin of dash that is unsupported (shell/subset.h). */
	int (*run)(struct shell *sh, char **argv);
	bool special;
	/* arguments NAME=... are expanded as assignments */
	bool expands_assignments;
	/* does not change the shell's own state */
	bool pure;
};

/*
 * Return the builtin of that name, also an unsupported one; NULL if dash has no
 * such builtin.
 */
const struct shell_builtin *shell_builtin_find(const char *name);

/* Run a builtin and write its output in one piece.  Returns its status. */
int shell_builtin_run(struct shell *sh, const struct shell_builtin *b,
		      char **argv);

int shell_builtin_printf(struct shell *sh, char **argv);
/*
 * Return true if shell_builtin_printf() handles all conversions of `format` as
 * dash does: flags, width and precision in digits, no floating point.
 */
bool shell_builtin_printf_supports(const char *format);
/*
 * The functions below are public because shell_subset_check() compares `run`
 * with them.
 */
int shell_builtin_command(struct shell *sh, char **argv);
/* test and [ (shell/builtin-test.c) */
int shell_builtin_test(struct shell *sh, char **argv);
int shell_builtin_cd(struct shell *sh, char **argv);
int shell_builtin_pwd(struct shell *sh, char **argv);
int shell_builtin_exit(struct shell *sh, char **argv);
int shell_builtin_export(struct shell *sh, char **argv);
int shell_builtin_unset(struct shell *sh, char **argv);
int shell_builtin_set(struct shell *sh, char **argv);
int shell_builtin_trap(struct shell *sh, char **argv);
int shell_builtin_kill(struct shell *sh, char **argv);

#endif

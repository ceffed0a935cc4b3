/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/builtin.h - The shell's builtin commands, as in dash.
 *
 * A builtin receives its words, prints into sh->out and returns its status.  On
 * an error that makes dash abort the builtin, the builtin calls shell_fail()
 * and returns 2.  Such an error ends the shell if the builtin is special
 * (POSIX.1-2018, XCU 2.14), otherwise only the command.
 */
#ifndef SHELL_BUILTIN_H
#define SHELL_BUILTIN_H

#include <stdbool.h>

struct shell;

/* Builtins whose arguments shell/subset.c checks, and OTHER for the rest. */
enum shell_builtin_id {
	SHELL_BUILTIN_OTHER,
	SHELL_BUILTIN_CD,
	SHELL_BUILTIN_COMMAND,
	SHELL_BUILTIN_EXEC,
	SHELL_BUILTIN_EXPORT,
	SHELL_BUILTIN_KILL,
	SHELL_BUILTIN_PRINTF,
	SHELL_BUILTIN_PWD,
	SHELL_BUILTIN_SET,
	SHELL_BUILTIN_TEST,
	SHELL_BUILTIN_TRAP,
	SHELL_BUILTIN_UNSET,
	SHELL_BUILTIN_WAIT,
};

struct shell_builtin {
	const char *name;
	enum shell_builtin_id id;
	/* NULL for a builtin of dash that is unsupported (shell/subset.h). */
	int (*run)(struct shell *sh, char **argv);
	bool special;
	/* arguments NAME=... are expanded as assignments */
	bool expands_assignments;
	/* does not change the state of the shell */
	bool pure;
};

/*
 * Return the builtin called `name`, whether supported or not; NULL if dash has
 * no such builtin.
 */
const struct shell_builtin *shell_builtin_find(const char *name);

/*
 * Run a builtin and write its output in one piece to stdout, or append it to
 * sh->capture if that buffer is set.  Returns the status.
 */
int shell_builtin_run(struct shell *sh, const struct shell_builtin *b,
		      char **argv);

/*
 * Return true if the builtin printf handles all conversions of `format` as dash
 * does.  A conversion other than %b can have flags, a width and a precision;
 * width and precision have at most four digits each.  "*", floating-point
 * letters, and a %b with flags, width or precision are not supported.
 */
bool shell_builtin_printf_supports(const char *format);

/* Run test or [ (shell/builtin-test.c).  Returns the status. */
int shell_builtin_test(struct shell *sh, char **argv);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/script.h - Execution of one script, from its text to its status.
 *
 * With SHELL = /bin/sh, make splits a line of plain words itself and starts the
 * program without a shell.  With any other SHELL, make starts that shell for
 * every line.  For a line of plain words this module therefore acts as make
 * would: the environment contains no variables of the shell, `echo` is
 * /bin/echo, and a missing program is reported in make's words.
 */
#ifndef SHELL_SCRIPT_H
#define SHELL_SCRIPT_H

#include "base/arena.h"
#include "shell/stats.h"

#include <stdbool.h>

struct shell;

struct shell_script {
	const char *text;
	const char *name; /* $0 */
	bool errexit; /* -e */
	bool nounset; /* -u */
	/*
	 * The shell was started by make, so lines that need no shell are run as
	 * make would run them.
	 */
	bool started_by_make;
	/*
	 * Directory of the makefile that selects this shell (shell/make-env.h),
	 * or NULL.
	 */
	const char *make_dir;
};

/*
 * Run a script with the environment `env` in this process, which a program of
 * the script can replace.  Returns the exit status; -ENOTSUP with the reason in
 * *why if no command has run and /bin/sh must run the script.
 */
int shell_script_run(const struct shell_script *script, char **env,
		     enum shell_fallback_reason *why);

/*
 * Check whether shell_script_run() would run the script, without running it.
 * Lines that make would run without a shell are checked like all others, though
 * shell_script_run() runs them without a check.  Returns 0 or -ENOTSUP with the
 * reason in *why.
 */
int shell_script_check(const struct shell_script *script, char **env,
		       enum shell_fallback_reason *why);

#endif

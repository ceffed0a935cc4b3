/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/shell.h - Shell commands in a test's directory.
 */
#ifndef LIB_SHELL_H
#define LIB_SHELL_H

#include "base/spawn.h"

#include <check.h>
#include <stdlib.h>

/*
 * Return the output of `sh -ec COMMAND` in `dir`.  The command must succeed.
 * The caller frees the string.
 */
static inline char *shell_ask(const char *dir, const char *command)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-ec" }, (char *)command,
			 NULL };
	const struct spawn what = { .argv = argv,
				    .cwd = dir,
				    .stdio_fds = { -1, -1, 2 } };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	ck_assert_msg(!spawn_collect_stdout(&what, 1u << 22, 60000, &out,
					    &status, &err),
		      "%s", err.text);
	ck_assert_msg(!status, "%s: %s", command, buf_str(&out));
	return buf_steal(&out);
}

static inline void shell_run(const char *dir, const char *command)
{
	free(shell_ask(dir, command));
}

/* Ignore the user's configuration, and fix names and dates. */
static inline void shell_git_setup(const char *home)
{
	setenv("HOME", home, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("GIT_AUTHOR_NAME", "a", 1);
	setenv("GIT_AUTHOR_EMAIL", "a@example.org", 1);
	setenv("GIT_COMMITTER_NAME", "c", 1);
	setenv("GIT_COMMITTER_EMAIL", "c@example.org", 1);
	setenv("GIT_AUTHOR_DATE", "1700000000 +0000", 1);
	setenv("GIT_COMMITTER_DATE", "1700000000 +0000", 1);
}

#endif

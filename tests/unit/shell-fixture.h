/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/shell-fixture.h - A script in the recipe shell, with the scripted
 * coordinator of cc-fixture.h.  `dir` contains links/, real/, the socket and,
 * in some tests, the statistics.  The script's output goes to the file "out".
 */
#ifndef SHELL_PLAY_H
#define SHELL_PLAY_H

#include "../lib/test.h"
#include "cc-fixture.h"

#include "shell/script.h"
#include "shell/stats.h"

/* Write an executable file, with the directories above it. */
static inline void put_program(const char *path, const char *text)
{
	char *above = str_dir(path);
	struct err err;

	must(fs_mkdirs(above, 0700, &err));
	must(fs_write(path, bytes_str(text), 0700, &err));
	free(above);
}

static inline pid_t start_script(const char *text)
{
	struct shell_script script = { .text = text, .name = "/bin/sh" };
	enum shell_fallback_reason why;
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int sig = 1; sig < SIGCHLD; sig++)
		signal(sig, SIG_DFL);
	setenv("KFARM_SOCKET", xasprintf("%s/sock", dir), 1);
	setenv("KFARM_LINKS", xasprintf("%s/links", dir), 1);
	shell_stats_open(dir);
	setenv("PATH", xasprintf("%1$s/links:%1$s/real:/usr/bin:/bin", dir), 1);
	dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	_exit(shell_script_run(&script, environ, &why));
}

/* Run the script and return its wait status. */
static inline int run_script(const char *text)
{
	int status;
	pid_t pid = start_script(text);

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/program.h"

#include "base/str.h"
#include "shell/hidden.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The next directory of `*path` with `name` in it; false: there is none. */
static bool next_candidate(const char **path, const char *name,
			   char out[static PATH_MAX])
{
	const char *dir = *path;
	size_t len, name_len = strlen(name);

	if (!dir)
		return false;
	len = strcspn(dir, ":");
	*path = dir[len] ? dir + len + 1 : NULL;
	if (len + name_len + 2 > PATH_MAX) {
		/* For the kernel, too, it is too long. */
		memset(out, 'x', PATH_MAX - 1);
		out[PATH_MAX - 1] = '\0';
		return true;
	}
	memcpy(out, dir, len);
	if (len)
		out[len++] = '/';
	memcpy(out + len, name, name_len + 1);
	return true;
}

static bool is_executable(const char *file, const struct stat *st)
{
	const mode_t all = S_IXUSR | S_IXGRP | S_IXOTH;

	return S_ISREG(st->st_mode) &&
	       ((st->st_mode & all) == all ||
		!faccessat(AT_FDCWD, file, X_OK, AT_EACCESS));
}

int shell_program_find(struct shell *sh, const char *name,
		       struct shell_program *out)
{
	const char *path = sh->as_is ? str_env(sh->as_is, "PATH") :
				       shell_vars_get(&sh->vars, "PATH");
	char file[PATH_MAX];
	int code = ENOENT;

	*out = (struct shell_program){ .path = name };
	if (strchr(name, '/'))
		return 0;
	while (next_candidate(&path, name, file)) {
		struct stat st;

		if (stat(file, &st)) {
			if (errno != ENOENT && errno != ENOTDIR)
				code = errno;
			continue;
		}
		code = EACCES;
		if (!is_executable(file, &st))
			continue;
		out->path = arena_copy(&sh->arena, file, strlen(file));
		out->further = path;
		return 0;
	}
	return -code;
}

static bool is_named(const char *entry, const char *other)
{
	size_t len = strcspn(other, "=") + 1;

	return !strncmp(entry, other, len);
}

/* With those entries in place of others of the same names. */
static char **with_entries(struct shell *sh, char **env, char *const *more)
{
	size_t n = 0, n_more = 0, to = 0;
	char **out;

	while (env[n])
		n++;
	while (more[n_more])
		n_more++;
	out = arena_alloc(&sh->arena, (n + n_more + 1) * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < n_more && !is_named(env[i], more[j]))
			j++;
		if (j == n_more)
			out[to++] = env[i];
	}
	memcpy(out + to, more, (n_more + 1) * sizeof(*more));
	return out;
}

char **shell_program_environment(struct shell *sh, const char *name)
{
	char **env = sh->as_is ? sh->as_is : shell_vars_environment(&sh->vars);

	if (sh->for_make && shell_hidden_is_make(name))
		env = with_entries(sh, env, sh->for_make);
	return env;
}

/* What is no program, but can be executed, is a script. */
static int exec_one(const char *file, char **argv, char **env)
{
	static char sh[] = "/bin/sh";
	int code;

	execve(file, argv, env);
	code = errno;
	if (code == ENOEXEC) {
		char *name = argv[0];

		argv[0] = (char *)file;
		argv[-1] = sh;
		execve(sh, argv - 1, env);
		code = errno;
		argv[0] = name;
	}
	return code;
}

/* Returns what kept it from being executed. */
static int exec_program(const struct shell_program *p, char **argv, char **env)
{
	const char *path = p->further;
	int code = exec_one(p->path, argv, env);
	char file[PATH_MAX];

	if (strchr(argv[0], '/'))
		return code;
	if (code == ENOTDIR)
		code = ENOENT;
	while (next_candidate(&path, argv[0], file)) {
		int other = exec_one(file, argv, env);

		if (other != ENOENT && other != ENOTDIR)
			code = other;
	}
	return code;
}

int shell_program_explain(struct shell *sh, const char *name, int code)
{
	shell_say(sh, "%s: %s", name, shell_open_words(code, "not found"));
	switch (code) {
	case ELOOP:
	case ENAMETOOLONG:
	case ENOENT:
	case ENOTDIR:
		return 127;
	default:
		return 126;
	}
}

int shell_program_exec(struct shell *sh, const struct shell_program *p,
		       char **argv)
{
	shell_tool_starts(sh, argv[0]);
	return exec_program(p, argv, shell_program_environment(sh, argv[0]));
}

int shell_program_become(struct shell *sh, const struct shell_program *p,
			 char **argv)
{
	return shell_program_explain(sh, argv[0],
				     shell_program_exec(sh, p, argv));
}

/* dash says it in the child, which may die of that: its output is closed. */
static pid_t start_explanation(struct shell *sh, const char *name, int code)
{
	pid_t pid = fork();

	if (!pid) {
		shell_signals_default();
		_exit(shell_program_explain(sh, name, code));
	}
	return pid;
}

pid_t shell_program_start(struct shell *sh, const struct shell_program *p,
			  char **argv, int *status)
{
	char **env = shell_program_environment(sh, argv[0]);
	volatile int code = 0;
	sigset_t before;
	pid_t pid;

	shell_tool_starts(sh, argv[0]);
	shell_signals_expect();
	/* The child uses our memory: no handler may run in it. */
	shell_signals_hold(&before);
	pid = vfork();
	if (!pid) {
		shell_signals_release(&before);
		code = exec_program(p, argv, env);
		_exit(127);
	}
	shell_signals_release(&before);
	if (pid > 0 && code) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		pid = start_explanation(sh, argv[0], code);
	}
	if (pid < 0) {
		*status = shell_fail(sh, "Cannot fork");
		return 0;
	}
	return pid;
}

void shell_program_tell_signal(int sig, bool dumped)
{
	char line[80];
	int len;

	if (sig == SIGINT || sig == SIGPIPE)
		return;
	len = snprintf(line, sizeof(line), "%.32s%s\n", shell_signal_words(sig),
		       dumped ? " (core dumped)" : "");
	shell_write(STDERR_FILENO, line, (size_t)len);
}

int shell_program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	shell_program_tell_signal(WTERMSIG(status), WCOREDUMP(status));
	return 128 + WTERMSIG(status);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/program.h"

#include "base/str.h"
#include "base/vec.h"
#include "shell/make-env.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_REALTIME   32
#define GLIBC_SIGRTMIN   34
#define SIGNAL_TEXT_SIZE 40

/*
 * Build the next candidate from *path and `name`, and advance *path.  Returns
 * false at the end of *path.
 */
static bool next_path_candidate(const char **path, const char *name,
				char out[static PATH_MAX])
{
	const char *dir = *path;
	size_t len, name_len = strlen(name);

	if (!dir)
		return false;
	len = strcspn(dir, ":");
	*path = dir[len] ? dir + len + 1 : NULL;
	if (len + name_len + 2 > PATH_MAX) {
		/*
		 * The candidate does not fit into `out`.  Replace it by a name
		 * of PATH_MAX - 1 bytes: the kernel rejects both names with
		 * ENAMETOOLONG.
		 */
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

int shell_program_find(struct shell *sh, const char *name,
		       struct shell_program *out)
{
	const char *path = sh->exec_env ? str_find_env(sh->exec_env, "PATH") :
					  shell_vars_get(&sh->vars, "PATH");
	const mode_t all = S_IXUSR | S_IXGRP | S_IXOTH;
	char file[PATH_MAX];
	int code = ENOENT;

	*out = (struct shell_program){ .path = name };
	if (strchr(name, '/'))
		return 0;
	while (next_path_candidate(&path, name, file)) {
		struct stat st;

		if (stat(file, &st)) {
			if (errno != ENOENT && errno != ENOTDIR)
				code = errno;
			continue;
		}
		code = EACCES;
		if (!S_ISREG(st.st_mode) ||
		    ((st.st_mode & all) != all &&
		     faccessat(AT_FDCWD, file, X_OK, AT_EACCESS)))
			continue;
		out->path = arena_copy(&sh->arena, file, strlen(file));
		out->remaining_path = path;
		return 0;
	}
	return -code;
}

/*
 * Return a copy of `env` in which `entry` replaces any entry with the same
 * variable name.
 */
static char **replace_env_entry(struct shell *sh, char **env, char *entry)
{
	size_t n = 0, to = 0, name_len = strcspn(entry, "=") + 1;
	char **out;

	while (env[n])
		n++;
	out = arena_alloc(&sh->arena, (n + 2) * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		if (strncmp(env[i], entry, name_len) != 0)
			out[to++] = env[i];
	}
	out[to++] = entry;
	out[to] = NULL;
	return out;
}

char **shell_program_build_env(struct shell *sh, const char *name)
{
	char **env = sh->exec_env ? sh->exec_env :
				    shell_vars_build_env(&sh->vars);

	if (sh->make_env && shell_make_env_is_make(name)) {
		char *flags = shell_make_env_open_jobserver(
			str_find_env(env, "MAKEFLAGS"));

		env = replace_env_entry(sh, env, sh->make_env);
		if (flags)
			env = replace_env_entry(
				sh, env, xasprintf("MAKEFLAGS=%s", flags));
		free(flags);
	}
	return env;
}

/*
 * Execute a file.  If the kernel rejects its format, execute /bin/sh, which
 * interprets the file.  Returns an errno value.
 */
static int exec_file(const char *file, char **argv, char **env)
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

/*
 * Execute the program; if that fails, try the next candidates in PATH.  Returns
 * the errno value of the failure.
 */
static int exec_program(const struct shell_program *p, char **argv, char **env)
{
	const char *path = p->remaining_path;
	int code = exec_file(p->path, argv, env);
	char file[PATH_MAX];

	if (strchr(argv[0], '/'))
		return code;
	if (code == ENOTDIR)
		code = ENOENT;
	while (next_path_candidate(&path, argv[0], file)) {
		int other = exec_file(file, argv, env);

		if (other != ENOENT && other != ENOTDIR)
			code = other;
	}
	return code;
}

int shell_program_print_error(struct shell *sh, const char *name, int code)
{
	shell_print_message(sh, "%s: %s", name,
			    shell_open_error_text(code, "not found"));
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

enum shell_tool shell_program_tool(const char *program)
{
	static const struct {
		const char *path;
		enum shell_tool tool;
	} tools[] = {
		{ "scripts/genksyms/genksyms", SHELL_TOOL_GENKSYMS },
		{ "tools/objtool/objtool", SHELL_TOOL_OBJTOOL },
		{ "scripts/dtc/dtc", SHELL_TOOL_DTC },
	};
	size_t len = strlen(program);

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		size_t n = strlen(tools[i].path);

		if (str_ends(program, tools[i].path) &&
		    (len == n || program[len - n - 1] == '/'))
			return tools[i].tool;
	}
	return SHELL_TOOL_NONE;
}

/*
 * If the program is a tool step, count its local start under the reason
 * sh->step_reason.
 */
static void count_tool_start(struct shell *sh, const char *program)
{
	if (shell_program_tool(program) == SHELL_TOOL_NONE)
		return;
	shell_stats_add_local_step(sh->step_reason);
	sh->step_reason = SHELL_STEP_REASON_ALONE;
}

int shell_program_exec(struct shell *sh, const struct shell_program *p,
		       char **argv)
{
	count_tool_start(sh, argv[0]);
	return exec_program(p, argv, shell_program_build_env(sh, argv[0]));
}

pid_t shell_program_start(struct shell *sh, const struct shell_program *p,
			  char **argv, int *status)
{
	char **env = shell_program_build_env(sh, argv[0]);
	volatile int code = 0;
	sigset_t all, before;
	pid_t pid;

	count_tool_start(sh, argv[0]);
	shell_signals_defer_sigint();
	/*
	 * The child of vfork() shares the memory of the shell, so a signal
	 * handler in the child would change the state of the shell.  Block all
	 * signals until the child has reset the handlers.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (!pid) {
		shell_signals_set_default();
		sigprocmask(SIG_SETMASK, &before, NULL);
		code = exec_program(p, argv, env);
		_exit(127);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && code) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		/*
		 * Print the message in a child as dash does.  If stderr is a
		 * pipe without a reader, SIGPIPE ends only the child.
		 */
		pid = fork();
		if (!pid) {
			shell_signals_set_default();
			_exit(shell_program_print_error(sh, argv[0], code));
		}
	}
	if (pid < 0) {
		*status = shell_fail(sh, "Cannot fork");
		return 0;
	}
	return pid;
}

/*
 * Print the signal's text as glibc's strsignal() returns it in the locale C,
 * because dash is linked with glibc.  glibc reserves the first two real-time
 * signals and treats them as unknown.
 */
static void print_signal_text(char text[static SIGNAL_TEXT_SIZE], int sig)
{
	if (sig == SIGFPE)
		strcpy(text, "Floating point exception");
	else if (sig >= GLIBC_SIGRTMIN)
		snprintf(text, SIGNAL_TEXT_SIZE, "Real-time signal %d",
			 sig - GLIBC_SIGRTMIN);
	else if (sig >= FIRST_REALTIME)
		snprintf(text, SIGNAL_TEXT_SIZE, "Unknown signal %d", sig);
	else
		snprintf(text, SIGNAL_TEXT_SIZE, "%s", strsignal(sig));
}

void shell_program_print_signal(int sig, bool dumped)
{
	char text[SIGNAL_TEXT_SIZE], line[80];
	int len;

	if (sig == SIGINT || sig == SIGPIPE)
		return;
	print_signal_text(text, sig);
	len = snprintf(line, sizeof(line), "%.32s%s\n", text,
		       dumped ? " (core dumped)" : "");
	bytes_write(STDERR_FILENO, bytes_of(line, (size_t)len));
}

int shell_program_wait(pid_t pid)
{
	int status;

	shell_signals_defer_sigint();
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	shell_program_print_signal(WTERMSIG(status), WCOREDUMP(status));
	return 128 + WTERMSIG(status);
}

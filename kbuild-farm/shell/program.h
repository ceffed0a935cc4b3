/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/program.h - Lookup and start of programs.
 */
#ifndef SHELL_PROGRAM_H
#define SHELL_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct shell;

/* A program found by shell_program_find(). */
struct shell_program {
	const char *path; /* lies in the shell's arena */
	/* Rest of PATH, searched if `path` cannot be executed. */
	const char *remaining_path;
};

/*
 * Find the file of a command: `name` itself if it contains a slash, else the
 * first executable file of that name in PATH.  Returns 0 or -errno.
 */
int shell_program_find(struct shell *sh, const char *name,
		       struct shell_program *out);

/*
 * Return the environment for the program `name`: the exported variables and,
 * for make, the MAKEFILES entry that selects this shell (shell/make-env.h).
 * The list is valid until the next call or until a variable changes.
 */
char **shell_program_build_env(struct shell *sh, const char *name);

/* A program that kbuild runs as a step of a compile (shell/compile.h). */
enum shell_tool {
	SHELL_TOOL_NONE,
	SHELL_TOOL_GENKSYMS,
	SHELL_TOOL_OBJTOOL,
	SHELL_TOOL_DTC,
};

/*
 * Return the tool whose path in a kernel tree, such as scripts/dtc/dtc, is the
 * end of `program`.  Returns SHELL_TOOL_NONE for any other program.
 */
enum shell_tool shell_program_tool(const char *program);

/*
 * Replace this process by the program.  argv[-1] must be writable: it receives
 * "/bin/sh" if /bin/sh must interpret the file.  Returns an errno value if
 * execution fails.
 */
int shell_program_exec(struct shell *sh, const struct shell_program *p,
		       char **argv);
/*
 * Start a program.  argv[-1] must be writable.  Returns the process ID of the
 * program or, if the program cannot be executed, the process ID of a child that
 * prints the error and exits with dash's status.  If no process can be created,
 * prints an error, sets *status and returns 0.
 */
pid_t shell_program_start(struct shell *sh, const struct shell_program *p,
			  char **argv, int *status);

/*
 * Print dash's message for a program that cannot be executed because of the
 * error `code` (an errno value).  Returns the exit status.
 */
int shell_program_print_error(struct shell *sh, const char *name, int code);

/*
 * Wait for a process and return its exit status.  If a signal ended the
 * process, prints the signal and returns 128 plus its number.  Returns 127 if
 * the process is not a child of this process.
 */
int shell_program_wait(pid_t pid);

/*
 * Print dash's message for a process that a signal has ended.  SIGINT and
 * SIGPIPE have no message.
 */
void shell_program_print_signal(int sig, bool dumped);

#endif

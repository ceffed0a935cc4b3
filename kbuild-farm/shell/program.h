/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/program.h - the files that commands are, and starting them.
 */
#ifndef SHELL_PROGRAM_H
#define SHELL_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct shell;

/* Where a command was found. */
struct shell_program {
	const char *path; /* in the shell's arena */
	const char *further; /* of PATH, for where that cannot be executed */
};

/*
 * The file that a command's name means: itself with a slash in it, else the
 * first of that name in PATH that can be executed.  0 or a negative errno.
 */
int shell_program_find(struct shell *sh, const char *name,
		       struct shell_program *out);

/*
 * The environment of a program that is called so: what is exported, and for
 * make how it finds this shell.  Good until a variable changes.
 */
char **shell_program_environment(struct shell *sh, const char *name);

/*
 * Become the program.  `argv` has room for one more word in front.  Returns
 * only when that fails: the errno.
 */
int shell_program_exec(struct shell *sh, const struct shell_program *p,
		       char **argv);
/* The same, but a failure is said in dash's words: the status. */
int shell_program_become(struct shell *sh, const struct shell_program *p,
			 char **argv);
/*
 * Start it: its process, or 0 where that failed, having said so, and *status
 * is set.
 */
pid_t shell_program_start(struct shell *sh, const struct shell_program *p,
			  char **argv, int *status);

/* Say why it is not executed, an errno, in dash's words: the status. */
int shell_program_explain(struct shell *sh, const char *name, int code);

/* Wait for a process: the status, having said what signal ended it. */
int shell_program_wait(pid_t pid);

/* As dash says that a signal ended what it waited for. */
void shell_program_tell_signal(int sig, bool dumped);

#endif

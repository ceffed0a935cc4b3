/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/run.h - a parsed script is run as dash 0.5.12 runs it.
 */
#ifndef SHELL_RUN_H
#define SHELL_RUN_H

#include "shell/node.h"

struct shell;

enum {
	/* In a child, nothing is done behind it: it may become the command. */
	SHELL_LAST = 1,
	/* Its status is looked at: set -e does not mind it. */
	SHELL_TESTED = 2,
};

/* Run a command: its status.  sh->skip says what is passed over then. */
int shell_run(struct shell *sh, const struct shell_node *n, unsigned flags);

/* In a child made by fork: run it as a subshell and end. */
void shell_run_in_child(struct shell *sh, const struct shell_node *n,
			unsigned flags) __attribute__((noreturn));

/*
 * Run it as a subshell in this process: its status.  Only for what leaves
 * nothing behind: shell_known_pure().
 */
int shell_run_contained(struct shell *sh, const struct shell_node *n,
			unsigned flags);

/* Run the trap of EXIT: the status that the shell ends with. */
int shell_run_end(struct shell *sh);

#endif

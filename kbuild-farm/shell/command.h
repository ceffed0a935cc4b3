/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/command.h - simple commands: words, redirections, assignments.
 */
#ifndef SHELL_COMMAND_H
#define SHELL_COMMAND_H

#include "shell/node.h"

#include <sys/types.h>

struct shell;

/*
 * Run it: its status.  `flags` are shell/run.h's.  With `started` a program is
 * not waited for: *started is its process, 0 where there is none.
 */
int shell_command(struct shell *sh, const struct shell_node *n, unsigned flags,
		  pid_t *started);

/*
 * What an expansion returned: true where that ends the shell, which was said
 * then, and sh->skip and sh->status are set.
 */
bool shell_command_fails(struct shell *sh, int ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/pipe.h - pipelines, and commands whose output is a word.
 *
 * Programs are started with vfork.  One command of a pipeline that leaves
 * nothing behind, be it a builtin or a list of commands, is run by this process
 * itself once the others have started; the rest are children made by fork.
 */
#ifndef SHELL_PIPE_H
#define SHELL_PIPE_H

#include "base/buf.h"
#include "shell/node.h"

struct shell;

/* Run a pipeline: the status of its last command. */
int shell_pipe(struct shell *sh, const struct shell_node *n, unsigned flags);

/*
 * shell_expand.commands: what `list` prints, into `out`; its status becomes
 * sh->substituted.
 */
int shell_pipe_substitute(void *at, const struct shell_node *list,
			  struct buf *out);

#endif

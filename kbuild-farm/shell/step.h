/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/step.h - what kbuild does beside a compile, asked of the coordinator
 * as a part of that compile.
 *
 *	gcc -E ... x.c | scripts/genksyms/genksyms ... >>.x.o.cmd
 *	{ echo "#include ..."; echo ...; gcc -E x.S | grep ... | sed ...; } |
 *		gcc -E ... -xc - | scripts/genksyms/genksyms ... >>.x.o.cmd
 *	gcc -c -o x.o ... x.c; tools/objtool/objtool ... x.o
 *	gcc -E -o x.tmp ... x.dts; scripts/dtc/dtc -o x.dtb ... -d x.d x.tmp
 *
 * Of the second, the text is made here, and goes along with the question.
 * These four forms alone, with programs' options that are known; of anything
 * else, or where nobody wants steps (shell/counts.h), nothing is asked.  Why,
 * sh->step_why keeps for shell/tool, which counts what is then started here.
 */
#ifndef SHELL_STEP_H
#define SHELL_STEP_H

#include "cc/job.h"
#include "shell/node.h"

struct shell;

/* What one that is run here has until its end; -1: not. */
struct shell_step_held {
	int socket; /* by which the coordinator sees that end */
	int slot; /* of the build host, as a compile has one */
};

/*
 * Is a pipeline of the second form, so that the others may be asked for once
 * its first command has made the text?
 */
bool shell_step_wants_text(struct shell *sh, const struct shell_node *pipe);
/*
 * Do a pipeline of the first form, or one of the second that has the `text`, a
 * file; else that is -1.  True, and its status; else it is to be run here, or
 * what of it is behind the text, and *held released when that is done.
 */
bool shell_step_symbols(struct shell *sh, const struct shell_node *pipe,
			int text, int *status, struct shell_step_held *held);
void shell_step_release(const struct shell_step_held *held);

/*
 * Where a command of a list may be a compile with such a program behind it,
 * which changes its object, or one with dtc behind it: that program's node,
 * else NULL.
 */
const struct shell_node *shell_step_tool(struct shell *sh,
					 const struct shell_node *n);
/*
 * What is asked beside a compile with that program behind it, `tool` as above
 * or NULL; false: nothing.  All of `out` lies in the shell's arena.
 */
bool shell_step_object(struct shell *sh, const struct shell_node *tool,
		       struct cc_step *out);

#endif

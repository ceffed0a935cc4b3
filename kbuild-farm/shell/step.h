/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/step.h - Tool steps, offloaded as part of a compile.
 *
 *	gcc -E ... x.c | scripts/genksyms/genksyms ... >>.x.o.cmd
 *	{ echo "#include ..."; echo ...; gcc -E x.S | grep ... | sed ...; } |
 *		gcc -E ... -xc - | scripts/genksyms/genksyms ... >>.x.o.cmd
 *	gcc -c -o x.o ... x.c; tools/objtool/objtool ... x.o
 *	gcc -E -o x.tmp ... x.dts; scripts/dtc/dtc -o x.dtb ... -d x.d x.tmp
 *
 * For the second form the shell creates the text and sends it with the request.
 * Only these four forms with known options are requested, and only if tool
 * steps are enabled (shell/stats.h).  Otherwise sh->step_reason records the
 * reason, which shell/tool-line.h counts for each tool started locally.
 */
#ifndef SHELL_STEP_H
#define SHELL_STEP_H

#include "cc/job.h"
#include "shell/ast.h"

struct shell;

/* Resources that a local tool step holds until it ends; -1 if unused. */
struct shell_step_resources {
	/* socket of the coordinator, whose close marks the end of the step */
	int socket_fd;
	int slot_fd; /* local slot, as for a compile */
};

/*
 * Return true if a pipeline has the second form, so that its step can be
 * requested once its first command has created the text.
 */
bool shell_step_needs_text(struct shell *sh, const struct shell_ast_node *pipe);
/*
 * Request the tool step of a pipeline.  For the second form `text_fd` is the
 * file with the text; for the first form it is -1.  Returns true with *status
 * if the step was executed.  Otherwise the caller runs the pipeline, or for the
 * second form the commands after the text, and then releases *resources.
 */
bool shell_step_run_genksyms(struct shell *sh,
			     const struct shell_ast_node *pipe, int text_fd,
			     int *status,
			     struct shell_step_resources *resources);
void shell_step_release(const struct shell_step_resources *held);

/*
 * Return the node of objtool or dtc if it follows the list element `n` and `n`
 * can be its compile, else NULL.
 */
const struct shell_ast_node *shell_step_find_tool(
	struct shell *sh, const struct shell_ast_node *n);
/*
 * Build the request for the step `tool`, which can be NULL.  Returns false if
 * no step can be requested.  `out` points into the shell's arena.
 */
bool shell_step_make_request(struct shell *sh,
			     const struct shell_ast_node *tool,
			     struct cc_tool_step *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/compile.h - Compiles, tool steps and fixdep through the coordinator.
 *
 * For a compiler in the masquerade directory $KFARM_LINKS, or a launcher such
 * as ccache, the shell itself does the work of kfarm-cc, without starting it.
 * The shell offloads a tool step together with a compiler call:
 *
 *	gcc -E ... x.c | scripts/genksyms/genksyms ... >>.x.o.cmd
 *	{ echo "#include ..."; echo ...; gcc -E x.S | grep ... | sed ...; } |
 *		gcc -E ... -xc - | scripts/genksyms/genksyms ... >>.x.o.cmd
 *	gcc -c -o x.o ... x.c; tools/objtool/objtool ... x.o
 *	gcc -E -o x.tmp ... x.dts; scripts/dtc/dtc -o x.dtb ... -d x.d x.tmp
 *
 * For the second form the shell runs the group { ... } and sends the output of
 * the group, called the text, with the request.  The shell requests only these
 * four forms with supported options, and only if tool steps are enabled
 * (shell/stats.h).  Otherwise the tool runs locally; sh->step_reason contains
 * the reason, which is counted when the tool is started.
 *
 * The shell requests the output of a kernel tree's fixdep from the coordinator
 * (inputs/fixdep.h):
 *
 *	scripts/basic/fixdep DEPFILE TARGET COMMAND >.TARGET.cmd
 */
#ifndef SHELL_COMPILE_H
#define SHELL_COMPILE_H

#include "shell/ast.h"

#include <stdbool.h>

struct shell;
struct shell_program;

/*
 * Execute a fixdep command line whose stdout is the descriptor `out`.  `socket`
 * is the path of the coordinator's socket, or NULL.
 *
 * Returns the exit status.  Returns -1, with nothing written, if the caller
 * must start fixdep: the command line differs from the form at the top of this
 * file, `out` is not a regular file, the size of files is limited, or the
 * coordinator does not supply the output.
 */
int shell_fixdep_run(char *const *argv, const char *socket, int out);

/*
 * Execute a compiler call.  If sh->pending_tool is not NULL and can be
 * requested, request this tool step together with the call.
 *
 * Returns false if the program is neither in the masquerade directory nor a
 * launcher.  Otherwise returns true with the compiler's exit status in *status.
 * If the call is the `last` command and must run locally, the compiler can
 * replace this process.  If the step was executed as well, sh->tool_offloaded
 * is set to the step.  If both the compile and the step must run locally,
 * sh->slot_fd is the slot for both.
 */
bool shell_compile_run(struct shell *sh, const struct shell_program *p,
		       char **argv, bool last, int *status);

/*
 * Return the list element after `n` if this element calls objtool or dtc and
 * can belong to the compile `n`.  Otherwise return NULL.  Sets sh->step_reason
 * if the element calls objtool or dtc.
 */
const struct shell_ast_node *shell_step_find_tool(
	struct shell *sh, const struct shell_ast_node *n);

/* Resources that a local tool step holds until it ends; -1 if unused. */
struct shell_step_resources {
	/*
	 * connection to the coordinator; closing it marks the end of the step
	 */
	int socket_fd;
	int slot_fd; /* local slot that the step occupies */
};

/*
 * Return true if a pipeline has the second form at the top of this file, which
 * begins with a group { ... }.  The tool step can be requested only after the
 * caller has run the group and stored its output in a file.
 */
bool shell_step_needs_text(struct shell *sh, const struct shell_ast_node *pipe);
/*
 * Request the tool step of a pipeline.  For the first form, `text_fd` is -1.
 * For the second form, the caller has already run the first command of the
 * pipeline, and `text_fd` is the file with the text.  Returns true with *status
 * if the step was executed or a signal ended the wait for it.  Otherwise
 * returns false: the caller must run the pipeline, without the first command if
 * `text_fd` is not -1, and then release *resources.
 */
bool shell_step_run_genksyms(struct shell *sh,
			     const struct shell_ast_node *pipe, int text_fd,
			     int *status,
			     struct shell_step_resources *resources);
/* Close the descriptors that are not -1. */
void shell_step_release(const struct shell_step_resources *held);

#endif

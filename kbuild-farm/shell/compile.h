/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/compile.h - Compiler and fixdep calls without starting a program.
 *
 * A compiler in the masquerade directory $KFARM_LINKS is called as kfarm-cc
 * would call it.  For a kernel tree's
 *
 *	scripts/basic/fixdep DEPFILE TARGET COMMAND >.TARGET.cmd
 *
 * the coordinator supplies the output (inputs/fixdep.h).
 */
#ifndef SHELL_COMPILE_H
#define SHELL_COMPILE_H

#include "cc/call.h"

#include <stdbool.h>

struct shell;
struct shell_program;

/*
 * Execute a fixdep command line whose stdout is the descriptor `out`.  `socket`
 * is the coordinator's, or NULL.  Returns the exit status, or -1 if nothing was
 * done and the program must be started: the command line does not have the
 * above form, `out` is not a regular file, there is no coordinator, or fixdep
 * would reject its arguments.
 */
int shell_fixdep_run(char *const *argv, const char *socket, int out);

/* Return true if the program, called `name`, is in the masquerade directory. */
bool shell_compile_is_wrapper(struct shell *sh, const struct shell_program *p,
			      const char *name);
/*
 * Begin the call of a compiler in the masquerade directory, with a tool step or
 * NULL.  Returns the result of cc_call_begin().
 */
enum cc_job_outcome shell_compile_request(struct shell *sh,
					  struct cc_call *call, char **argv,
					  const struct cc_tool_step *step,
					  int *status);

/*
 * Take a local slot for a compile that runs locally.  Returns a descriptor that
 * no script can name, or -1.  Programs started before it is closed hold the
 * slot as well.
 */
int shell_compile_hold_slot(struct cc_call *call);

/*
 * Execute a compiler call if the program is in the masquerade directory; return
 * false otherwise.  *status is the compiler's.  The call is offered to the
 * coordinator, with a tool step or NULL.  If it must run locally, it runs in
 * this process if it is the `last` command.  If the step sh->pending_tool was
 * executed too, sh->tool_offloaded is set to it.  If the step must run locally
 * as well, sh->slot_fd is the slot for both.
 */
bool shell_compile_run(struct shell *sh, const struct shell_program *p,
		       char **argv, bool last, const struct cc_tool_step *step,
		       int *status);

#endif

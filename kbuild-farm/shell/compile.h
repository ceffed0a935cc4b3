/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/compile.h - a compiler's call, done without starting kfarm-cc.
 */
#ifndef SHELL_COMPILE_H
#define SHELL_COMPILE_H

#include "cc/call.h"

#include <stdbool.h>

struct shell;
struct shell_program;

/*
 * Is the program, called `name`, one of $KFARM_LINKS?  Then ask what
 * cc_call_begin() asks, beside a step or NULL.
 */
bool shell_compile_is_link(struct shell *sh, const struct shell_program *p,
			   const char *name);
enum cc_answer shell_compile_ask(struct shell *sh, struct cc_call *call,
				 char **argv, const struct cc_step *step,
				 int *status);

/*
 * A slot for a compile that runs here and all that belongs to it: a descriptor
 * that no script can name, or -1.  Programs that are started until it is closed
 * hold the slot, too.
 */
int shell_compile_hold_slot(struct cc_call *call);

/*
 * Where the program is one of $KFARM_LINKS, do what kfarm-cc does under that
 * name: true, and the status of the compiler.  It was asked of the coordinator
 * then, with a step or NULL, or run here, in this process where it is the
 * `last` command.  Where the step, sh->tool, was done with it, sh->tool_done is
 * that; where it is to be done here, too, sh->slot is the slot of both.
 */
bool shell_compile(struct shell *sh, const struct shell_program *p, char **argv,
		   bool last, const struct cc_step *step, int *status);

#endif

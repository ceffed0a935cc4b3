/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/known.h - what of a script is known for certain to run as in dash.
 */
#ifndef SHELL_KNOWN_H
#define SHELL_KNOWN_H

#include "base/arena.h"
#include "shell/node.h"
#include "shell/vars.h"
#include "shell/why.h"

#include <stdbool.h>

/*
 * Look at all of a script before anything of it is done.  `vars` are those
 * that it starts with; what traps would do is parsed in `a`, and forgotten.
 * 0, or -ENOTSUP with the reason: /bin/sh is to have it.
 */
int shell_known_check(struct arena *a, const struct shell_vars *vars,
		      const struct shell_node *list, enum shell_why *why);

/*
 * Run as a subshell, does it leave the shell's own state as it was?  Then no
 * process has to be made for it.
 */
bool shell_known_pure(const struct shell_node *n);
/* Is it a program, to be started as a part of a pipeline? */
bool shell_known_program(const struct shell_node *n);
/* Is it builtins alone that print, to standard output as it is? */
bool shell_known_prints(const struct shell_node *n);

#endif

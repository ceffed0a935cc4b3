/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/compile.h - a compiler's call, done without starting kfarm-cc.
 */
#ifndef SHELL_COMPILE_H
#define SHELL_COMPILE_H

#include <stdbool.h>

struct shell;
struct shell_program;

/*
 * Where the program is one of $KFARM_LINKS, do what kfarm-cc does under that
 * name: true, and the status of the compiler.  It was asked of the coordinator
 * then, or run here, in this process where it is the `last` command.
 */
bool shell_compile(struct shell *sh, const struct shell_program *p, char **argv,
		   bool last, int *status);

#endif

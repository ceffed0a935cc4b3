/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/direct.h - lines that make would not have started a shell for.
 *
 * With /bin/sh as its SHELL make takes a line of plain words apart itself, and
 * starts the program without a shell; with any other it starts that.  So for
 * these lines this is make: no variable of the shell's own in the environment,
 * `echo` is /bin/echo, and make's words for what is missing.
 */
#ifndef SHELL_DIRECT_H
#define SHELL_DIRECT_H

#include "base/arena.h"

struct shell;

/*
 * The words of such a line, as GNU make 4.3 has them (src/job.c,
 * construct_command_argv_internal); NULL: it is one for the shell.  There is
 * room for one more in front.
 */
char **shell_direct_words(struct arena *a, const char *line);

/* Do it: the status. */
int shell_direct_run(struct shell *sh, char **argv);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/hidden.h - what make and the shell know of each other, and what other
 * programs must not see.
 *
 *	KFARM_SHELL=DIR		shell/counts.h; DIR/sh is this program
 *	MAKEFILES=... DIR/shell.mk
 *				the user's own, then a file that holds only
 *				`SHELL := DIR/sh`: unlike a variable on the
 *				command line it is not in MAKEFLAGS, and a
 *				makefile that sets SHELL itself has it its way
 */
#ifndef SHELL_HIDDEN_H
#define SHELL_HIDDEN_H

#include "base/bytes.h"

#include <stdbool.h>

#define SHELL_HIDDEN_MAKEFILE "shell.mk"

/*
 * Take both out of `env`, a list that ends in NULL, in place: MAKEFILES is as
 * the user had it, or not there.  A changed entry is never freed.
 */
void shell_hidden_clean(char **env);

/* Is this the name or path of a program that gets both: make, gmake? */
bool shell_hidden_is_make(const char *program);

/* Has the script a word like that, perhaps? */
bool shell_hidden_has_make(struct bytes script);

#endif

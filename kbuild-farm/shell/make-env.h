/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/make-env.h - Environment variables shared only by make and the shell.
 *
 *	KFARM_SHELL=DIR		see shell/stats.h; DIR/sh is this program
 *	MAKEFILES=... DIR/shell.mk
 *				the user's value, then a makefile with the line
 *				`SHELL := DIR/sh`.  Unlike a variable on make's
 *				command line, the assignment is not in
 *				MAKEFLAGS, and other makefiles can override it.
 *
 * No other program may receive these variables.
 */
#ifndef SHELL_MAKE_ENV_H
#define SHELL_MAKE_ENV_H

#include "base/bytes.h"

#include <stdbool.h>

#define SHELL_MAKE_ENV_MAKEFILE "shell.mk"

/*
 * Undo kfarm's changes to both variables in the NULL-terminated list `env` in
 * place: remove KFARM_SHELL, and reset MAKEFILES to the user's value, or remove
 * MAKEFILES if this value is empty.  The memory of a changed entry is never
 * freed.
 */
void shell_make_env_strip(char **env);

/*
 * Return true if a program of this name or path receives both variables: make
 * or gmake.
 */
bool shell_make_env_is_make(const char *program);

/* Return true if the script contains "make" or "gmake" as a word. */
bool shell_make_env_mentions_make(struct bytes script);

#endif

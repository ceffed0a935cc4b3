/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/make-env.h - Environment variables shared only by make and the shell.
 *
 *	KFARM_SHELL=DIR		see shell/stats.h; DIR/sh is this program
 *	MAKEFILES=... DIR/shell.mk
 *				the user's value, then a file with the line
 *				`SHELL := DIR/sh`: unlike a variable on the
 *				command line it is not in MAKEFLAGS, and a
 *				makefile that sets SHELL itself prevails
 *
 * Other programs must not receive either variable.
 */
#ifndef SHELL_MAKE_ENV_H
#define SHELL_MAKE_ENV_H

#include "base/bytes.h"

#include <stdbool.h>

#define SHELL_MAKE_ENV_MAKEFILE "shell.mk"

/*
 * Remove both variables from the NULL-terminated list `env` in place.
 * MAKEFILES keeps the user's value, or is removed if that is empty.  A changed
 * entry is never freed.
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

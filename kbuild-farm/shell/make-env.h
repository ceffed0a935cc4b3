/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/make-env.h - The environment variable that selects make's shell.
 *
 *	MAKEFILES=DIR/shell.mk ...
 *				DIR/shell.mk is a makefile that sets SHELL to
 *				DIR/sh; the user's value follows it.  Unlike
 *				SHELL=DIR/sh on make's command line, the setting
 *				is not in MAKEFLAGS, and other makefiles can
 *				override it.
 *
 * make reads DIR/shell.mk before any other makefile, and DIR/shell.mk removes
 * itself from MAKEFILES and MAKEFILE_LIST.  In makefiles and recipes, MAKEFILES
 * therefore has the user's value.  The shell adds DIR/shell.mk again for each
 * make that it starts.  Two other kinds of programs also receive MAKEFILES with
 * DIR/shell.mk: programs that $(shell ...) of make 4.3 starts, and a make that
 * executes itself again because a makefile has changed.
 */
#ifndef SHELL_MAKE_ENV_H
#define SHELL_MAKE_ENV_H

#include "base/bytes.h"

#include <stdbool.h>

#define SHELL_MAKE_ENV_MAKEFILE "shell.mk"

/*
 * Return the text of DIR/shell.mk for the directory `dir`.  The caller frees
 * it.
 */
char *shell_make_env_makefile(const char *dir);

/*
 * Return MAKEFILES=... for a make that starts with the environment `env`.  The
 * caller frees it.
 */
char *shell_make_env_entry(const char *dir, char *const *env);
/*
 * Undo shell_make_env_entry() in the NULL-terminated list `env` in place: reset
 * MAKEFILES to the user's value, or remove it if the user has not set it.  The
 * memory of a changed entry is never freed.
 */
void shell_make_env_strip(const char *dir, char **env);

/*
 * Return true if the program, given by its name or path, is make or gmake.  For
 * these programs, the shell adds DIR/shell.mk to MAKEFILES.
 */
bool shell_make_env_is_make(const char *program);

/*
 * Let the make that this process will become use the jobserver of the make that
 * started this process.  make 4.4 denies its pipes to recipes whose text does
 * not contain $(MAKE), by --jobserver-auth=-2,-2 or by closing the descriptors,
 * while a jobserver of its own, fifo:PATH, serves these recipes.  If `flags`,
 * the value of MAKEFLAGS, names the descriptors of shell_stats_jobserver(),
 * open them and return the value for MAKEFLAGS, which the caller frees.
 * Otherwise, or if a number belongs to another file, return NULL.
 */
char *shell_make_env_open_jobserver(const char *flags);

/* Return true if the script contains "make" or "gmake" as a word. */
bool shell_make_env_mentions_make(struct bytes script);

#endif

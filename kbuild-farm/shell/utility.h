/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/utility.h - rm, mkdir and others as GNU has them, without a process.
 *
 * Only what is known for certain is done here, and only as long as nothing
 * would have to be said: for the rest the program itself is run, which says it
 * in its own words.
 */
#ifndef SHELL_UTILITY_H
#define SHELL_UTILITY_H

#include <stdbool.h>

struct shell;

/* Is there one of that name? */
bool shell_utility_is(const char *name);

/*
 * Do what the program `path` does with these words: true, and its status.
 * False: it is to be run, with the words that `argv` has then.
 */
bool shell_utility(struct shell *sh, const char *path, char **argv,
		   int *status);

#endif

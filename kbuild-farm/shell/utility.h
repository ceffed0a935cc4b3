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
 * Is `path` the system's own program `name`: a file of its own where GNU's are?
 * Those of busybox and others are links to one program for all.
 */
bool shell_utility_is_of_system(const char *path, const char *name);
/*
 * Would a program that this shell starts be watched by another?  fakeroot and
 * its like are in libc, which we do not call.
 */
bool shell_utility_is_watched(struct shell *sh);

/*
 * Do what the program `path` does with these words: true, and its status.
 * False: it is to be run, with the words that `argv` has then.
 */
bool shell_utility(struct shell *sh, const char *path, char **argv,
		   int *status);

#endif

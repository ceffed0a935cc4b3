/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/utility.h - GNU utilities such as rm and mkdir without a process.
 *
 * The shell executes only calls with the options that kbuild uses; for any
 * other call, the program itself must run.  The program must also run after
 * most failures, because it prints its own message.
 *
 * Only programs of GNU packages and the nm of binutils or LLVM are supported.
 * A script or another program that a user has installed under the same name
 * runs as in dash.  A text in the file of the program identifies the program.
 * The first shell of a build that needs a program searches the file for the
 * text; later shells only compare the file stamp.
 */
#ifndef SHELL_UTILITY_H
#define SHELL_UTILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct shell;

/* Return true if this module implements a utility of that name. */
bool shell_utility_exists(const char *name);
/*
 * Return true if `path` is the system's program `name`: a regular file in a
 * directory where GNU utilities are installed, and a program of the GNU
 * package.  The utilities of busybox and similar are links to one program, so
 * they do not qualify.
 */
bool shell_utility_is_system_file(const char *path, const char *name);
/*
 * Return true if LD_PRELOAD is set.  The programs must then run, because
 * fakeroot and similar tools replace libc functions in programs, but cannot do
 * so in this statically linked shell.
 */
bool shell_utility_is_preloaded(struct shell *sh);

/*
 * Return true if the size of files is limited (`ulimit -f`).  A write beyond
 * the limit raises SIGXFSZ, which must end a program and not this shell.
 */
bool shell_utility_is_output_limited(void);

/*
 * Execute a call of the program `path` in this process.  Returns true with
 * *status if the call is complete.  Otherwise the caller must run the program
 * with `argv`, from which the completed arguments have been removed.
 */
bool shell_utility_run(struct shell *sh, const char *path, char **argv,
		       int *status);

/*
 * Return true if the program `path`, whose attributes are `st`, is an ELF file
 * that contains one of the texts in the NULL-terminated list `texts`, or any
 * ELF file if the list is empty.
 */
bool shell_identity_check(const char *path, const struct stat *st,
			  const char *const *texts);

#endif

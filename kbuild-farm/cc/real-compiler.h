/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/real-compiler.h - Search and execution of the real compiler.
 *
 * The command line that executes kfarm-cc determines the real compiler:
 *
 *	gcc -c a.c                  link in PATH: the next gcc in PATH
 *	DATA/links/KEY/bin/gcc -c   link by its path: DATA/links/KEY/real/gcc
 *	kfarm-cc gcc -c a.c         launcher: the first gcc in PATH
 *	kfarm-cc /opt/bin/gcc -c    launcher: /opt/bin/gcc
 *	ccache gcc -c a.c           link in PATH: same as kfarm-cc gcc -c a.c
 */
#ifndef CC_REAL_COMPILER_H
#define CC_REAL_COMPILER_H

#include "base/bytes.h"

#include <stdbool.h>

/* Print "kfarm-cc: ..." to stderr in one write. */
void cc_real_compiler_print_error(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Find the real compiler for *argv0.  `launched` is set if kfarm-cc is the
 * launcher; *argv0 can then be the path of the compiler itself instead of a
 * masquerade link.  `links` is the masquerade directory, or NULL; `path` is the
 * value of PATH.  *argv0 is set to the returned string, except if the compiler
 * was found in PATH under the base name of *argv0.
 *
 * Returns the compiler's path, which the caller frees, or NULL after printing
 * an error.  The path is absolute unless the working directory is unknown.
 */
char *cc_real_compiler_find(char **argv0, bool launched, const char *links,
			    const char *path);

/* Return true if `word` is the name or the path of a C compiler. */
bool cc_real_compiler_is_c(const char *word);
/*
 * Find a launcher such as ccache.  `word` is its name, its path, or the path of
 * a masquerade link with its name.  Returns the launcher's path, which the
 * caller frees, or NULL after printing an error.
 */
char *cc_real_compiler_find_launcher(const char *word, const char *links,
				     const char *path);

/*
 * Remove kfarm from the environment: the directory `links` (or NULL) from
 * PATH, and KFARM_SOCKET, KFARM_LINKS, KFARM_PROBES and KFARM_SLOTS.  Changes
 * `env` in place; a changed PATH is never freed.
 */
void cc_real_compiler_clean_env(char **env, const char *links);

/*
 * Lock any free slot in `dir` (files "0", "1", ... locked with flock(2)), or
 * wait for a slot.  The descriptor stays open across exec, so the kernel frees
 * the slot when the last process of the compile ends.  Programs that this
 * process starts before it closes the descriptor hold the slot as well.
 * Returns the descriptor, or -1 if there are no slots or flock(2) fails.
 */
int cc_real_compiler_lock_slot(const char *dir);

/*
 * Move `fd` to a number above 2, unless its number is already above 2.  A new
 * descriptor can have the number of stdin, stdout or stderr if the caller
 * closed that stream.  Returns the resulting descriptor, or -1.
 */
int cc_real_compiler_move_fd(int fd);

/*
 * Return true if resource limits or a closed stdout or stderr can change the
 * result of a compile in this process.  gcc treats a closed stderr as an error
 * once it prints a warning.
 */
bool cc_real_compiler_is_limited(void);

/*
 * Return false if there is text to write, but `fd` is a pipe without a reader.
 * The compiler must then run and report the error.
 */
bool cc_real_compiler_can_write(int fd, struct bytes text);
/*
 * Write all bytes.  If `fd` is a full pipe, waits even in non-blocking mode,
 * because make can pass a non-blocking pipe.  Returns false on an error.
 */
bool cc_real_compiler_write(int fd, struct bytes in);

/*
 * Replace this process by the real compiler; argv[0] becomes `compiler`.  On
 * failure, prints an error and returns the exit status that a shell would
 * return; does not return on success.
 */
int cc_real_compiler_exec(const char *compiler, char **argv, char *const *env);

#endif

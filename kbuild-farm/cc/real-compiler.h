/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/real-compiler.h - Execution of the real compiler on the build host.
 */
#ifndef CC_REAL_COMPILER_H
#define CC_REAL_COMPILER_H

#include "base/bytes.h"

/* Print "kfarm-cc: ..." to stderr in one write. */
void cc_real_compiler_print_error(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

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
 * Move `fd` above the numbers of stdin, stdout and stderr, which a new
 * descriptor can have if the caller closed one of these streams.  Returns the
 * new descriptor, or -1.
 */
int cc_real_compiler_move_fd(int fd);

/*
 * Return true if resource limits or a closed stdout or stderr can change the
 * result of a compile in this process.  gcc treats a closed stderr as an error
 * once it prints a warning.
 */
bool cc_real_compiler_is_limited(void);

/*
 * Write all bytes.  Waits if `fd` is a full non-blocking pipe, which make can
 * pass.  Returns false on an error.
 */
bool cc_real_compiler_write(int fd, struct bytes in);

/*
 * Replace this process by the real compiler; argv[0] becomes `compiler`.
 * Returns only on failure, after printing an error: the exit status that a
 * shell would return.
 */
int cc_real_compiler_exec(const char *compiler, char **argv, char *const *env);

#endif

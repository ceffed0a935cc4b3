/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cc/local.h - the real compiler, on this machine.
 */
#ifndef CC_LOCAL_H
#define CC_LOCAL_H

#include "base/bytes.h"

/* "kfarm-cc: ..." on stderr, in one write. */
void cc_local_complain(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Take kfarm out of the environment: PATH without the directory `links`
 * (may be NULL), none of KFARM_SOCKET, KFARM_LINKS, KFARM_PROBES and
 * KFARM_SLOTS.  Works on `env` itself; a changed PATH is never freed.
 */
void cc_local_clean(char **env, const char *links);

/*
 * Take one of the slots in `dir` (files "0", "1", ... locked with flock):
 * any that is free, else wait for one.  Its descriptor stays open over exec,
 * so that the kernel frees it when the compile's last process ends.  Nothing
 * is taken where there are none.
 */
void cc_local_take_slot(const char *dir);
/*
 * The same for a process that goes on: all that it starts until it closes the
 * descriptor holds the slot, too.  -1: there are none.
 */
int cc_local_hold_slot(const char *dir);

/* `fd` above stdin, stdout and stderr, whatever of these was closed. */
int cc_local_above_stdio(int fd);

/*
 * Might a compile end differently in this process than elsewhere, by its limits
 * or as an output is closed?  gcc takes a closed stderr for an error once it
 * warns.
 */
bool cc_local_is_confined(void);

/*
 * Write all of it, also to a pipe that does not block, which is make's own
 * choice; false when that fails.
 */
bool cc_local_print(int fd, struct bytes in);

/*
 * Become the real compiler; argv[0] becomes `compiler`.  Returns only when
 * that fails, having said why: the exit status, as a shell's.
 */
int cc_local_exec(const char *compiler, char **argv, char *const *env);

#endif

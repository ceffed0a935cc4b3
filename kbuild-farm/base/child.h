/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/child.h - the programs that an event loop starts, each in a process
 * group of its own, and those that come to it.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/spawn.h"

#include <stdint.h>

struct event_base;
struct child;
struct children;

/* Called once from the loop, with the CPU time that it used. */
typedef void child_exit(void *ctx, int wait_status, uint64_t cpu_ms);

struct children *children_new(struct event_base *base);
/*
 * Become a subreaper and collect whatever our processes leave behind, so that
 * nothing outlives us.  Children that other threads started are left to them.
 * Only for programs that never call child_start() or child_adopt().
 */
void children_take_orphans(struct children *all);
/* Kills and reaps all that still run; their callbacks are not called. */
void children_free(struct children *all);

/*
 * Start a program (own group, and it dies with us).  Returns 0 with *out,
 * which is valid until `on_exit` or child_kill().
 */
int child_start(struct children *all, const struct spawn *what,
		child_exit *on_exit, void *ctx, struct child **out,
		struct err *err);
/*
 * Reap a program that somebody else started, a process group of its own,
 * whenever it ends.
 */
void child_adopt(struct children *all, pid_t pid);
/* Wait until all have ended, at most `ms` milliseconds. */
void children_wait(struct children *all, unsigned ms);
/* SIGKILL to its group; it is reaped later and `on_exit` is not called. */
void child_kill(struct child *child);
/* The same, but `on_exit` is called then, unless children_free() comes first.
 */
void child_end(struct child *child);

#endif

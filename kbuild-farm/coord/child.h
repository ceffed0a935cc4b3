/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/child.h - the compilers that the coordinator itself starts, each in
 * a process group of its own.
 */
#ifndef COORD_CHILD_H
#define COORD_CHILD_H

#include "base/spawn.h"

#include <stdint.h>

struct event_base;
struct coord_child;
struct coord_children;

/* Called once from the loop, with the CPU time that it used. */
typedef void coord_child_exit(void *ctx, int wait_status, uint64_t cpu_ms);

struct coord_children *coord_children_new(struct event_base *base);
/* Kills and reaps all that still run; their callbacks are not called. */
void coord_children_free(struct coord_children *all);

/*
 * Start a program (own group, and it dies with us).  Returns 0 with *out,
 * which is valid until `on_exit` or coord_child_kill().
 */
int coord_child_start(struct coord_children *all, const struct spawn *what,
		      coord_child_exit *on_exit, void *ctx,
		      struct coord_child **out, struct err *err);
/*
 * Reap a program that somebody else started, a process group of its own,
 * whenever it ends.
 */
void coord_child_adopt(struct coord_children *all, pid_t pid);
/* Wait until all have ended, at most `ms` milliseconds. */
void coord_children_wait(struct coord_children *all, unsigned ms);
/* SIGKILL to its group; it is reaped later and `on_exit` is not called. */
void coord_child_kill(struct coord_child *child);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/reaper.h - the ends of our child processes.
 *
 * This process becomes a subreaper: what a killed compiler leaves behind
 * comes to us and is collected, so that nothing outlives kfarmd.  Children
 * of other threads (base/spawn.h in a base/task.h) are left to these.
 */
#ifndef AGENT_REAPER_H
#define AGENT_REAPER_H

#include <sys/resource.h>
#include <sys/types.h>

struct agent_reaper;
struct event_base;

/* `pid` ended: its wait status, and what it and its children used. */
typedef void agent_reaper_fn(void *ctx, int status, const struct rusage *used);

struct agent_reaper *agent_reaper_new(struct event_base *base);
void agent_reaper_free(struct agent_reaper *r);

/*
 * Call `fn`, once and from the loop, when `pid` has ended.  `pid` leads a
 * process group of its own; what is left of that is killed first, as long as
 * the number can mean nothing else.
 */
void agent_reaper_watch(struct agent_reaper *r, pid_t pid, agent_reaper_fn *fn,
			void *ctx);

/* The end: kill every descendant and collect them, for at most `ms`. */
void agent_reaper_end(struct agent_reaper *r, unsigned ms);

#endif

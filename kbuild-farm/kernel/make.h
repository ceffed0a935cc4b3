/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/make.h - the programs that a build runs, one after the other, from
 * within an event loop that goes on meanwhile.
 *
 * Each is a process group of its own, without a terminal and without any
 * pipe to kfarm: it survives a kfarm that is killed.  SIGINT, SIGQUIT, SIGTERM
 * and SIGHUP end it: SIGINT to the group at once, SIGTERM after 0.25 s, SIGKILL
 * after 0.5 s, or at the second signal.  Those that this process was started
 * with ignored, as by nohup(1), do not: they stay ignored.
 */
#ifndef KERNEL_MAKE_H
#define KERNEL_MAKE_H

#include "base/err.h"
#include "base/spawn.h"
#include "kernel/rundir.h"

#include <event2/event.h>
#include <stdbool.h>

struct kernel_maker {
	struct event_base *base;
	const struct kernel_rundir *rundir; /* where kernel_maker_run() notes
					       the process; may be NULL */
	struct event *signals[5]; /* NULL: ignored */
	struct event *patience; /* until the next, harder signal */
	pid_t pid; /* of the running group, 0: none */
	int stopped_by; /* the signal that ended the build, 0: none */
	bool stopping; /* by that, or by kernel_maker_stop() */
	/* Called once, before the group hears of it; may be NULL. */
	void (*on_stop)(void *ctx);
	void *ctx;
	unsigned asked; /* signals sent to the group */
};

/* Catches these signals; makes this process the reaper of its descendants. */
int kernel_maker_init(struct kernel_maker *m, struct event_base *base,
		      struct err *err);
/*
 * Start `what` and run the loop until it has ended.  0 with the wait status,
 * -EINTR when the build is to stop (nothing of the group is left then), or what
 * spawn_start() said.  Where it was killed, what it had started is asked to
 * end, and waited for a while.
 */
int kernel_maker_run(struct kernel_maker *m, const struct spawn *what,
		     int *status, struct err *err);
/* As kernel_maker_run(), with its stdout, at most `max` bytes, in `out`. */
int kernel_maker_capture(struct kernel_maker *m, const struct spawn *what,
			 size_t max, struct buf *out, int *status,
			 struct err *err);
/* End the group, as a signal does, and start nothing more. */
void kernel_maker_stop(struct kernel_maker *m);
/* Run the loop until *flag: 0 or -EINTR. */
int kernel_maker_wait(struct kernel_maker *m, const bool *flag);
/* Kill all descendants that are left, those that left their group, too. */
void kernel_maker_kill_rest(void);
void kernel_maker_release(struct kernel_maker *m);

#endif

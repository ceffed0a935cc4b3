/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/supervisor.h - Execution of a build's programs within the event loop.
 *
 * The programs run one after the other, each in a separate process group,
 * without a terminal and without a pipe to kfarm, so that they survive if kfarm
 * is killed.  If kfarm receives SIGINT, SIGQUIT, SIGTERM or SIGHUP, it sends
 * SIGINT to the group at once, SIGTERM 0.25 s later, and SIGKILL another 0.25 s
 * later.  If kfarm receives a second signal, it sends SIGKILL at once.  Signals
 * that are ignored when kfarm starts, as under nohup(1), stay ignored.
 */
#ifndef KERNEL_SUPERVISOR_H
#define KERNEL_SUPERVISOR_H

#include "base/err.h"
#include "base/spawn.h"
#include "kernel/rundir.h"

#include <event2/event.h>
#include <stdbool.h>

struct kernel_supervisor {
	struct event_base *base;
	/* run directory that records the process; may be NULL */
	const struct kernel_rundir *rundir;
	struct event *signal_events[5]; /* NULL for an ignored signal */
	struct event *kill_timer; /* expires when the next signal is due */
	pid_t group_pid; /* running process group, or 0 */
	int stop_signal; /* signal that ended the build, or 0 */
	/* a signal or kernel_supervisor_stop() has requested the build's end */
	bool stopping;
	/* called once, before the group gets a signal; may be NULL */
	void (*on_stop)(void *ctx);
	void *ctx;
	unsigned n_signals_sent; /* signals sent to the group */
	/*
	 * children that this process had before kernel_supervisor_init(), such
	 * as tee(1) after `exec > >(tee log); exec kfarm build`
	 */
	pid_t *inherited;
	size_t n_inherited;
	int was_subreaper; /* attribute before kernel_supervisor_init() */
};

/*
 * Catch the signals and make this process the subreaper of its descendants.
 * Returns 0, or -ENOMEM with `err` set.
 */
int kernel_supervisor_init(struct kernel_supervisor *m, struct event_base *base,
			   struct err *err);
/*
 * Start the program and run the event loop until it ends.  Returns 0 with the
 * wait status in *status; -EINTR if the build must stop, after the group was
 * killed; or the error of spawn_start().  If a signal kills the program
 * although the build need not stop, the rest of its group gets SIGTERM and up
 * to ten seconds to end.
 */
int kernel_supervisor_run(struct kernel_supervisor *m, const struct spawn *what,
			  int *status, struct err *err);
/*
 * Run the program as kernel_supervisor_run() does and append its stdout, at
 * most `max` bytes, to `out`.
 */
int kernel_supervisor_capture(struct kernel_supervisor *m,
			      const struct spawn *what, size_t max,
			      struct buf *out, int *status, struct err *err);
/*
 * Stop the build as a received signal does: end the running process group and
 * start no further program.
 */
void kernel_supervisor_stop(struct kernel_supervisor *m);
/*
 * Run the event loop until *flag is true.  Returns 0, or -EINTR if the build
 * must stop.
 */
int kernel_supervisor_wait(struct kernel_supervisor *m, const bool *flag);
/*
 * Kill all remaining descendants, even those that left their group, except the
 * children that this process had before kernel_supervisor_init().
 */
void kernel_supervisor_kill_descendants(const struct kernel_supervisor *m);
/* Stop catching the signals, and stop being a subreaper. */
void kernel_supervisor_release(struct kernel_supervisor *m);

#endif

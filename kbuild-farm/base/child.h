/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/child.h - Child processes of an event loop.
 *
 * Each child runs in its own process group.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/spawn.h"

#include <stdint.h>

struct event_base;
struct child;
struct children;

/*
 * Called once from the loop after the child has exited.  `cpu_ms` is the CPU
 * time of the child.
 */
typedef void child_exit_fn(void *ctx, int wait_status, uint64_t cpu_ms);

/*
 * Create an empty list of children for the loop `base`.  Until children_free(),
 * SIGCHLD is unblocked in the calling thread.  Call this function on the thread
 * that runs the loop: on another thread, libevent's signal handler could use
 * the descriptors of a loop that was freed.
 */
struct children *children_new(struct event_base *base);
/*
 * Become a subreaper and reap all orphaned descendants.  children_wait() then
 * also waits for orphans.  Children of other threads are not reaped.  A process
 * that calls this function must not call child_start() or child_adopt().
 * Otherwise a child that is started or adopted could be reaped as an orphan,
 * and children_free() could then kill another process that got the child's pid.
 */
void children_reap_orphans(struct children *all);
/*
 * Kill and reap all running children without calling their callbacks, and
 * restore the signal mask of the calling thread.  `all` can be NULL.
 */
void children_free(struct children *all);

/*
 * Start a program in its own process group.  The program is killed when the
 * calling thread exits.  Returns 0, or the error of spawn_start().  *out is
 * valid until `on_exit` is called or child_kill() returns.
 */
int child_start(struct children *all, const struct spawn *what,
		child_exit_fn *on_exit, void *ctx, struct child **out,
		struct err *err);
/* Return the process ID of a child that was started. */
pid_t child_pid(const struct child *child);
/*
 * Add `pid`, a process group leader that other code started, to `all`.  The
 * process is reaped when it exits.
 */
void child_adopt(struct children *all, pid_t pid);
/*
 * Like child_adopt(), but end the process and its group: send SIGTERM to the
 * group after `term_ms` and SIGKILL after `kill_ms`.  If the process exits
 * earlier, send SIGKILL to the rest of the group at once.
 */
void child_adopt_ending(struct children *all, pid_t pid, unsigned term_ms,
			unsigned kill_ms);
/* Return true until the child `pid` and its process group have been reaped. */
bool children_has(const struct children *all, pid_t pid);
/*
 * Wait at most `timeout_ms` milliseconds until all children and their groups
 * have exited, without calling `on_exit`.  Returns true if all of them have
 * exited.
 */
bool children_wait(struct children *all, unsigned timeout_ms);
/*
 * Send SIGKILL to the child's group.  The child is reaped later without a call
 * of `on_exit`.
 */
void child_kill(struct child *child);
/*
 * Like child_kill(), but `on_exit` is called after the exit, unless
 * children_free() is called first.
 */
void child_kill_notify(struct child *child);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/task.h - Background threads: one task, or a parallel loop. */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include <stddef.h>

struct event_base;
struct task;

/*
 * Run fn(arg) on a new thread.  Only that thread may access `arg` until the
 * task is joined.  Returns NULL with errno set, without a call of fn(), if no
 * thread can be created.
 */
struct task *task_start(void (*fn)(void *arg), void *arg);
/*
 * Like task_start(), but the loop calls on_done(arg) after fn() has returned.
 * The task is freed before that call.
 */
struct task *task_start_notify(struct event_base *base, void (*fn)(void *arg),
			       void (*on_done)(void *arg), void *arg);
/* Return a descriptor that becomes readable when fn() has returned. */
int task_fd(const struct task *t);
/* Wait for fn() and free `t` without a call of on_done(). */
void task_join(struct task *t);
/*
 * Let a task of task_start() continue without the caller, until fn() returns or
 * the process exits.  Only fn() may free `arg`.
 */
void task_detach(struct task *t);

#define TASK_THREADS_MAX 16

/*
 * Call fn(ctx, i) once for each i below `n` on up to `threads` new threads, at
 * most TASK_THREADS_MAX, or on the calling thread if no thread can be created.
 * While the threads run, the calling thread calls on_tick(ctx) ten times a
 * second, unless `on_tick` is NULL.  SIGCHLD is blocked on the calling thread,
 * so that an event loop in fn() receives the signal instead.  Returns when all
 * calls have finished.
 */
void task_each(unsigned threads, size_t n, void (*fn)(void *ctx, size_t i),
	       void (*on_tick)(void *ctx), void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/task.h - one function on a thread of its own, for an event loop; or one
 * called often, on a few threads.
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include <stddef.h>

struct event_base;
struct task;

/*
 * Run fn(arg) on a new thread, which alone may touch `arg` meanwhile.
 * NULL with errno set when no thread could be had: then fn was not run.
 */
struct task *task_start(void (*fn)(void *arg), void *arg);
/*
 * The same for a loop, which calls then(arg) when fn has returned; `t` is
 * freed by that time.
 */
struct task *task_start_then(struct event_base *base, void (*fn)(void *arg),
			     void (*then)(void *arg), void *arg);
/* Becomes readable when fn has returned. */
int task_fd(const struct task *t);
/* Waits for fn and frees `t`; `then` is not called. */
void task_join(struct task *t);

#define TASK_THREADS_MAX 16

/*
 * Call fn(ctx, i) once for each i below `n`, on up to `threads` threads at the
 * same time, or here when none can be had.  Meanwhile tick(ctx), which may be
 * NULL, is called here ten times a second.  Returns when all are through.
 */
void task_each(unsigned threads, size_t n, void (*fn)(void *ctx, size_t i),
	       void (*tick)(void *ctx), void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/work-timer.h - A time limit for local processes on a busy machine.
 *
 * On a busy machine, a process that works can wait for a processor for most of
 * the time.  Wall time therefore does not distinguish a busy process from a
 * process that hangs.  A work timer measures the *working time* instead: the
 * time in which the process sleeps, plus its CPU time.  A wait for a processor
 * or for a disk does not count.  On an idle machine, working time and wall time
 * are equal.
 *
 *	1. work_timer_start()
 *	2. Wait for the end of the work for at most work_timer_wait_ms().
 *	3. Unless the work has ended, check work_timer_has_expired() and go back
 *	   to step 2.
 *
 * A work timer holds no resources.
 */
#ifndef BASE_WORK_TIMER_H
#define BASE_WORK_TIMER_H

#include "base/process-usage.h"

#include <stdbool.h>
#include <stdint.h>

enum work_timer_scope {
	WORK_TIMER_PROCESS,
	WORK_TIMER_TREE, /* the process and its descendants */
};

struct work_timer {
	pid_t pid;
	enum work_timer_scope scope;
	unsigned limit_ms;
	uint64_t used_ms; /* working time up to the last sample */
	uint64_t sampled_ms; /* time of the last sample, by clock_ms() */
	uint64_t cpu_ms; /* CPU time at the last sample */
};

/*
 * Start or restart the timer for process `pid`.  If `pid` is 0 because the
 * process is unknown, for example because it runs on another machine, the timer
 * measures wall time.  It also does so for the calling process, which runs
 * whenever it takes a sample.
 */
void work_timer_start(struct work_timer *t, pid_t pid,
		      enum work_timer_scope scope, unsigned limit_ms);
/* Return the time in ms until the next sample is due; 0 if it is due now. */
unsigned work_timer_wait_ms(const struct work_timer *t);
/*
 * Take a sample if it is due.  Returns true if the working time has reached the
 * limit.  A process that no longer exists counts as sleeping.
 */
bool work_timer_has_expired(struct work_timer *t);
/*
 * Add a sample that was taken at time now_ms.  The time since the last sample
 * counts at most as two intervals between samples, because a longer time means
 * that the caller itself has waited for a processor.
 */
void work_timer_add_sample(struct work_timer *t, uint64_t now_ms,
			   const struct process_usage *usage);

#endif

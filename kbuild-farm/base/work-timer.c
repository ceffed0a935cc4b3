/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/work-timer.h"

#include "base/clock.h"

#include <unistd.h>

/* number of samples until a process that only sleeps reaches the limit */
#define SAMPLES         4
#define INTERVAL_MIN_MS 10 /* a clock tick of proc(5) */
/* longer than the interval between two heartbeats of a peer */
#define INTERVAL_MAX_MS 1250

static unsigned interval_ms(const struct work_timer *t)
{
	unsigned ms = t->limit_ms / SAMPLES;

	if (ms > INTERVAL_MAX_MS)
		return INTERVAL_MAX_MS;
	return ms < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : ms;
}

void work_timer_start(struct work_timer *t, pid_t pid,
		      enum work_timer_scope scope, unsigned limit_ms)
{
	*t = (struct work_timer){ .pid = pid == getpid() ? 0 : pid,
				  .scope = scope,
				  .limit_ms = limit_ms,
				  .sampled_ms = clock_ms() };
}

unsigned work_timer_wait_ms(const struct work_timer *t)
{
	uint64_t now_ms = clock_ms();
	uint64_t due_ms = t->sampled_ms + interval_ms(t);

	return now_ms < due_ms ? (unsigned)(due_ms - now_ms) : 0;
}

void work_timer_add_sample(struct work_timer *t, uint64_t now_ms,
			   const struct process_usage *usage)
{
	uint64_t ms = now_ms - t->sampled_ms;
	uint64_t cpu_ms = usage->cpu_ms > t->cpu_ms ?
				  usage->cpu_ms - t->cpu_ms :
				  0;

	if (ms > 2 * interval_ms(t))
		ms = 2 * interval_ms(t);
	t->used_ms += usage->busy && cpu_ms < ms ? cpu_ms : ms;
	t->cpu_ms = usage->cpu_ms;
	t->sampled_ms = now_ms;
}

bool work_timer_has_expired(struct work_timer *t)
{
	struct process_usage usage = { 0 };

	if (!work_timer_wait_ms(t)) {
		if (t->pid && t->scope == WORK_TIMER_TREE)
			process_usage_read_tree(t->pid, &usage);
		else if (t->pid)
			process_usage_read(t->pid, &usage);
		work_timer_add_sample(t, clock_ms(), &usage);
	}
	return t->used_ms >= t->limit_ms;
}

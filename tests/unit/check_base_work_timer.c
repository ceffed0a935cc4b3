/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/fake-clock.h"
#include "../lib/test.h"

#include "../lib/busy.h"
#include "base/work-timer.h"

#include <poll.h>
#include <pthread.h>

#define LIMIT_MS    4000
#define INTERVAL_MS (LIMIT_MS / 4)

static struct work_timer timer;
static pid_t child;

static void set_up(void)
{
	work_timer_start(&timer, 1, WORK_TIMER_PROCESS, LIMIT_MS);
}

static void tear_down(void)
{
	if (child)
		kill(-child, SIGKILL);
	while (child && waitpid(-1, NULL, 0) > 0)
		;
	child = 0;
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

/* Samples of one process, one after each `ms` of time. */
static const struct course {
	unsigned ms, cpu_ms; /* between two samples */
	bool busy;
	uint64_t used_ms; /* after 8 samples */
} courses[] = {
	{ INTERVAL_MS, 0, false, 8 * INTERVAL_MS }, /* sleeps */
	/* runs; wakes up rarely; waits for a processor; waits for a disk */
	{ INTERVAL_MS, INTERVAL_MS, true, 8 * INTERVAL_MS },
	{ INTERVAL_MS, 10, false, 8 * INTERVAL_MS },
	{ INTERVAL_MS, 60, true, 8 * 60 },
	{ INTERVAL_MS, 0, true, 0 },
	/* runs with four threads */
	{ INTERVAL_MS, 4 * INTERVAL_MS, true, 8 * INTERVAL_MS },
	/* The caller has waited for a processor. */
	{ 60000, 0, false, 16 * INTERVAL_MS },
};

TEST_EACH(the_working_time_excludes_waits, courses)
{
	struct process_usage usage = { .busy = row->busy };
	uint64_t now_ms = timer.sampled_ms;

	for (int i = 0; i < 8; i++) {
		now_ms += row->ms;
		usage.cpu_ms += row->cpu_ms;
		work_timer_add_sample(&timer, now_ms, &usage);
	}
	ck_assert_uint_eq(timer.used_ms, row->used_ms);
}

TEST(children_that_end_do_not_reduce_the_working_time)
{
	struct process_usage usage = { .busy = true, .cpu_ms = 500 };

	work_timer_add_sample(&timer, timer.sampled_ms + INTERVAL_MS, &usage);
	usage.cpu_ms = 100;
	work_timer_add_sample(&timer, timer.sampled_ms + INTERVAL_MS, &usage);
	usage.cpu_ms = 200;
	work_timer_add_sample(&timer, timer.sampled_ms + INTERVAL_MS, &usage);
	ck_assert_uint_eq(timer.used_ms, 600);
}

/* Let the time pass in intervals until the timer expires; return this time. */
static uint64_t time_until_expired(unsigned n_max)
{
	uint64_t start_ms = fake_clock_ms;

	for (unsigned i = 0; i < n_max; i++) {
		fake_clock_ms += work_timer_wait_ms(&timer);
		if (work_timer_has_expired(&timer))
			return fake_clock_ms - start_ms;
	}
	return 0;
}

static const pid_t absent[] = { 0, 0x3fffffff };

TEST_EACH(without_a_local_process_the_wall_time_is_limited, absent)
{
	work_timer_start(&timer, *row, WORK_TIMER_TREE, LIMIT_MS);
	ck_assert_uint_eq(time_until_expired(100), LIMIT_MS);
}

TEST(no_sample_is_taken_before_it_is_due)
{
	ck_assert_uint_eq(work_timer_wait_ms(&timer), INTERVAL_MS);
	fake_clock_ms += INTERVAL_MS - 1;
	ck_assert_uint_eq(work_timer_wait_ms(&timer), 1);
	ck_assert(!work_timer_has_expired(&timer));
	ck_assert_uint_eq(timer.used_ms, 0);
}

static char state_of(pid_t pid)
{
	struct process_stat s = { .state = 0 };

	process_stat_read(pid, &s);
	return s.state;
}

/* Start a process that is in state D, below a process that sleeps. */
static void start_busy_grandchild(void)
{
	child = fork();
	if (!child) {
		setpgid(0, 0);
		if (!fork())
			be_busy(600000);
		for (;;)
			pause();
	}
	setpgid(child, child);
}

TEST(a_busy_descendant_extends_the_limit_of_a_tree)
{
	struct process_usage usage = { 0 };

	start_busy_grandchild();
	while (!usage.busy || state_of(child) != 'S') {
		poll(NULL, 0, 5);
		process_usage_read_tree(child, &usage);
	}
	work_timer_start(&timer, child, WORK_TIMER_TREE, LIMIT_MS);
	ck_assert_uint_eq(time_until_expired(100), 0);
	work_timer_start(&timer, child, WORK_TIMER_PROCESS, LIMIT_MS);
	ck_assert_uint_eq(time_until_expired(100), LIMIT_MS);
}

static void *run_busy_thread(void *arg)
{
	be_busy(600000);
	return arg;
}

TEST(a_busy_thread_extends_the_limit)
{
	struct process_usage usage = { 0 };
	pthread_t thread;

	child = fork();
	if (!child) {
		setpgid(0, 0);
		pthread_create(&thread, NULL, run_busy_thread, NULL);
		for (;;)
			pause();
	}
	setpgid(child, child);
	while (!usage.busy || state_of(child) != 'S') {
		poll(NULL, 0, 5);
		process_usage_read(child, &usage);
	}
	work_timer_start(&timer, child, WORK_TIMER_PROCESS, LIMIT_MS);
	ck_assert_uint_eq(time_until_expired(100), 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/clock.h"
#include "base/process-usage.h"

#include <poll.h>

#define WAIT_MS 60000

static uint64_t tree_cpu_ms(pid_t pid)
{
	struct process_usage usage;

	process_usage_read_tree(pid, &usage);
	return usage.cpu_ms;
}

static uint64_t session_cpu_ms(pid_t pid)
{
	struct process_usage usage;

	process_usage_read_session(pid, &usage);
	return usage.cpu_ms;
}

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	if (!pid) {
		run();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void kill_group(pid_t group)
{
	kill(-group, SIGKILL);
	waitpid(group, NULL, 0);
}

static void spin(void)
{
	for (;;)
		;
}

/* A parent that sleeps, and a grandchild that uses CPU time. */
static void spin_in_grandchild(void)
{
	setpgid(0, 0);
	if (!fork()) {
		if (!fork())
			spin();
		for (;;)
			pause();
	}
	for (;;)
		pause();
}

/* A child that used CPU time and has been reaped. */
static void reap_spun_child(void)
{
	setpgid(0, 0);
	if (!fork()) {
		uint64_t deadline = clock_ms() + WAIT_MS;

		while (tree_cpu_ms(getpid()) < 60 && clock_ms() < deadline)
			;
		_exit(0);
	}
	wait(NULL);
	for (;;)
		pause();
}

static void wait_for(pid_t pid, uint32_t ms)
{
	uint64_t deadline = clock_ms() + WAIT_MS;

	while (tree_cpu_ms(pid) < ms) {
		ck_assert(clock_ms() < deadline);
		poll(NULL, 0, 5);
	}
}

TIMEOUT(120);

TEST(the_cpu_time_of_descendants_is_counted)
{
	pid_t pid = start(spin_in_grandchild);

	setpgid(pid, pid);
	wait_for(pid, 100);
	kill_group(pid);
}

static void spin_in_session(void)
{
	setsid();
	spin_in_grandchild();
}

/* As on a kernel without CONFIG_PROC_CHILDREN. */
TEST(the_cpu_time_of_a_session_is_counted)
{
	uint64_t deadline = clock_ms() + WAIT_MS;
	pid_t pid = start(spin_in_session);

	while (session_cpu_ms(pid) < 100 && clock_ms() < deadline)
		;
	ck_assert_uint_ge(session_cpu_ms(pid), 100);
	ck_assert_uint_eq(session_cpu_ms(0x3fffffff), 0);
	kill_group(pid);
}

TEST(the_cpu_time_of_reaped_children_is_counted)
{
	pid_t pid = start(reap_spun_child);

	setpgid(pid, pid);
	wait_for(pid, 50);
	kill_group(pid);
}

TEST(a_missing_process_has_no_cpu_time)
{
	/* This number exceeds the largest process id of the kernel. */
	ck_assert_uint_eq(tree_cpu_ms(0x3fffffff), 0);
}

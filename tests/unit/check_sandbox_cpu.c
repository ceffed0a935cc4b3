/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/internal.h"

#include "base/clock.h"

#include <poll.h>

#define WAIT_MS 60000

static pid_t start(void (*play)(void))
{
	pid_t pid = fork();

	if (!pid) {
		play();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end(pid_t group)
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
static void spin_below(void)
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
static void spun(void)
{
	setpgid(0, 0);
	if (!fork()) {
		uint64_t deadline = clock_ms() + WAIT_MS;

		while (sandbox_run_pid_cpu_ms(getpid()) < 60 &&
		       clock_ms() < deadline)
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

	while (sandbox_run_pid_cpu_ms(pid) < ms) {
		ck_assert(clock_ms() < deadline);
		poll(NULL, 0, 5);
	}
}

TIMEOUT(120);

TEST(descendants_count)
{
	pid_t pid = start(spin_below);

	setpgid(pid, pid);
	wait_for(pid, 100);
	end(pid);
}

TEST(what_has_ended_counts)
{
	pid_t pid = start(spun);

	setpgid(pid, pid);
	wait_for(pid, 50);
	end(pid);
}

TEST(nobody_used_nothing)
{
	/* Beyond the largest process id of the kernel. */
	ck_assert_uint_eq(sandbox_run_pid_cpu_ms(0x3fffffff), 0);
}

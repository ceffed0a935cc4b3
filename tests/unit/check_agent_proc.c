/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base agent */
#include "agent/proc.h"

#include "base/clock.h"

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void burn(unsigned ms)
{
	clock_t end = clock() + (clock_t)ms * CLOCKS_PER_SEC / 1000;

	while (clock() < end)
		;
}

/* A child in a group of its own, with a grandchild in `group` that burns. */
static pid_t start(bool own_group, bool look_through_all)
{
	int ready[2];
	pid_t pid;
	char c;

	agent_proc_look_through_all(look_through_all);
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		if (!fork()) {
			if (own_group)
				setsid();
			burn(300);
			ck_assert_int_eq(write(ready[1], "x", 1), 1);
			pause();
		}
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[1]);
	/* An end of file now means that both are gone. */
	ck_assert_int_eq(dup2(ready[0], 100), 100);
	close(ready[0]);
	return pid;
}

static void expect_gone(void)
{
	uint64_t before = clock_ms();
	char c;

	ck_assert_int_eq(read(100, &c, 1), 0);
	ck_assert_uint_lt(clock_ms() - before, 2000);
	close(100);
}

/* With the kernel's lists of children, and without. */
static const bool ways[] = { false, true };

START_TEST(cpu_time_includes_that_of_descendants)
{
	pid_t pid = start(false, ways[_i]);
	uint32_t ms = agent_proc_cpu_ms(pid);

	ck_assert_uint_ge(ms, 250);
	ck_assert_uint_lt(ms, 5000);
	agent_proc_kill(pid);
	expect_gone();
	waitpid(pid, NULL, 0);
	ck_assert_uint_eq(agent_proc_cpu_ms(pid), 0);
}
END_TEST

START_TEST(one_that_left_the_group_is_killed_too)
{
	pid_t pid = start(true, ways[_i]);

	agent_proc_kill(pid);
	expect_gone();
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(all_descendants_can_be_killed)
{
	pid_t pid = start(true, ways[_i]);

	ck_assert_uint_eq(agent_proc_kill_all(), 2);
	expect_gone();
	waitpid(pid, NULL, 0);
	ck_assert_uint_eq(agent_proc_kill_all(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/proc");
	TCase *t = tcase_create("proc");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, cpu_time_includes_that_of_descendants, 0, 2);
	tcase_add_loop_test(t, one_that_left_the_group_is_killed_too, 0, 2);
	tcase_add_loop_test(t, all_descendants_can_be_killed, 0, 2);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

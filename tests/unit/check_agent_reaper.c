/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
#include "agent/reaper.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/task.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct event_base *base;
static struct agent_reaper *reaper;

static void set_up(void)
{
	base = event_base_new();
	reaper = agent_reaper_new(base);
}

static void tear_down(void)
{
	agent_reaper_end(reaper, 500);
	agent_reaper_free(reaper);
	event_base_free(base);
}

static void loop(unsigned ms)
{
	struct timeval tv = { .tv_usec = 1000 * ms };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

/* Run the loop until we have no children. */
static bool all_collected(void)
{
	uint64_t deadline = clock_ms() + 20000;
	siginfo_t info;

	while (clock_ms() < deadline) {
		loop(10);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) &&
		    errno == ECHILD)
			return true;
	}
	return false;
}

static void start(int status)
{
	if (!fork())
		_exit(status);
}

START_TEST(children_are_collected)
{
	for (int i = 0; i < 5; i++)
		start(3);
	ck_assert(all_collected());
}
END_TEST

START_TEST(what_children_leave_behind_comes_to_us)
{
	if (!fork()) {
		for (int i = 0; i < 3; i++) {
			if (!fork()) {
				setsid();
				usleep(100000);
				_exit(0);
			}
		}
		_exit(0);
	}
	ck_assert(all_collected());
}
END_TEST

static void ask_in_thread(void *arg)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c",
			 (char *)"sleep 0.1; exit 5", NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err;

	spawn_capture(&what, 100, 5000, &out, arg, &err);
	buf_release(&out);
}

START_TEST(children_of_another_thread_are_left_to_it)
{
	int status = 0;
	struct task *t = task_start(ask_in_thread, &status);

	loop(400);
	task_join(t);
	ck_assert_int_eq(WEXITSTATUS(status), 5);
}
END_TEST

START_TEST(the_end_waits_for_those_that_end)
{
	uint64_t before = clock_ms();
	int fd[2];
	char c;

	ck_assert_int_eq(pipe(fd), 0);
	if (!fork()) {
		usleep(100000);
		_exit(0);
	}
	close(fd[1]);
	agent_reaper_end(reaper, 30000);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_uint_lt(clock_ms() - before, 20000);
	close(fd[0]);
}
END_TEST

START_TEST(the_end_waits_no_longer_than_told)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	agent_reaper_end(reaper, 50);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert(all_collected());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/reaper");
	TCase *t = tcase_create("reaper");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, children_are_collected);
	tcase_add_test(t, what_children_leave_behind_comes_to_us);
	tcase_add_test(t, children_of_another_thread_are_left_to_it);
	tcase_add_test(t, the_end_waits_for_those_that_end);
	tcase_add_test(t, the_end_waits_no_longer_than_told);
	suite_add_tcase(s, t);
	return suite_run(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base agent */
#include "agent/reaper.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/task.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct event_base *base;
static struct agent_reaper *reaper;
static unsigned ended;
static int last;

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

static void on_end(void *ctx, int status, const struct rusage *used)
{
	(void)used;
	ck_assert_ptr_eq(ctx, &ended);
	ended++;
	last = status;
}

static void loop(unsigned ms)
{
	struct timeval tv = { .tv_usec = 1000 * ms };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

static pid_t start(int status)
{
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		_exit(status);
	}
	setpgid(pid, pid);
	return pid;
}

START_TEST(each_end_is_told_once)
{
	for (int i = 0; i < 5; i++)
		agent_reaper_watch(reaper, start(3), on_end, &ended);
	loop(300);
	ck_assert_uint_eq(ended, 5);
	ck_assert_int_eq(WEXITSTATUS(last), 3);
}
END_TEST

START_TEST(children_that_nobody_watches_are_collected)
{
	start(0);
	loop(200);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
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

START_TEST(the_end_leaves_no_descendant)
{
	uint64_t before = clock_ms();
	int fd[2];
	char c;

	ck_assert_int_eq(pipe(fd), 0);
	if (!fork()) {
		for (int i = 0; i < 3; i++) {
			if (!fork())
				setsid();
		}
		pause();
	}
	close(fd[1]);
	poll(NULL, 0, 100);
	agent_reaper_end(reaper, 1000);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	ck_assert_uint_lt(clock_ms() - before, 900);
	close(fd[0]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/reaper");
	TCase *t = tcase_create("reaper");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, each_end_is_told_once);
	tcase_add_test(t, children_that_nobody_watches_are_collected);
	tcase_add_test(t, children_of_another_thread_are_left_to_it);
	tcase_add_test(t, the_end_leaves_no_descendant);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

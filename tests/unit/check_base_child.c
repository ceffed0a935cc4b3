/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "base/child.h"

#include "base/clock.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct event_base *base;
static struct children *all;
static int ended, last_status;

static void setup(void)
{
	base = event_base_new();
	all = children_new(base);
	ended = 0;
}

static void teardown(void)
{
	children_free(all);
	event_base_free(base);
}

static void on_exit_status(void *ctx, int wait_status, uint64_t cpu_ms)
{
	ck_assert_ptr_eq(ctx, &ended);
	ck_assert_uint_lt(cpu_ms, 5000);
	ended++;
	last_status = wait_status;
}

static struct child *start(const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct child *child;
	struct err err;

	ck_assert_int_eq(
		child_start(all, &what, on_exit_status, &ended, &child, &err),
		0);
	return child;
}

/* Turn the loop until `n` have ended or three seconds are over. */
static void turn(int n)
{
	uint64_t end = clock_ms() + 3000;

	while (ended < n && clock_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

START_TEST(the_status_of_each_child_is_reported_once)
{
	start("exit 3");
	turn(1);
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(WEXITSTATUS(last_status), 3);
	for (int i = 0; i < 20; i++)
		start("exit 0");
	turn(21);
	ck_assert_int_eq(ended, 21);
}
END_TEST

START_TEST(a_killed_child_is_not_reported_but_reaped)
{
	/* As in a build: the sleep becomes ours when its shell is killed. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	child_kill(start("sleep 100 & wait"));
	children_wait(all, 2000);
	turn(0);
	ck_assert_int_eq(ended, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(waiting_ends_with_its_time)
{
	uint64_t began = clock_ms();

	start("sleep 100");
	children_wait(all, 100);
	ck_assert_uint_ge(clock_ms() - began, 100);
	ck_assert_uint_lt(clock_ms() - began, 2000);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error_with_its_name)
{
	char *argv[] = { "/nonexistent/cc", NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct child *child;
	struct err err;

	ck_assert_int_eq(
		child_start(all, &what, on_exit_status, &ended, &child, &err),
		-ENOENT);
	ck_assert_str_eq(err.text, "start /nonexistent/cc: No such file or "
				   "directory");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/child");
	TCase *tc = tcase_create("child");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_status_of_each_child_is_reported_once);
	tcase_add_test(tc, a_killed_child_is_not_reported_but_reaped);
	tcase_add_test(tc, waiting_ends_with_its_time);
	tcase_add_test(tc,
		       a_program_that_is_not_there_is_an_error_with_its_name);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

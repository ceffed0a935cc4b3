/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base wire agent */
#include "agent/run.h"

#include "agent/reaper.h"
#include "base/clock.h"
#include "base/str.h"
#include "wire/msg.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct event_base *base;
static struct agent_reaper *reaper;
static struct agent_run *run;
static unsigned done;

static void set_up(void)
{
	base = event_base_new();
	reaper = agent_reaper_new(base);
	done = 0;
}

static void tear_down(void)
{
	if (run)
		agent_run_free(run);
	run = NULL;
	agent_reaper_end(reaper, 500);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	agent_reaper_free(reaper);
	event_base_free(base);
}

static void on_done(void *ctx)
{
	(void)ctx;
	done++;
	event_base_loopbreak(base);
}

static int start(const char *script, unsigned deadline_ms, struct err *err)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)script,
			 NULL };
	char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	struct agent_run_plan plan = {
		.argv = argv,
		.env = env,
		.dir = "/tmp",
		.deadline_ms = deadline_ms,
		.done = on_done,
	};

	return agent_run_start(&run, base, reaper, &plan, err);
}

/* To its end, which comes within `ms`. */
static void finish(const char *script, unsigned deadline_ms, unsigned ms)
{
	uint64_t before = clock_ms();
	struct err err;

	ck_assert_int_eq(start(script, deadline_ms, &err), 0);
	event_base_dispatch(base);
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_lt(clock_ms() - before, ms);
	ck_assert_int_eq(run->pid, 0);
}

START_TEST(what_it_says_and_how_it_ends_is_kept)
{
	finish("echo one; echo two >&2; echo three; exit 3", 9000, 3000);
	ck_assert_int_eq(run->end, AGENT_RUN_ITSELF);
	ck_assert_int_eq(WEXITSTATUS(run->status), 3);
	ck_assert_str_eq(buf_str(&run->said[0]), "one\nthree\n");
	ck_assert_str_eq(buf_str(&run->said[1]), "two\n");
}
END_TEST

START_TEST(cpu_time_and_memory_are_measured)
{
	finish("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done", 9000, 9000);
	ck_assert_uint_gt(run->cpu_ms, 10);
	ck_assert_uint_gt(run->peak_kib, 100);
	ck_assert_uint_ge(run->wall_ms + 20, run->cpu_ms);
	ck_assert_uint_eq(agent_run_cpu_ms(run), run->cpu_ms);
}
END_TEST

START_TEST(a_signal_shows_in_the_status)
{
	finish("kill -9 $$", 9000, 3000);
	ck_assert_int_eq(run->end, AGENT_RUN_ITSELF);
	ck_assert(WIFSIGNALED(run->status));
}
END_TEST

START_TEST(the_deadline_ends_all_of_it)
{
	finish("sleep 60 & sleep 60", 200, 2000);
	ck_assert_int_eq(run->end, AGENT_RUN_DEADLINE);
}
END_TEST

START_TEST(talking_without_end_ends_it)
{
	finish("yes >&2", 20000, 20000);
	ck_assert_int_eq(run->end, AGENT_RUN_TALKED);
	ck_assert_uint_le(run->said[1].len, WIRE_DIAG_MAX);
}
END_TEST

START_TEST(what_it_leaves_behind_is_killed)
{
	finish("sleep 60 & exit 0", 9000, 2000);
	ck_assert_int_eq(run->end, AGENT_RUN_ITSELF);
	ck_assert_int_eq(run->status, 0);
}
END_TEST

START_TEST(one_that_escapes_with_the_pipes_is_not_waited_for)
{
	finish("setsid sleep 60 & sleep 0.2; exit 0", 9000, 4000);
	ck_assert_int_eq(run->status, 0);
}
END_TEST

START_TEST(it_can_be_killed)
{
	struct err err;

	ck_assert_int_eq(start("sleep 60", 60000, &err), 0);
	agent_run_kill(run);
	agent_run_kill(run);
	ck_assert_uint_eq(done, 0); /* never from within a call */
	event_base_dispatch(base);
	ck_assert_uint_eq(done, 1);
	ck_assert_int_eq(run->end, AGENT_RUN_KILLED);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error)
{
	char *argv[] = { (char *)"/nonexistent/gcc", NULL };
	char *env[] = { NULL };
	struct agent_run_plan plan = {
		.argv = argv, .env = env, .dir = "/tmp", .deadline_ms = 1000
	};
	struct err err = { 0 };

	ck_assert_int_eq(agent_run_start(&run, base, reaper, &plan, &err),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/gcc"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/run");
	TCase *t = tcase_create("run");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, what_it_says_and_how_it_ends_is_kept);
	tcase_add_test(t, cpu_time_and_memory_are_measured);
	tcase_add_test(t, a_signal_shows_in_the_status);
	tcase_add_test(t, the_deadline_ends_all_of_it);
	tcase_add_test(t, talking_without_end_ends_it);
	tcase_add_test(t, what_it_leaves_behind_is_killed);
	tcase_add_test(t, one_that_escapes_with_the_pipes_is_not_waited_for);
	tcase_add_test(t, it_can_be_killed);
	tcase_add_test(t, a_program_that_is_not_there_is_an_error);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

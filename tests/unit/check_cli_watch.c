/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
#include "cli/watch.h"

#include "../lib/tempdir.h"
#include "base/fs.h"
#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[TEMPDIR_SIZE];
static int old_stderr;
static struct watch *w;
static const struct kernel_hooks *h;

static void set_up(void)
{
	char *path;
	int fd;

	tempdir_make(dir);
	path = xasprintf("%s/stderr", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	old_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	free(path);
}

static void tear_down(void)
{
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	tempdir_remove(dir);
}

static void begin(enum watch_mode mode, const char *json)
{
	struct watch_setup setup = { .mode = mode,
				     .json = json,
				     .tree = "/src/linux" };
	struct err err = { 0 };

	ck_assert_msg(!watch_new(&w, &setup, &err), "%s", err.text);
	h = watch_hooks(w);
}

static char *get(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf text = { 0 };
	struct err err = { 0 };

	ck_assert_msg(!fs_read(path, 1 << 24, &text, &err), "%s", err.text);
	free(path);
	return buf_steal(&text);
}

/* End it; what it wrote on stderr has to be `want`. */
static void expect(const char *want)
{
	char *text;

	watch_free(w);
	text = get("stderr");
	ck_assert_str_eq(text, want);
	free(text);
}

static void job(uint32_t number, enum event_job_state state, const char *node)
{
	struct coord_event ev = { .kind = EVENT_JOB,
				  .at_ms = 9000,
				  .job = number,
				  .state = state,
				  .file = "/src/linux/kernel/a.c",
				  .node = node,
				  .reason = ".incbin",
				  .remote = node && strcmp(node, "local") };

	h->sink(h->ctx, &ev);
}

static void node(const char *name, const char *state, const char *reason)
{
	struct coord_event ev = { .kind = EVENT_NODE,
				  .node = name,
				  .text = state,
				  .reason = reason };

	h->sink(h->ctx, &ev);
}

static void diag(const char *text, long severity)
{
	struct coord_event ev = { .kind = EVENT_DIAG,
				  .text = text,
				  .n = severity };

	h->sink(h->ctx, &ev);
}

static void tick(uint64_t ms)
{
	struct kernel_figures now = { .at_ms = ms, .warnings = 1, .errors = 2 };

	h->tick(h->ctx, &now);
}

START_TEST(jobs_are_counted_by_their_last_state)
{
	begin(WATCH_PLAIN, NULL);
	node("a", "up", NULL);
	for (uint32_t i = 1; i <= 5; i++)
		job(i, EVENT_QUEUED, NULL);
	job(1, EVENT_RUN, "a");
	job(1, EVENT_RECEIVE, "a");
	job(1, EVENT_JOB_DONE, "a");
	job(2, EVENT_RUN, "a");
	job(3, EVENT_RUN, "local");
	job(3, EVENT_JOB_DONE, "local");
	job(4, EVENT_SCAN, NULL);
	tick(10000);
	expect("[   10s] start: 2 jobs, 1 remote, 1 local, 2 running, 1 queued, "
	       "nodes 1/1, warnings 1, errors 2, kernel/a.c\n");
}
END_TEST

START_TEST(a_job_that_goes_back_to_the_queue_is_counted_once)
{
	begin(WATCH_PLAIN, NULL);
	node("a", "connecting", NULL);
	node("b", "connecting", NULL);
	job(7, EVENT_QUEUED, NULL);
	job(7, EVENT_RUN, "a");
	job(7, EVENT_QUEUED, NULL);
	job(7, EVENT_RUN, "b");
	job(7, EVENT_JOB_DONE, "b");
	job(7, EVENT_RUN, "a"); /* too late: it is done */
	tick(10000);
	expect("[   10s] start: 1 jobs, 1 remote, 0 local, 0 running, "
	       "nodes 0/2, warnings 1, errors 2, kernel/a.c\n");
}
END_TEST

START_TEST(nodes_that_change_are_told)
{
	begin(WATCH_PLAIN, NULL);
	node("a", "connecting", NULL);
	node("a", "up", NULL);
	node("b", "down", "no route to host");
	node("a", "down", "it went away");
	node("a", "up", NULL);
	expect("[    0s] node b: down: no route to host\n"
	       "[    0s] node a: down: it went away\n"
	       "[    0s] node a: up\n");
}
END_TEST

START_TEST(a_node_that_stays_down_is_told_once)
{
	begin(WATCH_PLAIN, NULL);
	for (int i = 0; i < 4; i++) {
		node("a", "connecting", NULL);
		node("a", "down", "no route to host");
		node("b", "down", "no route to host");
	}
	node("a", "down", "timed out");
	node("a", "up", NULL);
	node("a", "down", "timed out");
	node("a", "resting", "wrong object");
	expect("[    0s] node a: down: no route to host\n"
	       "[    0s] node b: down: no route to host\n"
	       "[    0s] node a: down: timed out\n"
	       "[    0s] node a: up\n"
	       "[    0s] node a: down: timed out\n"
	       "[    0s] node a: resting, no jobs until it has shown a right "
	       "answer: wrong object\n");
}
END_TEST

START_TEST(diagnostics_come_whole)
{
	begin(WATCH_PLAIN, NULL);
	diag("a.c:1: warning: x\n  1 | y\n", EVENT_WARNING);
	diag("a.c:2: error: z\n", EVENT_ERROR);
	expect("a.c:1: warning: x\n  1 | y\na.c:2: error: z\n");
}
END_TEST

START_TEST(quiet_shows_errors_alone)
{
	begin(WATCH_QUIET, NULL);
	h->note(h->ctx, "a note");
	diag("a.c:1: warning: x\n", EVENT_WARNING);
	diag("a.c:2: error: z\n", EVENT_ERROR);
	node("a", "down", "gone");
	tick(100000);
	expect("a.c:2: error: z\n");
}
END_TEST

START_TEST(none_shows_nothing)
{
	begin(WATCH_NONE, NULL);
	h->note(h->ctx, "a note");
	diag("a.c:2: error: z\n", EVENT_ERROR);
	tick(100000);
	ck_assert_ptr_null(h->line);
	expect("");
}
END_TEST

START_TEST(verbose_shows_the_log_and_no_block_twice)
{
	begin(WATCH_VERBOSE, NULL);
	h->line(h->ctx, "  CC      a.o");
	h->line(h->ctx, "a.c:2: error: z");
	diag("a.c:2: error: z\n", EVENT_ERROR);
	h->note(h->ctx, "a note");
	tick(100000);
	expect("  CC      a.o\na.c:2: error: z\n[    0s] a note\n");
}
END_TEST

START_TEST(a_farm_that_does_nothing_is_told_once)
{
	begin(WATCH_PLAIN, NULL);
	node("a", "up", NULL);
	for (uint32_t i = 1; i <= 1000; i++)
		job(i, EVENT_JOB_DONE, i % 4 ? "a" : "local");
	expect("[    9s] 50 of the last 200 jobs were compiled locally; this "
	       "one because of: .incbin\n");
}
END_TEST

START_TEST(events_are_written_as_json_lines)
{
	char *path = xasprintf("%s/events", dir), *text;
	unsigned lines = 0;

	begin(WATCH_NONE, path);
	job(1, EVENT_QUEUED, NULL);
	job(1, EVENT_JOB_DONE, "a");
	diag("a\nb", EVENT_ERROR);
	watch_free(w);
	text = get("events");
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 3);
	ck_assert(str_starts(text, "{\"t\":9.0,\"event\":\"job\""));
	free(text);
	free(path);
}
END_TEST

START_TEST(a_json_file_that_cannot_be_is_an_error)
{
	struct watch_setup setup = { .json = "/nonexistent/x" };
	struct err err = { 0 };

	ck_assert_int_lt(watch_new(&w, &setup, &err), 0);
	ck_assert(str_starts(err.text, "--json /nonexistent/x"));
}
END_TEST

START_TEST(a_json_reader_that_is_full_ends_no_build)
{
	begin(WATCH_NONE, "/dev/full");
	job(1, EVENT_QUEUED, NULL);
	job(1, EVENT_RUN, "a");
	expect("");
}
END_TEST

START_TEST(odd_numbers_and_names_do_no_harm)
{
	char long_name[5000];

	memset(long_name, '\n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	begin(WATCH_PLAIN, NULL);
	job(0xffffffff, EVENT_QUEUED, NULL);
	job(0xffffffff, EVENT_JOB_DONE, long_name);
	job(0, EVENT_RUN, long_name);
	node(long_name, long_name, NULL);
	watch_free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cli/watch");
	TCase *tc = tcase_create("watch");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, jobs_are_counted_by_their_last_state);
	tcase_add_test(tc, a_job_that_goes_back_to_the_queue_is_counted_once);
	tcase_add_test(tc, nodes_that_change_are_told);
	tcase_add_test(tc, a_node_that_stays_down_is_told_once);
	tcase_add_test(tc, diagnostics_come_whole);
	tcase_add_test(tc, quiet_shows_errors_alone);
	tcase_add_test(tc, none_shows_nothing);
	tcase_add_test(tc, verbose_shows_the_log_and_no_block_twice);
	tcase_add_test(tc, a_farm_that_does_nothing_is_told_once);
	tcase_add_test(tc, events_are_written_as_json_lines);
	tcase_add_test(tc, a_json_file_that_cannot_be_is_an_error);
	tcase_add_test(tc, a_json_reader_that_is_full_ends_no_build);
	tcase_add_test(tc, odd_numbers_and_names_do_no_harm);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Programs that fail on scripted nodes but not on the build host. */
#include "../lib/test.h"
#include "base/log.h"
#include "cache/cache.h"
#include "coord-fixture.h"
#include "sched/sched.h"

static struct wire_cc_step asked;
static struct strv disabled, lines; /* events; log lines */
static char *last_reason; /* of a finished job */

static void on_event(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_DISABLED)
		strv_addf(&disabled, "%s %s %d %s", ev->tool,
			  ev->node ? ev->node : "-", (int)ev->n_failed,
			  ev->text);
	if (ev->kind != EVENTS_KIND_JOB || ev->state != EVENTS_JOB_DONE)
		return;
	free(last_reason);
	last_reason = ev->reason ? xstrdup(ev->reason) : NULL;
}

static struct events_subscriber listener = { .on_event = on_event };

static void on_line(void *ctx, const char *line)
{
	(void)ctx;
	strv_add(&lines, line);
}

static void set_up_failures(void)
{
	setup();
	events_hub_subscribe(hub, &listener);
	log_set_sink(on_line, NULL);
	asked = (struct wire_cc_step){ .kind = WIRE_STEP_OBJECT,
				       .program = (char *)"/usr/bin/true" };
}

static void tear_down_failures(void)
{
	log_set_sink(NULL, NULL);
	strv_release(&disabled);
	strv_release(&lines);
	free(last_reason);
	last_reason = NULL;
	step = NULL;
	teardown();
}

FIXTURE(set_up_failures, tear_down_failures);
TIMEOUT(300);

/*
 * Compile a unit, and make its object as the wrapper does if the coordinator
 * demands it and the source is correct.
 */
static void compile_unit(bool correct)
{
	if (wrapper)
		forget_answer();
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert(answered());
	if (local_why && correct)
		write_file("unit.o", "an object");
	forget_answer();
}

static void expect_line(const char *want)
{
	for (size_t i = 0; i < lines.n; i++) {
		if (strstr(lines.v[i], want))
			return;
	}
	ck_abort_msg("missing: %s", want);
}

TEST(a_compiler_that_fails_only_on_the_node_is_disabled)
{
	play_node(0, COMPLAINING);
	start();
	wait_for_cells();
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(disabled.n, 0);
		compile_unit(true);
		ck_assert_str_eq(last_reason, "compile failed on the node");
	}
	ck_assert_uint_eq(disabled.n, 1);
	ck_assert_str_eq(disabled.v[0], "gcc node0 3 bad");
	ck_assert_uint_eq(lines.n, 2);
	expect_line("node node0: gcc failed for unit.c, but not on the build "
		    "host: bad");
	expect_line("disabled: gcc on node node0 after 3 failures");
	compile_unit(true);
	ck_assert_str_eq(last_reason, "compiler disabled on nodes");
	ck_assert_uint_eq(nodes[0].jobs, 3);
	ck_assert_uint_eq(tally.n_disabled, 1);
}

TEST(an_error_in_the_source_disables_nothing)
{
	play_node(0, COMPLAINING);
	start();
	wait_for_cells();
	write_file("unit.o", "the object of an earlier build");
	for (int i = 0; i < 5; i++) {
		compile_unit(false);
		ck_assert_str_eq(last_reason, "compile error");
	}
	ck_assert_uint_eq(nodes[0].jobs, 5);
	ck_assert_uint_eq(disabled.n, 0);
	ck_assert_uint_eq(lines.n, 0);
}

TEST(a_compiler_that_fails_on_one_node_continues_on_the_other)
{
	play_node(0, COMPLAINING);
	play_node(1, HONEST);
	start();
	wait_for_cells();
	for (int i = 0; i < 8; i++)
		compile_unit(true);
	ck_assert_uint_le(nodes[0].jobs, 3);
	ck_assert_uint_eq(nodes[0].jobs + nodes[1].jobs, 8);
	ck_assert_uint_eq(stats()->n_local, nodes[0].jobs);
}

static bool is_object_step_off(void)
{
	return !(steps_wanted & SCHED_STEP_OBJECT);
}

/* Let the tool fail on the node three times. */
static void fail_tool(void)
{
	step = &asked;
	for (int i = 0; i < 3; i++) {
		compile(NULL);
		turn_until(answered, 60000);
		/* The coordinator has executed the compile and the step. */
		ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
		forget_answer();
		ck_assert_str_eq(last_reason, "objtool failed on the node");
	}
	turn_until(is_object_step_off, 60000);
}

TEST(a_tool_that_fails_only_on_the_node_is_disabled)
{
	play_node(0, TOOL_FAILS);
	start();
	wait_for_cells();
	fail_tool();
	ck_assert_int_eq(steps_wanted,
			 SCHED_STEP_SYMBOLS | SCHED_STEP_DEVICETREE);
	ck_assert_int_eq(steps_disabled, SCHED_STEP_OBJECT);
	ck_assert_uint_eq(disabled.n, 1);
	ck_assert_str_eq(disabled.v[0],
			 "objtool node0 3 error: cannot read \\x1b[2J");
	ck_assert_uint_eq(lines.n, 2);
	expect_line("objtool failed for unit.c, but not on the build host: "
		    "error: cannot read \\x1b[2J");
	/* A shell that has not read the new state still requests the step. */
	compile_unit(true);
	ck_assert_str_eq(last_reason, "tool step disabled on nodes");
	/* The compile alone continues on the node. */
	step = NULL;
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 4);
}

/* The coordinator has the results of the steps that failed on the node. */
TEST(a_result_of_a_failed_step_is_cached)
{
	struct cache_setup place = { .dir = at("cache") };
	struct err err;

	must(cache_open(&results, &place, &err));
	play_node(0, TOOL_FAILS);
	start();
	wait_for_cells();
	step = &asked;
	compile_unit(true);
	ck_assert_str_eq(last_reason, "objtool failed on the node");
	compile_unit(true);
	ck_assert_ptr_null(last_reason);
	ck_assert_uint_eq(nodes[0].jobs, 1);
	ck_assert_uint_eq(stats()->n_cached, 1);
	free((char *)place.dir);
}

/* Without a result, the failure is not known to concern only the node. */
TEST(a_tool_that_fails_on_the_build_host_too_is_not_disabled)
{
	asked.program = (char *)"/usr/bin/false";
	play_node(0, TOOL_FAILS);
	start();
	wait_for_cells();
	step = &asked;
	for (int i = 0; i < 4; i++) {
		compile_unit(true);
		ck_assert_str_eq(last_reason, "objtool failed on the node");
	}
	ck_assert_uint_eq(nodes[0].jobs, 4);
	ck_assert_uint_eq(disabled.n, 0);
}

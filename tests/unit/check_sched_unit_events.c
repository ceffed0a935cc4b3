/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "sched/sched.h"

#include "../lib/test.h"
#include "sched-fixture.h"

static struct sched *s;

static void teardown(void)
{
	sched_free(s);
	s = NULL;
}

/* --------------------------------------------------------- rejected jobs */

struct fail {
	const char *class, *actions, *twice;
};

static const struct fail fails[] = {
	{ "unsupported", "compile 1 OPTION_REFUSED", NULL },
	{ "void", "compile 1 RESULT_VOID", NULL },
	{ "input", "scan 1", "compile 1 INPUT_MISSING" },
	{ "toolchain", "send 1 b", "compile 1 NO_TOOLCHAIN" },
	{ "busy", "send 1 b", "compile 1 NODES_BUSY" },
	{ "deadline", "send 1 b", "compile 1 NODE_SLOW" },
	{ "node", "node a resting: out of disk; send 1 b",
	  "node b resting: out of disk; compile 1 NODES_FAILED" },
};

FIXTURE(NULL, teardown);

TEST_EACH(a_failure_leads_to_another_node_or_here, fails)
{
	char *first = xasprintf("fail 1 a %s", row->class);
	char *second = xasprintf("scanned 1; fail 1 a %s", row->class);
	char *third = xasprintf("fail 1 b %s", row->class);

	s = story("node a up 2 slots; node b up 2 slots; unit 1; scanned 1");
	ck_assert_play(s, first, row->actions);
	if (!strcmp(row->class, "input"))
		ck_assert_play(s, second, row->twice);
	else if (row->twice)
		ck_assert_play(s, third, row->twice);
	free(first);
	free(second);
	free(third);
}

TEST(three_nodes_are_tried_at_most)
{
	s = play_farm(4, 1,
		      "node a up 1 slots; node b up 1 slots; "
		      "node c up 1 slots; node d up 1 slots; unit 1; "
		      "scanned 1; fail 1 a busy; fail 1 b busy; fail 1 c busy");
	ck_assert_actions(s, "compile 1 NODES_BUSY");
	play(s, "left 1");
	ck_assert_uint_eq(play_last.n_retries, 2);
}

TEST(a_unit_waits_for_a_node_that_it_did_not_have)
{
	s = play_farm(2, 2,
		      "node a up 1 slots; node b up 1 slots; unit 1; unit 2; "
		      "unit 3; scanned 1; scanned 2; fail 1 a busy");
	ck_assert_actions(s, "");
	ck_assert_play(s, "scanned 3", "send 3 a");
	ck_assert_play(s, "fail 3 a busy", "");
	ck_assert_play(s, "answer 2 b", "examine 2; send 1 b");
	ck_assert_play(s, "lost b",
		       "node b down: connection closed; "
		       "compile 1 NODE_LOST; compile 3 NODES_BUSY");
}

TEST(a_send_that_fails_is_undone)
{
	s = story("node a up 2 slots; node b up 2 slots; unit 1; scanned 1");
	/* No other job runs there: reconnect at once, but do not dial again. */
	ck_assert_play(s, "unsent 1 a MANY_NAMES", "renew a; send 1 b");
	ck_assert_play(s, "999 ms", "");
	ck_assert_play(s, "1 ms", "dial a");
	ck_assert_play(s, "unsent 1 b MANY_OPTIONS", "compile 1 MANY_OPTIONS");
	ck_assert_play(s, "unsent 1 b MANY_OPTIONS", "");
}

TEST(inputs_are_looked_for_again_when_a_cell_is_spoiled)
{
	s = play_farm(1, 1,
		      "node a up 2 slots; unit 1; scanned 1; cell a 0 spoiled");
	ck_assert_actions(s, "cancel 1 a; compile 1 NO_TOOLCHAIN");
	sched_free(s);
	s = story("node a up 2 slots; unit 1; scanned 1; cell a 0 spoiled");
	ck_assert_actions(s, "cancel 1 a; scan 1");
	ck_assert_play(s, "cell a 0 asked; scanned 1", "");
	ck_assert_play(s, "cell a 0 ready", "send 1 a");
}

TEST(inputs_that_keep_changing_are_local)
{
	s = story("node a up 2 slots; toolchain 1 ready; cell a 1 ready; "
		  "unit 1; unit 2 tc 1; scanned 1; scanned 2; answer 1 a; "
		  "examined 1 changed");
	ck_assert_actions(s, "scan 1");
	ck_assert_play(s, "scanned 1; answer 1 a; examined 1 changed",
		       "scan 1");
	/* The other unit uses another sandbox. */
	ck_assert_play(s, "scanned 1; cell a 0 spoiled",
		       "cancel 1 a; compile 1 INPUTS_CHANGE");
	ck_assert_play(s, "answer 2 a", "examine 2");
}

TEST(the_units_of_a_lost_node_go_elsewhere)
{
	s = story("node a up 2 slots; node b up 2 slots; unit 1; unit 2; "
		  "unit 3; scanned 1; scanned 2; scanned 3; lost a");
	ck_assert_actions(s, "node a down: connection closed; send 1 b");
	ck_assert_play(s, "answer 2 b", "examine 2; send 3 b");
	ck_assert_play(s,
		       "lost a; answer 1 a; beat 1 a 10; output 1 a; "
		       "fail 1 a busy",
		       "");
}

FIXTURE(NULL, teardown);

/* -------------------------------------------------------------- results */

TEST(a_wrong_answer_is_a_fault_and_goes_elsewhere)
{
	s = story("node a up 2 slots; node b up 2 slots; unit 1; scanned 1; "
		  "answer 1 a; examined 1 wrong");
	ck_assert_actions(s, "node a resting: wrong result: no ELF; send 1 b");
	ck_assert_play(s, "answer 1 b; examined 1 wrong",
		       "node b resting: wrong result: no ELF; "
		       "compile 1 WRONG_ANSWERS");
}

TEST(an_answer_may_be_of_no_use)
{
	s = story("node a up 2 slots; unit 1; scanned 1; answer 1 a");
	ck_assert_play(s, "examined 1 local COMPILE_ERROR",
		       "compile 1 COMPILE_ERROR");
}

TEST(answers_are_held_until_the_toolchain_is_known)
{
	s = play_farm(1, 1,
		      "node a up 4 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; answer 1 a; answer 2 a; "
		      "answer 3 a; toolchain 0 touched; examined 2 good; "
		      "examined 1 wrong; examined 3 good");
	ck_assert_actions(s, "");
	ck_assert_play(s, "left 3", "");
	ck_assert_play(s, "toolchain 0 ready",
		       "node a resting: wrong result: no ELF; deliver 2; "
		       "compile 1 WRONG_ANSWERS");
}

TEST(answers_of_a_bad_toolchain_are_not_used)
{
	s = story("node a up 4 slots; unit 1; scanned 1; unit 2; scanned 2; "
		  "answer 1 a; answer 2 a; toolchain 0 touched; "
		  "examined 1 good; toolchain 0 bad COMPILER_CHANGED");
	ck_assert_actions(s, "compile 1 COMPILER_CHANGED");
	ck_assert_play(s, "examined 2 wrong; left 1",
		       "done 1 COMPILER_CHANGED; compile 2 COMPILER_CHANGED");
}

FIXTURE(NULL, teardown);

/* ------------------------------------------------------------------ hedges */

TEST(late_answer_of_a_cancelled_job_changes_nothing)
{
	s = story("node a up 2 slots; unit 1; scanned 1; beat 1 a 20; 5 s");
	ck_assert_actions(s, "");
	ck_assert_play(s, "1 s", "hedge 1");
	ck_assert_play(
		s, "hedged 1 good",
		"cancel 1 a; deliver 1; node a resting: x.c finished sooner on "
		"the build host: jobs get 0 % of a core");
	ck_assert_uint_eq(play_last.node, SCHED_LOCAL);
	ck_assert_int_eq(play_last.reason, REASON_NODE_SLOW);
	ck_assert_play(s, "answer 1 a", "");
}

TEST(progress_and_output_put_a_hedge_off)
{
	s = story("node a up 2 slots; unit 1; scanned 1; beat 1 a 20; 4 s; "
		  "beat 1 a 30; 4 s");
	ck_assert_actions(s, "");
	/* The same output or less CPU time is no progress. */
	ck_assert_play(s, "output 1 a; beat 1 a 30; 1 s; beat 1 a 20; 1 s", "");
	ck_assert_play(s, "1 s", "hedge 1");
}

TEST(a_node_that_never_began_gets_a_fault)
{
	s = story("node a up 2 slots; unit 1; scanned 1; 10 s");
	ck_assert_actions(s, "");
	ck_assert_play(s, "1 s; hedged 1 good",
		       "cancel 1 a; deliver 1; "
		       "node a resting: x.c finished sooner on the build host");
}

TEST(the_first_result_wins)
{
	s = story("node a up 2 slots; unit 1; scanned 1; 11 s");
	ck_assert_play(s, "answer 1 a", "stop-hedge 1; examine 1");
	/* Its slot is free again. */
	ck_assert_play(s, "unit 2 local CPATH", "compile 2 CPATH");
	/* A failed job waits for the hedge or for another node. */
	ck_assert_play(s, "left 2; unit 3; scanned 3; 11 s", "hedge 3");
	ck_assert_play(s, "fail 3 a busy", "");
	ck_assert_play(s, "hedged 3 NODE_SLOW", "compile 3 NODE_SLOW");
}

TEST(a_hedge_goes_on_while_its_unit_goes_elsewhere)
{
	s = story("node a up 2 slots; node b up 1 slots; unit 1; scanned 1; "
		  "11 s; fail 1 a busy");
	ck_assert_actions(s, "send 1 b");
	ck_assert_play(s, "fail 1 b unsupported",
		       "stop-hedge 1; compile 1 OPTION_REFUSED");
}

TEST(a_hedge_that_ends_during_another_scan_is_used)
{
	s = story("node a up 2 slots; unit 1; scanned 1; 11 s; "
		  "fail 1 a input");
	ck_assert_actions(s, "scan 1");
	ck_assert_play(s, "hedged 1 good", "deliver 1");
	ck_assert_play(s, "scanned 1", "");
	ck_assert_play(s, "left 1", "");
}

TEST(a_hedge_that_fails_during_another_scan_is_not)
{
	s = story("node a up 2 slots; unit 1; scanned 1; 11 s; "
		  "fail 1 a input; hedged 1 TERMINAL");
	ck_assert_actions(s, "compile 1 TERMINAL");
	ck_assert_play(s, "left 1", "done 1 TERMINAL");
	ck_assert_play(s, "scanned 1", "");
	ck_assert_play(s,
		       "unit 2; scanned 2; 11 s; unit 3 local CPATH; "
		       "fail 2 a input; hedged 2 TERMINAL",
		       "compile 2 TERMINAL");
	ck_assert_play(s, "scanned 2; left 2",
		       "done 2 TERMINAL; compile 3 CPATH");
}

TEST(a_hedge_that_did_not_start_is_tried_again)
{
	s = story("node a up 2 slots; unit 1; scanned 1; 11 s; unhedged 1");
	ck_assert_actions(s, "");
	ck_assert_play(s, "1 s", "hedge 1");
	ck_assert_play(s,
		       "answer 1 a; unhedged 1; left 1; unhedged 1; unhedged 9",
		       "");
}

TEST(one_hedge_is_enough)
{
	s = play_farm(1, 2, "node a up 2 slots; unit 1; scanned 1; 11 s");
	ck_assert_actions(s, "hedge 1");
	ck_assert_play(s, "20 s", "");
}

TEST(a_hedge_waits_for_a_slot_that_nobody_wants)
{
	s = story("node a up 2 slots; unit 1; scanned 1; unit 2 local CPATH; "
		  "unit 3 local CPATH; 11 s");
	ck_assert_actions(s, "");
	ck_assert_play(s, "left 2", "done 2 CPATH; compile 3 CPATH");
	ck_assert_play(s, "left 3; 1 s", "hedge 1");
}

TEST(one_that_waits_for_a_second_node_is_hedged_too)
{
	s = story("node a up 1 slots; node b up 1 slots; slots b 1 1; unit 1; "
		  "scanned 1; fail 1 a busy; 11 s");
	ck_assert_actions(s, "hedge 1");
	ck_assert_play(s, "hedged 1 good", "deliver 1");
}

TEST(what_must_not_be_hedged_stays_with_a_node_that_goes_on)
{
	s = story("node a up 2 slots; unit 1 exclusive 1; scanned 1; "
		  "beat 1 a 20; 4 s; beat 1 a 30; 4 s; beat 1 a 40; 4 s");
	ck_assert_actions(s, "");
	ck_assert_play(s, "answer 1 a 50", "examine 1");
	ck_assert_play(s, "examined 1 good", "deliver 1");
}

/* Events of a unit that must not be hedged, and the actions. */
static const struct instead {
	const char *events, *actions;
} instead[] = {
	{ "beat 1 a 20; 6 s",
	  "cancel 1 a; node a resting: a job made no progress: jobs get "
	  "0 % of a core; compile 1 NODE_SLOW" },
	{ "10 s", "" },
	{ "11 s", "cancel 1 a; node a resting: a job made no progress; "
		  "compile 1 NODE_SLOW" },
	{ "node b up 1 slots; slots b 1 1; fail 1 a busy; 11 s",
	  "compile 1 NODE_SLOW" },
	{ "unit 2 local CPATH; 20 s", "" },
	{ "unit 2 local CPATH; 20 s; left 2; 1 s",
	  "cancel 1 a; node a resting: a job made no progress; "
	  "compile 1 NODE_SLOW" },
};

TEST_EACH(what_must_not_be_hedged_is_compiled_here_instead, instead)
{
	s = story("node a up 1 slots; unit 1 exclusive 1; scanned 1");
	ck_assert_play(s, row->events, row->actions);
	if (*row->actions)
		ck_assert_play(s, "answer 1 a; left 1", "done 1 NODE_SLOW");
}

FIXTURE(NULL, teardown);

/*
 * ---------------------------------------------------------------- tool steps
 */

TEST(a_unit_with_steps_goes_where_they_are_taken)
{
	s = story("node a up 9 slots; node b up 1 slots; cell b 0 ready steps; "
		  "unit 1; scanned 1");
	ck_assert_actions(s, "send 1 a");
	ck_assert_play(s, "unit 2 steps 1; scanned 2", "send 2 b");
	/* Unit 3 waits for that node, and others overtake it. */
	ck_assert_play(s, "unit 3 steps 1; scanned 3", "");
	ck_assert_play(s, "unit 4; scanned 4", "send 4 a");
	ck_assert_play(s, "answer 2 b", "examine 2; send 3 b");
}

/* Events of the only node that supports steps, and the actions. */
static const struct instead without_steps[] = {
	{ "lost b", "node b down: connection closed; compile 1 NODE_LOST; "
		    "compile 2 NO_STEPS" },
	{ "cell b 0 ready", "compile 2 NO_STEPS" },
	{ "fail 1 b busy", "send 2 b; compile 1 NODES_BUSY" },
	{ "fail 1 b unsupported", "send 2 b; compile 1 OPTION_REFUSED" },
};

TEST_EACH(without_a_node_for_steps_they_are_done_here, without_steps)
{
	s = play_farm(2, 9,
		      "node a up 9 slots; node b up 1 slots; "
		      "cell b 0 ready steps; unit 1 steps 1; scanned 1; "
		      "unit 2 steps 1; scanned 2");
	ck_assert_actions(s, "");
	ck_assert_play(s, row->events, row->actions);
}

TEST(a_unit_goes_where_its_own_step_is_taken)
{
	s = story("node a up 9 slots; node b up 1 slots; "
		  "cell a 0 ready symbols; cell b 0 ready steps; "
		  "unit 1 steps 2; scanned 1");
	ck_assert_actions(s, "send 1 b");
	ck_assert_play(s, "unit 2 steps 2; scanned 2", "");
	ck_assert_play(s, "unit 3 steps 1; scanned 3", "send 3 a");
	ck_assert_play(s, "cell b 0 ready symbols", "compile 2 NO_STEPS");
}

TEST(nobody_waits_for_a_node_that_may_take_steps)
{
	s = story("node a up 9 slots; cell b 0 shipping; unit 1 steps 1");
	ck_assert_actions(s, "compile 1 NO_STEPS");
}

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

FIXTURE(NULL, teardown);

/* ----------------------------------------------------------- remote units */

TEST(a_unit_goes_to_a_node_and_comes_back)
{
	s = story("node a up 2 slots; unit 1");
	ck_assert_actions(s, "scan 1");
	ck_assert_play(s, "scanned 1", "send 1 a");
	ck_assert_uint_eq(play_last.deadline_ms, 30000);
	ck_assert_play(s, "output 1 a; beat 1 a 100; answer 1 a 200",
		       "examine 1");
	ck_assert_play(s, "examined 1 good", "deliver 1");
	ck_assert_uint_eq(play_last.node, 0);
	ck_assert_uint_eq(play_last.n_retries, 0);
	ck_assert_play(s, "left 1", "");
}

TEST(units_that_wait_for_a_local_slot_are_counted_until_they_leave)
{
	struct sched_counts f;

	s = story("node a up 2 slots; unit 1; scanned 1; unit 2 local CPATH; "
		  "unit 3 local CPATH; unit 4 local CPATH; unit 5 local CPATH");
	sched_counts(s, &f);
	ck_assert_uint_eq(f.n_remote, 1);
	ck_assert_uint_eq(f.n_local, 1);
	ck_assert_uint_eq(f.n_waiting_local, 3);
	/* A wrapper is killed; its running compile ends. */
	ck_assert_play(s, "left 4", "");
	ck_assert_play(s, "left 2", "done 2 CPATH; compile 3 CPATH");
	sched_counts(s, &f);
	ck_assert_uint_eq(f.n_local, 1);
	ck_assert_uint_eq(f.n_waiting_local, 1);
	/* A compile error is repeated locally, after the other units. */
	ck_assert_play(s, "answer 1 a; examined 1 local COMPILE_ERROR", "");
	sched_counts(s, &f);
	ck_assert_uint_eq(f.n_remote, 0);
	ck_assert_uint_eq(f.n_waiting_local, 2);
}

TEST(nodes_are_dialed_at_the_beginning)
{
	struct sched_counts f;

	s = sched_new(&(struct sched_setup){ .n_nodes = 2 });
	ck_assert_uint_eq(sched_next_ms(s), 0);
	sched_counts(s, &f);
	ck_assert_uint_eq(f.n_undecided_nodes, 2);
	play_now_ms = 0;
	ck_assert_play(s, "time", "dial a; dial b");
	ck_assert_play(s, "fit a 2", "node a up");
	ck_assert_play(s, "unfit b", "node b unfit: no namespaces");
}

TEST(the_least_loaded_node_gets_it)
{
	s = story("node a up 2 slots; node b up 4 slots; unit 1; unit 2");
	ck_assert_play(s, "scanned 1", "send 1 a");
	ck_assert_play(s, "scanned 2", "send 2 b");
	/* 1 of 2 slots, and 1 of 4 */
	ck_assert_play(s, "unit 3; scanned 3", "send 3 b");
	ck_assert_play(s, "unit 4; scanned 4", "send 4 a");
	ck_assert_play(s, "unit 5; scanned 5", "send 5 b");
}

TEST(units_are_sent_in_the_order_of_their_arrival)
{
	s = play_farm(1, 4,
		      "node a up 1 slots; unit 1; unit 2; unit 3; "
		      "scanned 1");
	ck_assert_actions(s, "send 1 a");
	ck_assert_play(s, "scanned 3; scanned 2", "");
	ck_assert_play(s, "answer 1 a", "examine 1; send 2 a");
	ck_assert_play(s, "fail 2 a busy", "send 3 a; compile 2 NODES_BUSY");
}

/* A returned unit is older than those that were never offloaded. */
TEST(one_that_comes_back_is_served_first)
{
	s = play_farm(3, 4,
		      "node a up 1 slots; node b up 1 slots; unit 1; unit 2; "
		      "unit 3; unit 4; unit 5; scanned 1; scanned 2; "
		      "scanned 3; scanned 4; scanned 5");
	ck_assert_actions(s, "");
	ck_assert_play(s, "lost a; lost b", "node b down: connection closed");
	ck_assert_play(s, "node c up 5 slots",
		       "node c up; send 1 c; send 2 c; send 3 c; send 4 c; "
		       "send 5 c");
}

TEST(scans_run_as_far_ahead_as_there_are_slots)
{
	s = story("node a up 1 slots; unit 1; unit 2; unit 3");
	ck_assert_actions(s, "");
	ck_assert_play(s, "scanned 1", "send 1 a");
	ck_assert_play(s, "scanned 2", "");
	ck_assert_play(s, "answer 1 a", "examine 1; send 2 a; scan 3");
}

TEST(scans_wait_for_the_workers)
{
	struct sched_setup setup = { .n_local_slots = 9,
				     .max_scans = 1,
				     .n_nodes = 1 };

	s = sched_new(&setup);
	play_now_ms = 0;
	play(s, "toolchain 0 ready; object 0 ready; node a up 9 slots; unit 1");
	ck_assert_actions(s, "scan 1");
	ck_assert_play(s, "unit 2", "");
	ck_assert_play(s, "scanned 1", "send 1 a; scan 2");
	ck_assert_play(s, "left 2; unit 3", "");
	ck_assert_play(s, "scanned 2", "scan 3");
}

TEST(toolchains_take_turns_by_arrival)
{
	s = play_farm(1, 1,
		      "toolchain 1 ready; object 2 ready; node a up 1 slots; "
		      "cell a 1 ready; unit 1; unit 2; unit 3 tc 1 object 2; "
		      "unit 4");
	ck_assert_play(s, "scanned 1; scanned 2", "");
	ck_assert_play(s, "left 1", "cancel 1 a; send 2 a; scan 3");
	ck_assert_play(s, "scanned 3; left 2", "cancel 2 a; send 3 a; scan 4");
}

TEST(the_deadline_and_lateness_follow_what_others_took)
{
	s = story("node a up 2 slots; unit 1; scanned 1 bytes 1048576; "
		  "answer 1 a 8000; examined 1 good; unit 2");
	ck_assert_play(s, "scanned 2 bytes 1048576", "send 2 a");
	ck_assert_uint_eq(play_last.deadline_ms, 8 * 7992);
	ck_assert_play(s, "15 s", "");
	ck_assert_play(s, "2 s", "hedge 2");
	/* The second one counts only a little. */
	ck_assert_play(s, "answer 2 a 100", "stop-hedge 2; examine 2");
	ck_assert_play(s, "examined 2 good; unit 3; scanned 3 bytes 104857600",
		       "send 3 a");
	ck_assert_uint_eq(play_last.deadline_ms, 8 * 600000);
}

FIXTURE(NULL, teardown);

/* ------------------------------------------------- prerequisites of a node */

TEST(it_waits_for_its_toolchain_and_its_kind_of_object)
{
	s = story("node a up 2 slots; unit 1 tc 1 object 1");
	ck_assert_actions(s, "");
	ck_assert_play(s, "toolchain 1 ready", "");
	ck_assert_play(s, "object 1 ready", "scan 1");
	ck_assert_play(s, "unit 2 tc 1 object 9; object 9 bad",
		       "compile 2 UNKNOWN_OBJECT");
	ck_assert_play(s, "unit 3 tc 2; toolchain 2 bad NOT_IDENTIFIED; left 2",
		       "done 2 UNKNOWN_OBJECT; compile 3 NOT_IDENTIFIED");
	ck_assert_play(s, "unit 4 tc 2; left 3",
		       "done 3 NOT_IDENTIFIED; compile 4 NOT_IDENTIFIED");
}

TEST(a_toolchain_that_takes_long_leaves_it_to_a_local_slot)
{
	s = story("unit 1 tc 1; unit 2 tc 1");
	ck_assert_uint_eq(sched_next_ms(s), 1001);
	ck_assert_play(s, "1000 ms", "");
	ck_assert_play(s, "1 ms", "compile 1 NODES_DOWN");
	ck_assert_play(s, "left 1", "done 1 NODES_DOWN; compile 2 NODES_DOWN");
	ck_assert_play(s, "fit a 3; unit 3 tc 1; 2 s; left 2",
		       "done 2 NODES_DOWN; compile 3 TOOLCHAIN_SHIPPING");
}

TEST(a_reason_from_the_beginning_needs_no_toolchain)
{
	s = story("unit 1 local CPATH; unit 2 local UMASK");
	ck_assert_actions(s, "");
	ck_assert_play(s, "left 1", "done 1 CPATH; compile 2 UMASK");
	ck_assert_play(s, "left 2", "done 2 UMASK");
}

TEST(without_nodes_all_is_local)
{
	struct sched_setup setup = { .n_local_slots = 1,
				     .remote_disabled = true };

	s = play_farm(0, 1, "unit 1");
	ck_assert_actions(s, "compile 1 NO_NODES");
	sched_free(s);
	s = sched_new(&setup);
	ck_assert_play(s, "unit 1", "compile 1 NO_REMOTE");
	ck_assert_uint_eq(sched_next_ms(s), UINT64_MAX);
}

TEST(a_scan_may_find_a_reason)
{
	s = story("node a up 2 slots; unit 1; scanned 1 local TIME_MACRO");
	ck_assert_actions(s, "compile 1 TIME_MACRO");
}

TEST(what_nobody_can_do_is_local_and_says_why)
{
	s = story("unit 1");
	ck_assert_actions(s, "scan 1");
	ck_assert_play(s, "lost a new", "node a down: connection closed");
	ck_assert_play(s, "unfit b", "node b unfit: no namespaces");
	ck_assert_play(s, "scanned 1", "compile 1 NODES_UNFIT");
	ck_assert_play(s, "lost b version; left 1", "done 1 NODES_UNFIT");
	ck_assert_play(s, "unit 2", "compile 2 NODES_DOWN");
	play(s, "2 s; fit a 2; probed a right; left 2; "
		"cell a 0 none");
	ck_assert_play(s, "unit 3", "compile 3 NO_TOOLCHAIN");
}

TEST(units_that_wait_are_local_when_the_last_node_goes)
{
	s = play_farm(1, 2, "unit 1; unit 2; unit 3; scanned 1");
	ck_assert_actions(s, "");
	ck_assert_play(s, "lost a new version",
		       "node a out: connection closed; "
		       "compile 1 NODES_DOWN; compile 3 NODES_DOWN");
	ck_assert_play(s, "scanned 2; left 3",
		       "done 3 NODES_DOWN; compile 2 NODES_DOWN");
}

TEST(units_that_wait_are_local_when_the_compiler_changes)
{
	s = play_farm(1, 3,
		      "node a up 1 slots; unit 1; unit 2; unit 3; unit 4; "
		      "unit 5; scanned 1; scanned 2");
	ck_assert_actions(s, "");
	ck_assert_play(s, "toolchain 0 bad COMPILER_CHANGED",
		       "compile 2 COMPILER_CHANGED; "
		       "compile 5 COMPILER_CHANGED");
	/* A running job continues, but its result is not used. */
	ck_assert_play(s, "answer 1 a; examined 1 good",
		       "compile 1 COMPILER_CHANGED");
}

TEST(local_slots_are_used_while_the_toolchain_travels)
{
	s = play_farm(1, 2,
		      "fit a 4; cell a 0 asked; unit 1; unit 2; unit 3; "
		      "unit 4; unit 5; scanned 1; scanned 2");
	ck_assert_actions(s, "");
	ck_assert_play(s, "1000 ms", "");
	ck_assert_play(s, "1 ms",
		       "compile 1 TOOLCHAIN_SHIPPING; "
		       "compile 2 TOOLCHAIN_SHIPPING");
	ck_assert_play(s, "cell a 0 shipping; scanned 3", "");
	ck_assert_play(s, "cell a 0 ready", "send 3 a");
	ck_assert_play(s, "left 1", "done 1 TOOLCHAIN_SHIPPING");
}

TEST(units_that_are_not_scanned_use_them_too)
{
	s = play_farm(1, 1,
		      "node a up 1 slots; unit 1; unit 2; unit 3; unit 4; "
		      "cell a 0 shipping");
	ck_assert_actions(s, "compile 3 TOOLCHAIN_SHIPPING");
	ck_assert_play(s, "scanned 1; left 3",
		       "done 3 TOOLCHAIN_SHIPPING; "
		       "compile 1 TOOLCHAIN_SHIPPING");
}

TEST(one_that_is_hedged_does_not_wait_for_the_toolchain)
{
	s = play_farm(2, 2,
		      "node a up 1 slots; fit b 1; cell b 0 shipping; unit 1; "
		      "scanned 1; 11 s");
	ck_assert_actions(s, "hedge 1");
	ck_assert_play(s, "lost a", "node a down: connection closed");
	ck_assert_play(s, "unhedged 1", "compile 1 TOOLCHAIN_SHIPPING");
}

TEST(a_toolchain_that_was_touched_is_sent_nothing)
{
	s = story("node a up 2 slots; toolchain 0 touched; unit 1");
	ck_assert_play(s, "2 s", "compile 1 TOOLCHAIN_SHIPPING");
	ck_assert_play(s,
		       "toolchain 0 ready; unit 2; toolchain 0 touched; "
		       "scanned 2",
		       "");
	ck_assert_play(s, "toolchain 0 ready", "send 2 a");
	ck_assert_play(s,
		       "unit 3; scanned 3; toolchain 0 touched; unit 4; "
		       "left 1",
		       "done 1 TOOLCHAIN_SHIPPING");
	ck_assert_play(s, "toolchain 0 bad COMPILER_CHANGED",
		       "compile 4 COMPILER_CHANGED");
}

/* ---------------------------------------------- wrappers that exit */

struct leave {
	const char *events, *actions;
};

static const struct leave leaves[] = {
	{ "unit 1 tc 1", "" }, /* new */
	{ "unit 9; unit 8; unit 1", "" }, /* to-scan */
	{ "unit 1", "" }, /* scan */
	{ "unit 9; scanned 9; unit 1; scanned 1", "" }, /* ready */
	{ "unit 1; scanned 1", "cancel 1 a" }, /* remote */
	{ "unit 1; scanned 1; 11 s", "cancel 1 a; stop-hedge 1" },
	{ "unit 1; scanned 1; answer 1 a", "" }, /* check */
	{ "unit 1; scanned 1; answer 1 a; toolchain 0 touched; "
	  "examined 1 good",
	  "" }, /* held */
	{ "unit 9 local CPATH; unit 1 local CPATH", "" }, /* to-local */
	{ "unit 1 local CPATH", "done 1 CPATH" },
	{ "unit 1; scanned 1; answer 1 a; examined 1 good", "" },
};

FIXTURE(NULL, teardown);

TEST_EACH(whatever_runs_for_a_wrapper_ends_with_it, leaves)
{
	s = story("node a up 1 slots");
	play(s, row->events);
	ck_assert_play(s, "left 1", row->actions);
	/* The unit no longer causes an action. */
	play(s, "toolchain 0 ready");
	ck_assert_ptr_null(strstr(play_actions, "1"));
}

TEST(a_worker_reports_of_one_that_left)
{
	struct sched_counts f;

	s = story("node a up 1 slots; unit 1; left 1; scanned 1; unit 2; "
		  "scanned 2; answer 2 a; left 2; examined 2 wrong");
	ck_assert_actions(s, "");
	sched_counts(s, &f);
	ck_assert_uint_eq(f.n_running + f.n_queued, 0);
}

/* ----------------------------------------------------------------- figures */

TEST(figures_count_units_by_what_became_of_them)
{
	struct sched_node_counts n;
	struct sched_counts f;

	s = play_farm(3, 1,
		      "node a up 2 slots; node b up 2 slots; unit 1; "
		      "scanned 1; answer 1 a 70; examined 1 good; unit 2; "
		      "scanned 2; unit 3; unit 4 local CPATH; unit 5 tc 1; "
		      "fail 2 a node");
	sched_counts(s, &f);
	ck_assert_uint_eq(f.n_running, 2);
	ck_assert_uint_eq(f.n_queued, 2);
	ck_assert_uint_eq(f.n_remote, 1);
	ck_assert_uint_eq(f.n_local, 1);
	ck_assert_uint_eq(f.n_waiting_local, 0);
	ck_assert_uint_eq(f.n_undecided_nodes, 1);
	ck_assert_uint_eq(f.n_slots, 4);
	ck_assert_uint_eq(f.n_local_slots_used, 1);
	ck_assert_play(
		s, "left 4; left 5; 11 s; hedged 2 good",
		"cancel 2 b; deliver 2; node b resting: x.c finished sooner on "
		"the build host");
	ck_assert_uint_eq(play_last.n_retries, 1);
	sched_node_counts(s, 0, &n);
	ck_assert_int_eq(n.state, SCHED_NODE_UP);
	ck_assert_uint_eq(n.n_slots, 2);
	ck_assert_uint_eq(n.n_jobs, 1);
	ck_assert_uint_eq(n.n_errors, 1);
	ck_assert_uint_eq(n.n_retries, 1);
}

/* ------------------------------------------------------- impossible events */

static const char *const impossible[] = {
	"unit 1; unit 1",
	"scanned 7",
	"unit 1; scanned 1; scanned 1",
	"unit 1; scanned 1; answer 1 a; scanned 1; scanned 1",
	"unit 1 local CPATH; scanned 1",
	"unit 1; examined 1 good",
	"unit 1; scanned 1; examined 1 good",
	"unit 1; scanned 1; hedged 1 good",
	"unit 1 local CPATH; hedged 1 good",
	"left 1",
	"unit 1; left 1; left 1",
	"unit 1; left 1; unit 1",
	"fit a 1",
	"unfit a",
	"lost z",
};

TEST_EACH_SIGNAL(what_cannot_happen_ends_the_program, impossible, SIGABRT)
{
	s = story("node a up 2 slots");
	play(s, *row);
}

TEST_SIGNAL(an_event_before_the_actions_of_the_last_ends_the_program, SIGABRT)
{
	struct sched_event ev = { .kind = SCHED_EV_TIME };

	s = sched_new(&(struct sched_setup){ .n_nodes = 1 });
	sched_event(s, 0, &ev);
	sched_event(s, 0, &ev);
}

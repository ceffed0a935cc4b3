/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/*
 * Nodes that are added and removed during a build, and nodes with long
 * handshakes.
 */
#include "sched/sched.h"

#include "../lib/test.h"
#include "sched-fixture.h"

static struct sched *s;

static void teardown(void)
{
	sched_free(s);
	s = NULL;
}

static struct sched_counts figures(void)
{
	struct sched_counts f;

	sched_counts(s, &f);
	return f;
}

static struct sched_node_counts node_figures(uint32_t node)
{
	struct sched_node_counts f;

	sched_node_counts(s, node, &f);
	return f;
}

FIXTURE(NULL, teardown);

/* ---------------------------------------------------------------- added */

TEST(one_that_is_added_is_dialed_and_gets_units)
{
	s = play_farm(1, 1,
		      "node a up 1 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2");
	ck_assert_actions(s, "");
	ck_assert_play(s, "added b", "dial b");
	ck_assert_uint_eq(figures().n_undecided_nodes, 1);
	ck_assert_play(s, "fit b 3", "node b up");
	ck_assert_uint_eq(figures().n_slots, 4);
	ck_assert_play(s, "cell b 0 ready", "send 2 b");
	ck_assert_play(s, "added c", "dial c");
	ck_assert_play(s, "lost c new", "node c down: connection closed");
	ck_assert_play(s, "answer 2 b", "examine 2");
	ck_assert_play(s, "examined 2 good", "deliver 2");
	ck_assert_uint_eq(node_figures(1).n_jobs, 1);
}

TEST(with_it_a_build_without_nodes_has_one)
{
	s = play_farm(0, 1, "unit 1");
	ck_assert_actions(s, "compile 1 NO_NODES");
	ck_assert_play(s, "added a", "dial a");
	ck_assert_play(s, "node a up 2 slots", "node a up");
	ck_assert_play(s, "unit 2; scanned 2", "send 2 a");
}

/*
 * A node contains a list head, so it must not move: 40 nodes exceed the initial
 * capacity.
 */
TEST(many_are_added_while_units_run)
{
	s = play_farm(1, 1,
		      "node a up 2 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2");
	for (uint32_t i = 1; i < 40; i++) {
		struct sched_event ev = { .kind = SCHED_EV_NODE_ADDED,
					  .node = i };

		play_feed(s, &ev);
	}
	ck_assert_play(s, "toolchain 1 ready; unit 3 tc 1; scanned 3", "");
	ck_assert_play(s, "lost a", "node a down: connection closed");
	ck_assert_play(s, "node z up 9 slots", "node z up; send 1 z; send 2 z");
}

TEST_SIGNAL(only_the_next_number_can_be_added, 6)
{
	s = play_farm(1, 1, "unit 1");
	play(s, "added c");
}

/* -------------------------------------------------------------- removed */

TEST(one_that_is_removed_ends_what_it_has)
{
	s = story("node a up 2 slots; node b up 1 slots; unit 1; scanned 1; "
		  "unit 2; scanned 2");
	ck_assert_play(s, "removed a", "node a removed: taken out");
	ck_assert_uint_eq(figures().n_slots, 1);
	ck_assert_play(s, "unit 3; scanned 3", "");
	ck_assert_play(s, "answer 1 a", "hang-up a; examine 1");
	ck_assert_play(s, "examined 1 good", "deliver 1");
	ck_assert_uint_eq(node_figures(0).n_jobs, 1);
	ck_assert_uint_eq(node_figures(0).n_errors, 0);
	ck_assert_play(s, "answer 2 b", "examine 2; send 3 b");
	ck_assert_play(s, "answer 3 b", "examine 3");
	ck_assert_play(s, "examined 3 good; left 1; left 2; left 3", "");
	/* The removal is final. */
	ck_assert_play(s, "100 s", "");
	ck_assert_play(s, "resume a; drain a; retry a; removed a", "");
	ck_assert_play(s, "200 s", "");
}

TEST(one_that_is_idle_leaves_at_once)
{
	s = story("node a up 2 slots; removed a");
	ck_assert_actions(s, "node a removed: taken out; hang-up a");
	/* Canaries and probes are not units. */
	ck_assert_play(s, "fit b 2; slots b 2 1", "");
	ck_assert_play(s, "removed b", "node b removed: taken out; hang-up b");
	ck_assert_uint_eq(figures().n_undecided_nodes, 0);
	ck_assert_play(s, "unit 1", "compile 1 NODES_DOWN");
}

TEST(one_that_is_down_is_not_dialed_again)
{
	s = story("lost a new; removed a");
	ck_assert_actions(s, "node a removed: taken out");
	ck_assert_play(s, "removed b", "node b removed: taken out; hang-up b");
	ck_assert_play(s, "100 s", "");
	ck_assert_uint_eq(sched_next_ms(s), UINT64_MAX);
}

TEST(one_that_is_lost_meanwhile_is_gone_too)
{
	s = story("node a up 2 slots; node b up 2 slots; unit 1; scanned 1; "
		  "removed a");
	ck_assert_play(s, "lost a",
		       "node a removed: connection closed; send 1 b");
	ck_assert_play(s, "100 s", "hedge 1");
	ck_assert_uint_eq(node_figures(0).state, SCHED_NODE_REMOVED);
}

TEST(one_that_was_drained_before_is_removed)
{
	s = play_farm(1, 1, "node a up 2 slots; drain a");
	ck_assert_actions(s, "node a drained");
	ck_assert_play(s, "removed a", "node a removed: taken out; hang-up a");
}

/* ---------------------------------------------------------------- retry */

TEST(one_that_rests_is_dialed_at_once_when_asked)
{
	s = play_farm(1, 1, "lost a new; 2 s; lost a new; 3 s; lost a new");
	ck_assert_actions(s, "node a down: connection closed");
	ck_assert_play(s, "retry a", "dial a");
	ck_assert_play(s, "retry a", "");
	ck_assert_play(s, "fit a 2", "node a up");
	ck_assert_play(s, "retry a", "");
}

TEST(one_that_was_out_may_come_back)
{
	s = play_farm(1, 1, "lost a version");
	ck_assert_actions(s, "node a out: connection closed");
	ck_assert_play(s, "retry a", "node a down; dial a");
	ck_assert_play(s, "fit a 2", "node a up");
	/* Another machine need not pass the probation of the old one. */
	ck_assert_play(s, "lost a", "node a down: connection closed");
	ck_assert_play(s, "retry a", "dial a");
	ck_assert_play(s, "fit a 2", "node a up");
}

/* --------------------------------------------------------- long handshakes */

TEST(local_slots_do_not_wait_for_one_that_is_long_in_greeting)
{
	s = play_farm(1, 2, "unit 1; scanned 1; unit 2; scanned 2; unit 3");
	ck_assert_actions(s, "");
	ck_assert_play(s, "999 ms", "");
	ck_assert_play(s, "2 ms",
		       "compile 1 NODES_DOWN; compile 2 NODES_DOWN; scan 3");
	/* The other units still go to the node when it connects. */
	ck_assert_play(s, "node a up 2 slots", "node a up");
	ck_assert_play(s, "scanned 3", "send 3 a");
}

TEST(who_is_up_is_waited_for)
{
	s = story("node a up 1 slots; unit 1; scanned 1; unit 2; scanned 2; "
		  "2 s");
	/* b is silent, but a has the toolchain. */
	ck_assert_actions(s, "");
	ck_assert_play(s, "answer 1 a", "examine 1; send 2 a");
}

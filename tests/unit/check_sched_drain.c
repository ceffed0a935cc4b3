/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/* Stories about draining and resuming nodes. */
#include "sched/sched.h"

#include "../lib/test.h"
#include "sched-fixture.h"

static struct sched *s;

static void teardown(void)
{
	sched_free(s);
	s = NULL;
}

static const char *state_a(void)
{
	struct sched_node_counts f;

	sched_node_counts(s, 0, &f);
	return sched_node_state_name(f.state);
}

static struct sched_counts figures(void)
{
	struct sched_counts f;

	sched_counts(s, &f);
	return f;
}

FIXTURE(NULL, teardown);

TEST(what_runs_there_ends_and_nothing_new_comes)
{
	s = story("node a up 3 slots; node b up 1 slots; unit 1; scanned 1; "
		  "unit 2; scanned 2; unit 3; scanned 3");
	ck_assert_actions(s, "send 3 a");
	ck_assert_uint_eq(figures().n_slots, 4);
	ck_assert_play(s, "drain a", "node a draining");
	ck_assert_uint_eq(figures().n_slots, 1);
	ck_assert_str_eq(state_a(), "draining");
	/* Unit 4 waits for b, whose slot is in use. */
	ck_assert_play(s, "unit 4; scanned 4", "");
	ck_assert_play(s, "answer 1 a", "examine 1");
	ck_assert_play(s, "answer 3 a", "node a drained; examine 3");
	ck_assert_str_eq(state_a(), "drained");
	ck_assert_play(s, "examined 3 good", "deliver 3");
	ck_assert_play(s, "answer 2 b", "examine 2; send 4 b");
}

TEST(one_that_is_idle_is_drained_at_once)
{
	s = play_farm(1, 1, "node a up 2 slots; drain a");
	ck_assert_actions(s, "node a drained");
	ck_assert_play(s, "drain a", "");
	ck_assert_play(s, "resume a", "node a up");
	ck_assert_play(s, "resume a", "");
	ck_assert_play(s, "unit 1; scanned 1", "send 1 a");
}

TEST(with_all_nodes_drained_units_are_compiled_here)
{
	s = story("node a up 1 slots; node b up 1 slots; unit 1; scanned 1; "
		  "unit 2; scanned 2; unit 3; scanned 3; unit 4; drain a");
	ck_assert_actions(s, "node a draining");
	/*
	 * One unit is ready, the other must be scanned; there is one local
	 * slot.
	 */
	ck_assert_play(s, "drain b",
		       "node b draining; compile 3 NODES_DRAINED");
	ck_assert_play(s, "unit 5", "");
	ck_assert_play(s, "left 3",
		       "done 3 NODES_DRAINED; compile 4 NODES_DRAINED");
	ck_assert_play(s, "left 4",
		       "done 4 NODES_DRAINED; compile 5 NODES_DRAINED");
	ck_assert_play(s, "answer 1 a", "node a drained; examine 1");
	ck_assert_play(s, "examined 1 good", "deliver 1");
}

TEST(the_reason_is_that_of_the_nodes_that_are_left)
{
	s = story("node a up 1 slots; unfit b; drain a; unit 1");
	ck_assert_actions(s, "compile 1 NODES_DRAINED");
	ck_assert_play(s, "left 1; lost a; unit 2", "compile 2 NODES_UNFIT");
	ck_assert_play(s, "left 2; lost b; unit 3", "compile 3 NODES_DOWN");
	sched_free(s);
	/* The remaining node lacks the toolchain. */
	s = story("node a up 1 slots; fit b 1; cell b 0 none; drain a; unit 1");
	ck_assert_actions(s, "compile 1 NO_TOOLCHAIN");
}

TEST(after_it_was_resumed_those_that_wait_go_there)
{
	s = play_farm(2, 1,
		      "node a up 2 slots; fit b 1; cell b 0 shipping; "
		      "unit 1; scanned 1; drain a; unit 2; unit 3; unit 4; "
		      "unit 5");
	/*
	 * The toolchain is in flight to b; meanwhile the local slot has one
	 * unit.
	 */
	ck_assert_actions(s, "");
	ck_assert_str_eq(state_a(), "draining");
	ck_assert_uint_eq(figures().n_local_slots_used, 1);
	ck_assert_play(s, "scanned 2", "");
	ck_assert_play(s, "resume a", "node a up; send 2 a; scan 5");
	ck_assert_play(s, "scanned 3", "");
	ck_assert_play(s, "answer 1 a", "examine 1; send 3 a");
}

/*
 * Units that were given up for nodes remain local, because their order is
 * fixed.
 */
TEST(what_waits_for_a_local_slot_is_not_called_back)
{
	s = play_farm(1, 1,
		      "node a up 2 slots; drain a; unit 1; unit 2; resume a");
	ck_assert_actions(s, "node a up");
	ck_assert_play(s, "left 1",
		       "done 1 NODES_DRAINED; "
		       "compile 2 NODES_DRAINED");
	ck_assert_play(s, "unit 3; scanned 3", "send 3 a");
}

TEST(a_node_that_is_down_is_drained_when_it_comes)
{
	s = play_farm(1, 1, "lost a new");
	ck_assert_actions(s, "node a down: connection closed");
	ck_assert_play(s, "drain a", "node a drained: connection closed");
	ck_assert_play(s, "unit 1", "compile 1 NODES_DOWN");
	ck_assert_play(s, "2 s", "dial a");
	ck_assert_play(s, "lost a new", "node a drained: connection closed");
	ck_assert_play(s, "4 s", "dial a");
	ck_assert_play(s, "fit a 2; cell a 0 ready", "");
	ck_assert_str_eq(state_a(), "drained");
	ck_assert_play(s, "left 1; unit 2", "compile 2 NODES_DRAINED");
	ck_assert_play(s, "resume a", "node a up");
	ck_assert_play(s, "unit 3; scanned 3", "send 3 a");
}

TEST(one_that_nobody_waits_for_is_decided)
{
	s = sched_new(
		&(struct sched_setup){ .n_nodes = 1, .n_local_slots = 1 });
	ck_assert_uint_eq(figures().n_undecided_nodes, 1);
	play_now_ms = 0;
	ck_assert_play(s, "drain a", "node a drained; dial a");
	ck_assert_uint_eq(figures().n_undecided_nodes, 0);
	ck_assert_play(s, "toolchain 0 ready; object 0 ready; unit 1",
		       "compile 1 NODES_DOWN");
	ck_assert_play(s, "resume a", "node a connecting");
	ck_assert_uint_eq(figures().n_undecided_nodes, 1);
}

TEST(what_is_lost_with_it_goes_elsewhere)
{
	s = story("node a up 2 slots; node b up 2 slots; unit 1; scanned 1; "
		  "drain a");
	ck_assert_actions(s, "node a draining");
	ck_assert_play(s, "lost a",
		       "node a draining: connection closed; "
		       "node a drained: connection closed; send 1 b");
	ck_assert_play(s, "resume a", "node a down: connection closed");
}

TEST(a_toolchain_goes_on_travelling)
{
	s = play_farm(1, 1,
		      "fit a 2; cell a 0 shipping; unit 1; unit 2; unit 3; "
		      "scanned 1");
	ck_assert_actions(s, "compile 1 TOOLCHAIN_SHIPPING");
	ck_assert_play(s, "drain a", "node a drained");
	ck_assert_play(s, "scanned 2", "");
	ck_assert_play(s, "left 1",
		       "done 1 TOOLCHAIN_SHIPPING; "
		       "compile 2 NODES_DRAINED");
	ck_assert_play(s, "cell a 0 ready", "");
	ck_assert_play(s, "resume a", "node a up");
	ck_assert_play(s, "scanned 3", "send 3 a");
}

TEST(it_is_not_probed_before_it_is_resumed)
{
	s = play_farm(1, 1, "node a up 2 slots; lost a; 2 s; fit a 2");
	ck_assert_actions(s, "node a resting: connection closed; probe a");
	ck_assert_play(s, "probed a impossible; drain a",
		       "node a drained: connection closed");
	ck_assert_play(s, "100 s", "");
	ck_assert_uint_eq(sched_next_ms(s), UINT64_MAX);
	ck_assert_play(s, "resume a",
		       "node a resting: connection closed; probe a");
	/* A drain also ends a probation. */
	ck_assert_play(s, "drain a", "node a drained: connection closed");
	ck_assert_play(s, "probed a right", "node a drained");
	ck_assert_play(s, "resume a", "node a up");
}

TEST(a_worn_connection_is_renewed_all_the_same)
{
	s = play_farm(1, 1,
		      "node a up 2 slots; unit 1; scanned 1; worn a; drain a");
	ck_assert_actions(s, "node a draining");
	ck_assert_play(s, "2 s; answer 1 a",
		       "node a drained; renew a; examine 1; dial a");
	ck_assert_play(s, "fit a 2", "node a drained");
}

TEST(canaries_of_its_own_are_no_units)
{
	s = play_farm(1, 1, "node a up 2 slots; slots a 2 1; drain a");
	ck_assert_actions(s, "node a drained");
	ck_assert_play(s, "slots a 2 0; resume a", "node a up");
}

TEST(with_fewer_slots_none_is_taken_from_a_unit)
{
	s = play_farm(1, 1,
		      "node a up 2 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; slots a 1 0");
	ck_assert_actions(s, "");
	ck_assert_play(s, "unit 3; scanned 3; answer 1 a", "examine 1");
	ck_assert_play(s, "answer 2 a", "examine 2; send 3 a");
	/* Additional slots are used at once. */
	ck_assert_play(s, "unit 4; scanned 4", "");
	ck_assert_play(s, "slots a 3 0", "send 4 a");
}

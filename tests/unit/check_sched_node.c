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

static struct sched_node_counts node_a(void)
{
	struct sched_node_counts f;

	sched_node_counts(s, 0, &f);
	return f;
}

/* Return the time until the next timeout, in ms. */
static uint64_t wait_ms(void)
{
	return sched_next_ms(s) - play_now_ms;
}

FIXTURE(NULL, teardown);

TEST(a_lost_node_is_dialed_after_1_2_4_up_to_60_s)
{
	static const unsigned rests[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

	s = play_farm(1, 1, "");
	for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
		ck_assert_play(s, "lost a new",
			       "node a down: connection closed");
		ck_assert_uint_ge(wait_ms(), rests[i] * 800);
		ck_assert_uint_le(wait_ms(), rests[i] * 1200);
		play_now_ms = sched_next_ms(s);
		ck_assert_play(s, "time", "dial a");
	}
	ck_assert_uint_eq(node_a().n_errors, 0);
	ck_assert_play(s, "fit a 1", "node a up");
	ck_assert_play(s, "lost a", "node a down: connection closed");
	ck_assert_uint_eq(node_a().n_errors, 1);
}

TEST(nodes_do_not_march_in_step)
{
	uint64_t first;

	s = play_farm(2, 1, "lost a; lost b");
	first = sched_next_ms(s);
	play_now_ms = first;
	ck_assert_uint_eq(strlen(play_actions),
			  strlen("node b down: connection closed"));
	play(s, "time");
	ck_assert_uint_eq(strlen(play_actions), strlen("dial a"));
	ck_assert_uint_gt(sched_next_ms(s), first);
}

TEST(one_that_was_lost_first_shows_a_right_answer)
{
	s = play_farm(1, 1, "node a up 2 slots; lost a; 2 s");
	ck_assert_actions(s, "dial a");
	ck_assert_play(s, "fit a 2",
		       "node a resting: connection closed; probe a");
	ck_assert_play(s, "probed a impossible", "");
	ck_assert_play(s, "cell a 0 ready; 999 ms", "");
	ck_assert_play(s, "1 ms", "probe a");
	ck_assert_play(s, "probed a right", "node a up");
	ck_assert_ptr_null(node_a().text);
}

TEST(one_that_was_never_up_needs_none)
{
	s = play_farm(1, 1, "lost a new; 2 s");
	ck_assert_actions(s, "dial a");
	ck_assert_play(s, "fit a 2", "node a up");
}

TEST(another_version_is_out_for_good)
{
	s = play_farm(1, 1, "lost a version");
	ck_assert_actions(s, "node a out: connection closed");
	ck_assert_play(s,
		       "100 s; lost a; worn a; slots a 9 0; cell a 0 ready; "
		       "probed a wrong",
		       "");
	ck_assert_uint_eq(sched_next_ms(s), UINT64_MAX);
	ck_assert_uint_eq(node_a().n_slots, 0);
}

TEST(an_unfit_node_stays_connected)
{
	s = play_farm(1, 1, "unfit a");
	ck_assert_actions(s, "node a unfit: no namespaces");
	ck_assert_play(s, "100 s", "");
	ck_assert_play(s, "worn a", "renew a; dial a");
	ck_assert_play(s, "unfit a; lost a", "node a down: connection closed");
	ck_assert_play(s, "2 s", "dial a");
}

TEST(the_first_failure_of_a_good_node_is_the_units)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; answer 1 a; "
		      "examined 1 good; fail 2 a node");
	ck_assert_actions(s, "compile 2 NODES_FAILED");
	ck_assert_uint_eq(node_a().n_errors, 1);
	ck_assert_uint_eq(node_a().n_retries, 1);
	ck_assert_play(s, "fail 3 a node", "node a resting: out of disk");
	ck_assert_uint_eq(node_a().n_errors, 2);
	ck_assert_str_eq(node_a().text, "out of disk");
}

TEST(a_right_answer_makes_good)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; answer 1 a; "
		      "examined 1 good; fail 2 a node; answer 3 a; "
		      "examined 3 good; left 2; unit 4; scanned 4; "
		      "fail 4 a node");
	ck_assert_actions(s, "compile 4 NODES_FAILED");
}

TEST(units_of_a_resting_node_may_end)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; fail 1 a node");
	ck_assert_actions(s, "node a resting: out of disk; "
			     "compile 1 NODES_FAILED");
	ck_assert_play(s, "fail 3 a node", "");
	ck_assert_uint_eq(node_a().n_errors, 2);
	ck_assert_play(s, "answer 2 a; examined 2 good", "deliver 2");
	ck_assert_int_eq(node_a().state, SCHED_NODE_BACKOFF);
	ck_assert_play(s, "2 s", "probe a");
}

TEST(a_unit_can_be_the_right_answer)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; fail 1 a node; 2 s");
	ck_assert_actions(s, "probe a");
	ck_assert_play(s, "answer 2 a; examined 2 good",
		       "node a up: fewer concurrent jobs: out of disk; "
		       "deliver 2");
	/* The probe has not returned yet. */
	ck_assert_play(s, "probed a impossible", "");
	ck_assert_play(s, "probed a wrong", "node a resting: known answer");
	ck_assert_play(s, "probed a wrong", "");
}

TEST(a_second_failure_while_it_rests_is_a_fault)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; answer 1 a; "
		      "examined 1 good; answer 2 a; examined 2 wrong; "
		      "fail 3 a node");
	ck_assert_uint_eq(node_a().n_errors, 2);
	ck_assert_play(s, "probed a wrong", "");
	ck_assert_uint_eq(node_a().n_errors, 2);
}

TEST(a_probe_may_fail)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; fail 1 a node; "
		      "2 s; probed a failed");
	ck_assert_actions(s, "node a resting: known answer");
	ck_assert_uint_ge(wait_ms(), 1600);
}

/* Add unit `number`, and let it fail on a. */
static void fail_unit(unsigned number)
{
	char *words = xasprintf("unit %u; scanned %u; fail %u a node; left %u",
				number, number, number, number);

	play(s, words);
	free(words);
}

static void do_unit(unsigned number)
{
	char *words = xasprintf("unit %u; scanned %u; answer %u a; "
				"examined %u good; left %u",
				number, number, number, number, number);

	play(s, words);
	free(words);
}

/* Return the time until the next action, in ms. */
static uint64_t idle_ms(void)
{
	uint64_t from = play_now_ms;

	do {
		play_now_ms = sched_next_ms(s);
		play(s, "time");
	} while (!*play_actions);
	return play_now_ms - from;
}

TEST(a_right_answer_to_a_probe_does_not_shorten_the_next_rest)
{
	static const unsigned rests[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	unsigned unit = 0;

	s = play_farm(1, 1, "node a up 1 slots");
	while (unit < sizeof(rests) / sizeof(*rests)) {
		uint64_t ms;

		fail_unit(unit);
		ms = idle_ms();
		ck_assert_actions(s, "probe a");
		ck_assert_uint_ge(ms, rests[unit] * 800);
		ck_assert_uint_le(ms, rests[unit] * 1200);
		ck_assert_play(s, "probed a right", "node a up");
		unit++;
	}
	/* Finished units do count. */
	for (unsigned i = 0; i < 4; i++)
		do_unit(unit++);
	fail_unit(unit++);
	ck_assert_int_eq(node_a().state, SCHED_NODE_UP);
	fail_unit(unit++);
	ck_assert_int_eq(node_a().state, SCHED_NODE_BACKOFF);
	ck_assert_uint_le(idle_ms(), 1200);
}

TEST(a_node_that_failed_gets_fewer_units_at_once)
{
	s = play_farm(1, 9,
		      "node a up 4 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; unit 4; scanned 4; "
		      "fail 1 a node; left 1; answer 2 a; examined 2 good; "
		      "answer 3 a; examined 3 good; answer 4 a; "
		      "examined 4 good; 2 s");
	ck_assert_actions(s, "probe a");
	ck_assert_play(s, "probed a right",
		       "node a up: fewer concurrent jobs: out of disk");
	ck_assert_play(s, "unit 5; scanned 5; unit 6; scanned 6", "send 6 a");
	/* Units without such a slot are compiled locally. */
	ck_assert_play(s, "unit 7; scanned 7", "compile 7 NODE_SLOW");
	play(s, "answer 5 a; examined 5 good; left 7");
	do_unit(8);
	do_unit(9);
	ck_assert_play(s, "answer 6 a; examined 6 good",
		       "node a up; deliver 6");
	ck_assert_ptr_null(node_a().text);
	ck_assert_play(s,
		       "unit 10; scanned 10; unit 11; scanned 11; "
		       "unit 12; scanned 12",
		       "send 12 a");
}

TEST(three_wrong_answers_are_the_end)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; answer 1 a; examined 1 wrong; 2 s; "
		      "probed a wrong; 3 s");
	ck_assert_actions(s, "probe a");
	ck_assert_play(s, "probed a wrong",
		       "hang-up a; node a out: known answer");
	ck_assert_uint_eq(node_a().n_running, 0);
	ck_assert_play(s, "left 1",
		       "done 1 WRONG_ANSWERS; "
		       "compile 2 NODE_LOST");
}

TEST(a_strike_counts_whenever_it_is_found)
{
	s = play_farm(1, 1,
		      "node a up 4 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; unit 4; scanned 4; "
		      "answer 1 a; answer 2 a; answer 3 a; answer 4 a; "
		      "lost a; examined 1 wrong; examined 2 wrong");
	ck_assert_actions(s, "");
	ck_assert_play(s, "examined 3 wrong",
		       "node a out: wrong result: no ELF");
	ck_assert_play(s, "examined 4 wrong", "");
}

TEST(units_of_a_node_that_is_out_go_elsewhere)
{
	s = play_farm(2, 1,
		      "node a up 4 slots; unit 1; scanned 1; unit 2; "
		      "scanned 2; unit 3; scanned 3; unit 4; scanned 4; "
		      "answer 1 a; answer 2 a; answer 3 a; node b up 9 slots; "
		      "examined 1 wrong; examined 2 wrong; examined 3 wrong");
	ck_assert_actions(s, "hang-up a; node a out: wrong result: no ELF; "
			     "send 3 b; send 4 b");
	ck_assert_uint_eq(node_a().n_retries, 4);
}

TEST(a_worn_connection_is_renewed_when_nothing_runs)
{
	s = play_farm(1, 1,
		      "node a up 3 slots; unit 1; scanned 1; slots a 3 1; "
		      "2 s; worn a; unit 2; scanned 2; answer 1 a; "
		      "examined 1 good");
	ck_assert_actions(s, "deliver 1");
	ck_assert_uint_eq(node_a().n_running, 1);
	ck_assert_play(s, "slots a 3 0", "renew a; dial a");
	ck_assert_play(s, "lost a; 3 s; fit a 3; worn a", "renew a; dial a");
	ck_assert_play(s, "worn a", "");
}

TEST(a_slot_that_is_used_for_other_things_is_not_free)
{
	s = play_farm(1, 1,
		      "node a up 2 slots; slots a 2 1; unit 1; "
		      "scanned 1; unit 2; scanned 2");
	ck_assert_actions(s, "");
	ck_assert_uint_eq(node_a().n_running, 2);
	ck_assert_play(s, "slots a 2 0", "send 2 a");
	ck_assert_play(s, "slots a 1 0; unit 3; scanned 3; answer 1 a",
		       "examine 1");
	ck_assert_play(s, "answer 2 a", "examine 2; send 3 a");
}

TEST_RANGE(each_state_has_a_word, SCHED_NODE_DOWN, SCHED_NODE_REMOVED + 1)
{
	static const char *const words[] = { "down",   "connecting", "up",
					     "unfit",  "resting",    "resting",
					     "out",    "draining",   "drained",
					     "removed" };

	ck_assert_str_eq(sched_node_state_name((enum sched_node_state)_i),
			 words[_i]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/* The jitter of a node's backoff, and the names of its states. */
#include "sched-story.h"

#define DOWN "node a down: connection closed"

static const unsigned backoffs_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

static void expect_backoff(uint64_t ms, size_t i)
{
	ck_assert_uint_ge(ms, backoffs_s[i] * 800);
	ck_assert_uint_le(ms, backoffs_s[i] * 1200);
}

static uint64_t wait_ms(void)
{
	return sched_next_ms(story.s) - story.now_ms;
}

/* Advance the time to the next action; return the elapsed time in ms. */
static uint64_t idle_ms(void)
{
	uint64_t from_ms = story.now_ms;

	do {
		story.now_ms = sched_next_ms(story.s);
		story_play("time");
	} while (!*story_actions());
	return story.now_ms - from_ms;
}

static struct sched_node_counts node_a(void)
{
	struct sched_node_counts n;

	sched_node_counts(story.s, 0, &n);
	return n;
}

FIXTURE(NULL, story_release);

TEST(a_lost_node_is_dialed_after_1_2_4_up_to_60_s)
{
	story_play("farm nodes 1 local-slots 1");
	for (size_t i = 0; i < sizeof(backoffs_s) / sizeof(*backoffs_s); i++) {
		story_expect("lost a no-hello", DOWN);
		expect_backoff(wait_ms(), i);
		story.now_ms = sched_next_ms(story.s);
		story_expect("time", "dial a");
	}
	ck_assert_uint_eq(node_a().n_errors, 0);
	story_expect("fit a 1", "node a up");
	story_expect("lost a", DOWN);
	ck_assert_uint_eq(node_a().n_errors, 1);
}

TEST(two_nodes_have_different_backoffs)
{
	uint64_t first_ms;

	story_play("farm nodes 2 local-slots 1; lost a");
	story_expect("lost b", "node b down: connection closed");
	first_ms = sched_next_ms(story.s);
	story.now_ms = first_ms;
	story_play("time");
	/* Either node can be the first. */
	ck_assert_uint_eq(strlen(story_actions()), strlen("dial a"));
	ck_assert_uint_gt(sched_next_ms(story.s), first_ms);
}

TEST(a_failed_known_answer_test_doubles_the_backoff)
{
	story_expect("farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; "
		     "failed 1 a node; 2 s; probe-done a failed",
		     "node a resting: known answer");
	ck_assert_uint_ge(wait_ms(), 1600);
}

TEST(a_passed_known_answer_test_does_not_shorten_the_next_backoff)
{
	unsigned unit = 0;

	story_play("farm nodes 1 local-slots 1; up a 1");
	for (; unit < sizeof(backoffs_s) / sizeof(*backoffs_s); unit++) {
		story_playf("unit %1$u; scanned %1$u; failed %1$u a node; "
			    "gone %1$u",
			    unit);
		expect_backoff(idle_ms(), unit);
		ck_assert_str_eq(story_actions(), "probe a");
		story_expect("probe-done a passed", "node a up");
	}
	/* Completed units do shorten it. */
	for (unsigned i = 0; i < 4; i++)
		story_playf("unit %1$u; scanned %1$u; result %1$u a; "
			    "verified %1$u valid; gone %1$u",
			    unit++);
	story_playf("unit %1$u; scanned %1$u; failed %1$u a node; gone %1$u",
		    unit++);
	ck_assert_int_eq(node_a().state, SCHED_NODE_UP);
	story_playf("unit %1$u; scanned %1$u; failed %1$u a node; gone %1$u",
		    unit);
	ck_assert_int_eq(node_a().state, SCHED_NODE_BACKOFF);
	ck_assert_uint_le(idle_ms(), 1200);
}

TEST_RANGE(each_node_state_has_a_name, SCHED_NODE_DOWN, SCHED_NODE_REMOVED + 1)
{
	static const char *const names[] = { "down",   "connecting", "up",
					     "unfit",  "resting",    "resting",
					     "out",    "draining",   "drained",
					     "removed" };

	ck_assert_str_eq(sched_node_state_name((enum sched_node_state)_i),
			 names[_i]);
}

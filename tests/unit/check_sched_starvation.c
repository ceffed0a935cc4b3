/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "sched/unit.h"

#include "../lib/test.h"
#include "sched-fixture.h"

static struct sched *s;

static void teardown(void)
{
	sched_free(s);
	s = NULL;
}

static unsigned running_on_a(void)
{
	struct sched_node_counts f;

	sched_node_counts(s, 0, &f);
	return f.n_running;
}

/* For 11 s, give units 1 to `units` that many ms of CPU time per second. */
static void beat_11_s(unsigned units, const unsigned *cpu_ms)
{
	for (unsigned t = 1; t <= 11; t++) {
		play(s, "1 s");
		for (unsigned u = 1; u <= units; u++) {
			char *words = xasprintf("beat %u a %u", u,
						t * cpu_ms[u - 1]);

			play(s, words);
			free(words);
		}
	}
}

static void send_units(unsigned units)
{
	for (unsigned u = 1; u <= units; u++) {
		char *words = xasprintf("unit %u; scanned %u", u, u);

		play(s, words);
		free(words);
	}
}

#define FEWER                                                            \
	"fewer concurrent jobs: x.c finished sooner on the build host: " \
	"jobs get "

FIXTURE(NULL, teardown);

TEST(a_node_whose_units_starve_rests_and_they_go_elsewhere)
{
	s = story("node a up 3 slots");
	send_units(3);
	beat_11_s(3, (unsigned[]){ 40, 30, 30 });
	ck_assert_play(
		s, "node b up 5 slots; hedged 1 good",
		"cancel 1 a; deliver 1; node a resting: x.c finished sooner on "
		"the build host: jobs get 3 % of a core; "
		"cancel 2 a; cancel 3 a; send 2 b; send 3 b");
	ck_assert_play(s, "2 s", "hedge 2; probe a");
	ck_assert_play(s, "probed a right",
		       "node a up: " FEWER "3 % of a core");
	/* The hedge of one unit will soon show whether it is faster. */
	ck_assert_play(s, "hedged 2 good", "cancel 2 b; deliver 2");
	ck_assert_play(s,
		       "left 2; unit 4; scanned 4; unit 5; scanned 5; unit 6; "
		       "scanned 6",
		       "send 6 b");
	ck_assert_uint_eq(running_on_a(), 1);
}

TEST(a_slow_core_starves_nobody)
{
	s = story("node a up 3 slots");
	send_units(3);
	beat_11_s(3, (unsigned[]){ 990, 990, 0 });
	ck_assert_play(s, "hedged 1 good", "cancel 1 a; deliver 1");
	/* Nor a unit that has just started. */
	ck_assert_play(s, "left 1; 1 s", "hedge 2");
	ck_assert_play(s, "answer 2 a; 1 s", "hedge 3");
	ck_assert_play(s, "hedged 3 good", "cancel 3 a; deliver 3");
}

TEST(one_core_for_five_units_is_one_slot)
{
	s = story("node a up 5 slots");
	send_units(5);
	beat_11_s(5, (unsigned[]){ 200, 200, 200, 200, 200 });
	ck_assert_play(s, "hedged 1 good",
		       "cancel 1 a; deliver 1; "
		       "node a up: " FEWER "20 % of a core");
	ck_assert_play(s, "answer 2 a; answer 3 a; answer 4 a; unit 6",
		       "scan 6");
	ck_assert_play(s, "left 1; scanned 6", "compile 6 NODE_SLOW");
	ck_assert_uint_eq(running_on_a(), 1);
}

TEST(a_deadline_may_show_it)
{
	s = play_farm(1, 1, "node a up 2 slots; unit 1 exclusive 1; scanned 1");
	beat_11_s(1, (unsigned[]){ 100 });
	ck_assert_play(
		s, "fail 1 a deadline",
		"node a resting: out of disk: jobs get 10 % of a core; compile "
		"1 NODE_SLOW");
	teardown();
	s = play_farm(1, 1, "node a up 2 slots; unit 1 exclusive 1; scanned 1");
	beat_11_s(1, (unsigned[]){ 900 });
	ck_assert_play(s, "fail 1 a deadline", "compile 1 NODE_SLOW");
}

TEST(a_trial_does_not_take_long)
{
	s = story("node a up 1 slots; unit 1; scanned 1; 11 s; hedged 1 good; "
		  "left 1; 2 s; probed a right; unit 2; scanned 2");
	ck_assert_actions(s, "send 2 a");
	ck_assert_play(s, "2 s; 1 s", "hedge 2");
	ck_assert_play(s, "hedged 2 good; left 2; 1 s", "");
	ck_assert_play(s, "2 s", "probe a");
	ck_assert_play(s, "probed a right; unit 3; scanned 3", "send 3 a");
	ck_assert_play(s, "answer 3 a 500; examined 3 good; left 3", "");
	/* The node is treated like the others again. */
	ck_assert_play(s, "unit 4; scanned 4; 9 s", "");
	ck_assert_play(s, "1 s; 1 s", "hedge 4");
}

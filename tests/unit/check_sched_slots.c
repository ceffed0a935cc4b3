/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node sched */
/*
 * Limits that change during a build, in virtual time: those of nodes, due to
 * their health (node/slot-limit.h), and those of the build host.
 */
#include "sched/sched.h"

#include "../lib/test.h"
#include "node/limits.h"
#include "node/slot-limit.h"
#include "sched-fixture.h"

#define CORES 4
#define SLOTS 5

static struct sched *s;
static struct node_slot_limit live;
static struct wire_health health;
static uint32_t oldest, next_unit; /* units are served in order */

static void set_up(void)
{
	live = (struct node_slot_limit){ 0 };
	health = wire_health_unknown;
	oldest = next_unit = 0;
}

static void tear_down(void)
{
	sched_free(s);
	s = NULL;
	node_slot_limit_release(&live);
}

static struct sched_node_counts node_a(void)
{
	struct sched_node_counts f;

	sched_node_counts(s, 0, &f);
	return f;
}

/* Apply one event and finish all scans at once. */
static void go(const char *fmt, uint32_t number)
{
	char *event = xasprintf("%s %u", fmt, number), *actions;

	play(s, event);
	free(event);
	actions = xstrdup(play_actions);
	for (char *at = actions; at; at = strstr(at, "; ")) {
		at += *at == ';' ? 2 : 0;
		if (str_starts(at, "scan "))
			go("scanned", (uint32_t)atoi(at + strlen("scan ")));
	}
	free(actions);
}

/* Their compilers make progress, so that they are not hedged. */
static void beat_units(void)
{
	for (uint32_t u = oldest; u < oldest + node_a().n_running; u++) {
		char *words = xasprintf("beat %u a %u", u,
					(unsigned)play_now_ms);

		play(s, words);
		free(words);
	}
}

/* Advance a second, send a heartbeat, and pass its limit to sched. */
static void beat(void)
{
	struct wire_inventory inv = { .cores = CORES };
	char *why, *words;
	unsigned now;

	play(s, "1 s");
	beat_units();
	now = node_limit_now(SLOTS, &inv, &health, node_a().n_running, &why);
	if (node_slot_limit_update(&live, play_now_ms, SLOTS, now, why)) {
		words = xasprintf("slots a %u",
				  node_slot_limit_apply(&live, SLOTS));
		go(words, 0);
		free(words);
	}
	free(why);
}

/* Finish the oldest unit on the node. */
static void answer(void)
{
	char *good = xasprintf("examined %u good", oldest);
	char *came = xasprintf("answer %u a", oldest);

	play(s, came);
	play(s, good);
	go("left", oldest);
	free(came);
	free(good);
	oldest++;
}

static void add_units(unsigned n)
{
	while (n--)
		go("unit", next_unit++);
}

FIXTURE(set_up, tear_down);

TEST(a_busy_node_gets_fewer_jobs_and_more_again)
{
	s = play_farm(1, 1, "node a up 5 slots");
	add_units(20);
	ck_assert_uint_eq(node_a().n_running, SLOTS);
	/* Other processes use three of its cores. */
	health.foreign_milli = 3000;
	for (int i = 0; i < 3; i++)
		beat();
	ck_assert_uint_eq(node_a().n_slots, SLOTS);
	beat();
	ck_assert_uint_eq(node_a().n_slots, 2);
	ck_assert_str_eq(live.reason, "3.0 cores busy with other work");
	/* Running jobs finish without successors until two are left. */
	ck_assert_uint_eq(node_a().n_running, SLOTS);
	for (int i = 0; i < 4; i++)
		answer();
	ck_assert_uint_eq(node_a().n_running, 2);
	/* The load ends: after a while the node has all its slots. */
	health.foreign_milli = 0;
	for (int i = 0; i < 11; i++)
		beat();
	ck_assert_uint_eq(node_a().n_slots, 3);
	ck_assert_uint_eq(node_a().n_running, 3);
	for (int i = 0; i < 11; i++)
		beat();
	ck_assert_uint_eq(node_a().n_slots, SLOTS);
	ck_assert_uint_eq(node_a().n_running, SLOTS);
	ck_assert_ptr_null(live.reason);
}

/* Each reduction relieves the memory, so it stops when the pressure ends. */
TEST(a_node_short_of_memory_is_relieved_step_by_step)
{
	static const unsigned steps[] = { 2, 1 };

	s = play_farm(1, 1, "node a up 5 slots");
	add_units(20);
	health.psi_memory = 4000;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		for (int k = 0; k < 5; k++)
			beat();
		ck_assert_uint_eq(node_a().n_slots, steps[i]);
		while (node_a().n_running > steps[i])
			answer();
	}
	health.psi_memory = 0;
	for (int i = 0; i < 60; i++)
		beat();
	ck_assert_uint_eq(node_a().n_slots, SLOTS);
}

TEST(heat_that_comes_and_goes_does_not_make_it_flutter)
{
	unsigned changes = 0, slots = SLOTS;

	s = play_farm(1, 1, "node a up 5 slots");
	for (int i = 0; i < 600; i++) {
		bool hot = i % 6 < 5;

		health.cooling_milli = hot ? 500 : 0;
		health.n_throttled = hot ? 4 : 0;
		health.speed_milli = hot ? 500 : 1000;
		beat();
		changes += node_a().n_slots != slots;
		slots = node_a().n_slots;
	}
	ck_assert_uint_eq(changes, 1);
	ck_assert_uint_eq(slots, 3);
}

TEST(local_slots_fall_and_rise_while_units_wait)
{
	s = play_farm(0, 3, "unit 0; unit 1; unit 2; unit 3");
	ck_assert_actions(s, "");
	/* Running compiles finish. */
	ck_assert_play(s, "locals 1", "");
	ck_assert_play(s, "left 0", "done 0 NO_NODES");
	ck_assert_play(s, "left 1", "done 1 NO_NODES");
	ck_assert_play(s, "left 2", "done 2 NO_NODES; compile 3 NO_NODES");
	ck_assert_play(s, "unit 4", "");
	ck_assert_play(s, "locals 2", "compile 4 NO_NODES");
	/* With no slot at all, no build would be possible. */
	ck_assert_play(s, "locals 0; left 3; left 4; unit 5",
		       "compile 5 NO_NODES");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node sched */
/*
 * Slot limits of a node that follow its health (node/slot-limit.h) in virtual
 * time.
 */
#include "sched-story.h"

#include "node/limits.h"
#include "node/slot-limit.h"

#define CORES 4
#define SLOTS 5

static struct node_slot_limit slot_limit;
static struct wire_health health;
static uint32_t oldest; /* unit on the node; units are served in order */

static void set_up(void)
{
	slot_limit = (struct node_slot_limit){ 0 };
	health = wire_health_unknown;
	oldest = 0;
}

static void tear_down(void)
{
	story_release();
	node_slot_limit_release(&slot_limit);
}

static struct sched_node_counts node_a(void)
{
	struct sched_node_counts f;

	sched_node_counts(story.s, 0, &f);
	return f;
}

/* Play one event, which ends with `number`, and finish all scans at once. */
static void play_and_scan(const char *event, uint32_t number)
{
	char *actions;

	story_playf("%s %u", event, number);
	actions = xstrdup(story_actions());
	for (char *at = actions; (at = strstr(at, "scan "));) {
		at += strlen("scan ");
		play_and_scan("scanned", (uint32_t)atoi(at));
	}
	free(actions);
}

/* Report progress of all running units, so that they are not hedged. */
static void send_heartbeats(void)
{
	for (uint32_t u = oldest; u < oldest + node_a().n_running; u++)
		story_playf("heartbeat %u a %u", u, (unsigned)story.now_ms);
}

/* Advance a second, send heartbeats, and pass the node's limit to sched. */
static void advance_1_s(void)
{
	struct wire_inventory inv = { .cores = CORES };
	char *why, *slots;
	unsigned now;

	story_play("1 s");
	send_heartbeats();
	now = node_limit_now(SLOTS, &inv, &health, node_a().n_running, &why);
	if (node_slot_limit_update(&slot_limit, story.now_ms, SLOTS, now,
				   why)) {
		slots = xasprintf("slots a %u",
				  node_slot_limit_apply(&slot_limit, SLOTS));
		play_and_scan(slots, 0);
		free(slots);
	}
	free(why);
}

/* Finish the oldest unit on the node. */
static void finish_unit(void)
{
	story_playf("result %1$u a; verified %1$u valid", oldest);
	play_and_scan("gone", oldest++);
}

/* Create a farm of one node with SLOTS slots and add 20 units. */
static void start_farm(void)
{
	story_play("farm nodes 1 local-slots 1; up a 5");
	for (uint32_t unit = 0; unit < 20; unit++)
		play_and_scan("unit", unit);
}

FIXTURE(set_up, tear_down);

TEST(foreign_load_reduces_the_slots_until_it_ends)
{
	start_farm();
	ck_assert_uint_eq(node_a().n_running, SLOTS);
	/* Other processes use three of its cores. */
	health.foreign_milli = 3000;
	for (int i = 0; i < 3; i++)
		advance_1_s();
	ck_assert_uint_eq(node_a().n_slots, SLOTS);
	advance_1_s();
	ck_assert_uint_eq(node_a().n_slots, 2);
	ck_assert_str_eq(slot_limit.reason, "3.0 cores busy with other work");
	/* Running jobs finish without successors until two are left. */
	ck_assert_uint_eq(node_a().n_running, SLOTS);
	for (int i = 0; i < 4; i++)
		finish_unit();
	ck_assert_uint_eq(node_a().n_running, 2);
	/* After the load ends, the node regains its slots step by step. */
	health.foreign_milli = 0;
	for (int i = 0; i < 11; i++)
		advance_1_s();
	ck_assert_uint_eq(node_a().n_slots, 3);
	ck_assert_uint_eq(node_a().n_running, 3);
	for (int i = 0; i < 11; i++)
		advance_1_s();
	ck_assert_uint_eq(node_a().n_slots, SLOTS);
	ck_assert_uint_eq(node_a().n_running, SLOTS);
	ck_assert_ptr_null(slot_limit.reason);
}

/* Each reduction frees memory, so reductions end with the pressure. */
TEST(memory_pressure_reduces_the_slots_stepwise_until_it_ends)
{
	static const unsigned steps[] = { 2, 1 };

	start_farm();
	health.psi_memory = 4000;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		for (int k = 0; k < 5; k++)
			advance_1_s();
		ck_assert_uint_eq(node_a().n_slots, steps[i]);
		while (node_a().n_running > steps[i])
			finish_unit();
	}
	health.psi_memory = 0;
	for (int i = 0; i < 60; i++)
		advance_1_s();
	ck_assert_uint_eq(node_a().n_slots, SLOTS);
}

TEST(periodic_overheating_changes_the_slots_only_once)
{
	unsigned changes = 0, slots = SLOTS;

	story_play("farm nodes 1 local-slots 1; up a 5");
	for (int i = 0; i < 600; i++) {
		bool hot = i % 6 < 5;

		health.cooling_milli = hot ? 500 : 0;
		health.n_throttled = hot ? 4 : 0;
		health.speed_milli = hot ? 500 : 1000;
		advance_1_s();
		changes += node_a().n_slots != slots;
		slots = node_a().n_slots;
	}
	ck_assert_uint_eq(changes, 1);
	ck_assert_uint_eq(slots, 3);
}

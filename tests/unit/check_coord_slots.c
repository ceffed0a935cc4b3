/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* How many jobs a node gets while a build runs, as its beats want it. */
#include "coord-play.h"

#include "suite.h"

static char limited[128]; /* why it has another number of slots */
static int64_t slots;
static uint32_t foreign;
static uint64_t busy_ms; /* when it said last that others use it */

static void on_limit(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind != EVENTS_NODE || !ev->reason ||
	    !strstr(ev->reason, "slots"))
		return;
	ck_assert_str_eq(ev->text, "up");
	snprintf(limited, sizeof(limited), "%s", ev->reason);
	slots = ev->slots;
}

/* It beats until it was told that its limit is another one. */
static bool limit_is_told(void)
{
	static uint64_t beat_ms;
	struct wire_health health = wire_health_unknown;
	struct wire_beat beat = { 0 };
	struct buf body = { 0 };

	if (limited[0])
		return true;
	if (clock_ms() <= beat_ms + 500)
		return false;
	beat_ms = clock_ms();
	if (foreign)
		busy_ms = beat_ms;
	health.foreign_milli = foreign;
	wire_health_encode(&body, &health, WIRE_VERSION);
	say(&nodes[0], WIRE_HEALTH, &body);
	wire_beat_encode(&body, &beat);
	say(&nodes[0], WIRE_BEAT, &body);
	return false;
}

START_TEST(a_node_that_others_use_has_fewer_slots_for_a_while)
{
	struct events_consumer listener = { .told = on_limit };

	events_hub_add(hub, &listener);
	play_node(0, HONEST);
	start();
	wait_for_cells();
	ck_assert_uint_eq(coord_remote_slots(coord), 3);
	foreign = 2000;
	turn_until(limit_is_told, 60000);
	ck_assert_str_eq(limited, "2 of 3 slots: 2.0 cores busy with other "
				  "things");
	ck_assert_int_eq(slots, 2);
	turn_until(never, 50);
	ck_assert_uint_eq(coord_remote_slots(coord), 2);
	/* It is used all the same. */
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	limited[0] = '\0';
	foreign = 0;
	turn_until(limit_is_told, 60000);
	ck_assert_str_eq(limited, "3 slots again");
	ck_assert_int_eq(slots, 3);
	ck_assert_uint_ge(clock_ms() - busy_ms, 9000);
	turn_until(never, 50);
	ck_assert_uint_eq(coord_remote_slots(coord), 3);
	events_hub_remove(hub, &listener);
}
END_TEST

static unsigned loads;

static void on_load_told(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	loads += ev->kind == EVENTS_LOAD;
}

/* Each would be a line in the log of events. */
START_TEST(a_node_that_beats_without_end_fills_no_log)
{
	struct events_consumer listener = { .told = on_load_told };
	struct wire_beat beat = { 0 };
	struct buf body = { 0 };

	events_hub_add(hub, &listener);
	play_node(0, HONEST);
	start();
	wait_for_cells();
	loads = 0;
	for (int i = 0; i < 20000; i++) {
		wire_beat_encode(&body, &beat);
		say(&nodes[0], WIRE_BEAT, &body);
		if (i % 1000 == 0)
			turn_until(never, 20);
	}
	turn_until(never, 500);
	ck_assert_uint_ge(loads, 1);
	ck_assert_uint_le(loads, 100);
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	events_hub_remove(hub, &listener);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coord/slots");
	TCase *tc = tcase_create("slots");

	tcase_set_timeout(tc, 180);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_node_that_others_use_has_fewer_slots_for_a_while);
	tcase_add_test(tc, a_node_that_beats_without_end_fills_no_log);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

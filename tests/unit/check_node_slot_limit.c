/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
/* A node with 10 slots and a heartbeat each second, in virtual time. */
#include "../lib/test.h"

#include "node/slot-limit.h"

#define SLOTS 10

static struct node_slot_limit l;
static uint64_t now_ms;

static void set_up(void)
{
	l = (struct node_slot_limit){ 0 };
	now_ms = 500;
}

static void tear_down(void)
{
	node_slot_limit_release(&l);
}

/*
 * Send `n` heartbeats with a target of `slots`.  Returns the number of changes.
 */
static unsigned send_heartbeats(unsigned n, unsigned slots)
{
	char *text = slots < SLOTS ? xasprintf("for %u", slots) : NULL;
	unsigned changes = 0;

	while (n--) {
		now_ms += 1000;
		changes += node_slot_limit_update(&l, now_ms, SLOTS, slots,
						  text);
	}
	free(text);
	return changes;
}

static unsigned current_limit(void)
{
	return node_slot_limit_apply(&l, SLOTS);
}

FIXTURE(set_up, tear_down);

TEST(a_full_target_leaves_the_limit_unchanged)
{
	ck_assert_uint_eq(send_heartbeats(100, SLOTS), 0);
	ck_assert_uint_eq(current_limit(), SLOTS);
	ck_assert_ptr_null(l.reason);
}

TEST(the_limit_falls_after_three_seconds)
{
	ck_assert_uint_eq(send_heartbeats(3, 4), 0);
	ck_assert_uint_eq(current_limit(), SLOTS);
	ck_assert_uint_eq(send_heartbeats(1, 4), 1);
	ck_assert_uint_eq(current_limit(), 4);
	ck_assert_str_eq(l.reason, "for 4");
	ck_assert_uint_eq(send_heartbeats(100, 4), 0);
}

TEST(short_reductions_of_the_target_are_ignored)
{
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(send_heartbeats(3, 1), 0);
		ck_assert_uint_eq(send_heartbeats(1, SLOTS), 0);
	}
	ck_assert_uint_eq(current_limit(), SLOTS);
}

TEST(the_limit_falls_to_the_highest_recent_target)
{
	send_heartbeats(1, 1);
	send_heartbeats(1, 6);
	send_heartbeats(2, 2);
	ck_assert_uint_eq(current_limit(), 6);
	ck_assert_str_eq(l.reason, "for 6");
	/* The limit decreases further if the target persists. */
	send_heartbeats(4, 2);
	ck_assert_uint_eq(current_limit(), 2);
}

TEST(the_limit_rises_by_half_after_ten_seconds)
{
	send_heartbeats(4, 6);
	ck_assert_uint_eq(send_heartbeats(10, SLOTS), 0);
	ck_assert_uint_eq(current_limit(), 6);
	ck_assert_uint_eq(send_heartbeats(1, SLOTS), 1);
	/* The limit rises by half of its value. */
	ck_assert_uint_eq(current_limit(), 9);
	ck_assert_str_eq(l.reason, "for 6");
	ck_assert_uint_eq(send_heartbeats(11, SLOTS), 1);
	ck_assert_uint_eq(current_limit(), SLOTS);
	ck_assert_ptr_null(l.reason);
	ck_assert_uint_eq(l.max_slots, 0);
}

TEST(a_limit_of_one_rises_in_several_steps)
{
	static const unsigned steps[] = { 2, 3, 5, 8, 10 };

	send_heartbeats(4, 1);
	ck_assert_uint_eq(current_limit(), 1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		ck_assert_uint_eq(send_heartbeats(11, SLOTS), 1);
		ck_assert_uint_eq(current_limit(), steps[i]);
	}
}

TEST(the_limit_rises_to_the_lowest_recent_target)
{
	send_heartbeats(4, 4);
	send_heartbeats(5, 6);
	send_heartbeats(1, 5);
	send_heartbeats(5, 6);
	ck_assert_uint_eq(current_limit(), 5);
	ck_assert_str_eq(l.reason, "for 5");
}

TEST(an_oscillating_target_keeps_the_lower_limit)
{
	unsigned changes = 0;

	send_heartbeats(4, 4);
	for (int i = 0; i < 100; i++) {
		changes += send_heartbeats(8, SLOTS);
		changes += send_heartbeats(1, 4);
	}
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(current_limit(), 4);
}

TEST(the_limit_does_not_exceed_a_lower_number_of_slots)
{
	send_heartbeats(4, 6);
	ck_assert_uint_eq(node_slot_limit_apply(&l, 3), 3);
	ck_assert_uint_eq(node_slot_limit_apply(&l, 0), 0);
	/* The user has set a lower limit, so no reduction is in effect. */
	ck_assert(!node_slot_limit_update(&l, now_ms + 1000, 3, 3, NULL));
}

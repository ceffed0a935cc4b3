/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
/* A node with 10 slots and a heartbeat each second, in virtual time. */
#include "../lib/test.h"

#include "node/slot-limit.h"

#define SLOTS 10

static struct node_slot_limit l;
static uint64_t now_ms;

static void begin(void)
{
	l = (struct node_slot_limit){ 0 };
	now_ms = 500;
}

static void end(void)
{
	node_slot_limit_release(&l);
}

/*
 * Send `n` heartbeats with a target of `slots`.  Returns the number of changes.
 */
static unsigned beats(unsigned n, unsigned slots)
{
	char *why = slots < SLOTS ? xasprintf("for %u", slots) : NULL;
	unsigned changes = 0;

	while (n--) {
		now_ms += 1000;
		changes += node_slot_limit_update(&l, now_ms, SLOTS, slots,
						  why);
	}
	free(why);
	return changes;
}

static unsigned is_now(void)
{
	return node_slot_limit_apply(&l, SLOTS);
}

FIXTURE(begin, end);

TEST(nothing_in_the_way_changes_nothing)
{
	ck_assert_uint_eq(beats(100, SLOTS), 0);
	ck_assert_uint_eq(is_now(), SLOTS);
	ck_assert_ptr_null(l.reason);
}

TEST(it_falls_after_three_seconds)
{
	ck_assert_uint_eq(beats(3, 4), 0);
	ck_assert_uint_eq(is_now(), SLOTS);
	ck_assert_uint_eq(beats(1, 4), 1);
	ck_assert_uint_eq(is_now(), 4);
	ck_assert_str_eq(l.reason, "for 4");
	ck_assert_uint_eq(beats(100, 4), 0);
}

TEST(a_short_peak_changes_nothing)
{
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(beats(3, 1), 0);
		ck_assert_uint_eq(beats(1, SLOTS), 0);
	}
	ck_assert_uint_eq(is_now(), SLOTS);
}

TEST(it_falls_to_the_most_that_was_asked_for)
{
	beats(1, 1);
	beats(1, 6);
	beats(2, 2);
	ck_assert_uint_eq(is_now(), 6);
	ck_assert_str_eq(l.reason, "for 6");
	/* The limit decreases further if the target persists. */
	beats(4, 2);
	ck_assert_uint_eq(is_now(), 2);
}

TEST(it_comes_back_after_ten_seconds)
{
	beats(4, 6);
	ck_assert_uint_eq(beats(10, SLOTS), 0);
	ck_assert_uint_eq(is_now(), 6);
	ck_assert_uint_eq(beats(1, SLOTS), 1);
	/* By half of the current limit. */
	ck_assert_uint_eq(is_now(), 9);
	ck_assert_str_eq(l.reason, "for 6");
	ck_assert_uint_eq(beats(11, SLOTS), 1);
	ck_assert_uint_eq(is_now(), SLOTS);
	ck_assert_ptr_null(l.reason);
	ck_assert_uint_eq(l.max_slots, 0);
}

TEST(from_one_it_comes_back_step_by_step)
{
	static const unsigned steps[] = { 2, 3, 5, 8, 10 };

	beats(4, 1);
	ck_assert_uint_eq(is_now(), 1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		ck_assert_uint_eq(beats(11, SLOTS), 1);
		ck_assert_uint_eq(is_now(), steps[i]);
	}
}

TEST(it_rises_to_the_least_that_was_asked_for)
{
	beats(4, 4);
	beats(5, 6);
	beats(1, 5);
	beats(5, 6);
	ck_assert_uint_eq(is_now(), 5);
	ck_assert_str_eq(l.reason, "for 5");
}

/* An oscillating target keeps the lower limit, which is reported once. */
TEST(what_flutters_stays_low)
{
	unsigned changes = 0;

	beats(4, 4);
	for (int i = 0; i < 100; i++) {
		changes += beats(8, SLOTS);
		changes += beats(1, 4);
	}
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(is_now(), 4);
}

TEST(of_fewer_slots_no_more_are_left)
{
	beats(4, 6);
	ck_assert_uint_eq(node_slot_limit_apply(&l, 3), 3);
	ck_assert_uint_eq(node_slot_limit_apply(&l, 0), 0);
	/* The user has set a lower limit, so no reduction is in effect. */
	ck_assert(!node_slot_limit_update(&l, now_ms + 1000, 3, 3, NULL));
}

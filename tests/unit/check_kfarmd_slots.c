/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/slots.h"

#define PLACES 64

static struct kfarmd_slots slots;
static struct kfarmd_slot place[PLACES];
static unsigned started;

static void start(void *ctx)
{
	(void)ctx;
	started++;
}

/* Fail at once, like a compiler that does not start. */
static void start_and_leave(void *ctx)
{
	started++;
	kfarmd_slots_remove_job(&slots, ctx);
}

static int enter(unsigned i)
{
	struct err err;

	place[i] = (struct kfarmd_slot){ .on_granted = start,
					 .ctx = &place[i] };
	return kfarmd_slots_add_job(&slots, &place[i], &err);
}

static const struct limit {
	unsigned cores, given, limit, run;
} limits[] = {
	{ 1, 0, 2, 1 },    { 2, 0, 3, 2 }, { 4, 0, 5, 4 },     { 6, 0, 8, 6 },
	{ 64, 0, 80, 64 }, { 8, 2, 2, 2 }, { 2, 100, 100, 2 },
};

TEST_EACH(the_limit_is_a_quarter_more_than_the_cores_unless_given, limits)
{
	kfarmd_slots_init(&slots, row->cores, row->given);
	ck_assert_uint_eq(slots.n_advertised, row->limit);
	ck_assert_uint_eq(slots.max_running, row->run);
	ck_assert_uint_eq(slots.max_jobs, 4 * row->limit);
}

TEST(jobs_beyond_four_times_the_limit_are_refused)
{
	kfarmd_slots_init(&slots, 2, 0);
	for (unsigned i = 0; i < 12; i++)
		ck_assert_int_eq(enter(i), 0);
	ck_assert_int_eq(enter(12), -EBUSY);
	kfarmd_slots_remove_job(&slots, &place[12]); /* was never added */
	ck_assert_int_eq(enter(13), -EBUSY);
	kfarmd_slots_remove_job(&slots, &place[3]);
	ck_assert_int_eq(enter(13), 0);
}

TEST(jobs_run_in_order_as_many_as_there_are_cores)
{
	started = 0;
	kfarmd_slots_init(&slots, 2, 0);
	for (unsigned i = 0; i < 5; i++) {
		enter(i);
		kfarmd_slots_queue_job(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 2);
	ck_assert_int_eq(place[1].state, KFARMD_SLOT_RUNNING);
	ck_assert_int_eq(place[2].state, KFARMD_SLOT_QUEUED);
	kfarmd_slots_end_run(&slots, &place[0]);
	ck_assert_uint_eq(started, 3);
	kfarmd_slots_remove_job(&slots, &place[0]);
	ck_assert_uint_eq(started, 3);
	kfarmd_slots_remove_job(&slots, &place[3]); /* while it waits */
	kfarmd_slots_remove_job(&slots, &place[1]);
	ck_assert_int_eq(place[4].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_remove_job(&slots, &place[2]);
	kfarmd_slots_remove_job(&slots, &place[4]);
	ck_assert_uint_eq(slots.n_jobs, 0);
	ck_assert_uint_eq(slots.n_running, 0);
}

TEST(a_share_that_is_used_up_lets_others_past)
{
	struct kfarmd_slot_share two = { .max_running = 2 };

	started = 0;
	kfarmd_slots_init(&slots, 4, 0);
	for (unsigned i = 0; i < 5; i++) {
		enter(i);
		if (i < 4)
			place[i].share = &two;
		kfarmd_slots_queue_job(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 3);
	ck_assert_uint_eq(two.n_running, 2);
	ck_assert_int_eq(place[2].state, KFARMD_SLOT_QUEUED);
	ck_assert_int_eq(place[4].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_remove_job(&slots,
				&place[4]); /* unsuitable for the others */
	ck_assert_uint_eq(started, 3);
	kfarmd_slots_end_run(&slots, &place[0]);
	ck_assert_int_eq(place[2].state, KFARMD_SLOT_RUNNING);
	ck_assert_uint_eq(two.n_running, 2);
	for (unsigned i = 0; i < 4; i++)
		kfarmd_slots_remove_job(&slots, &place[i]);
	ck_assert_uint_eq(two.n_running, 0);
	ck_assert_uint_eq(slots.n_running, 0);
	ck_assert_uint_eq(slots.n_jobs, 0);
}

TEST(jobs_that_fail_to_start_make_room_for_the_next)
{
	started = 0;
	kfarmd_slots_init(&slots, 4, 0);
	for (unsigned i = 0; i < 20; i++) {
		enter(i);
		place[i].on_granted = start_and_leave;
		kfarmd_slots_queue_job(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 20);
	ck_assert_uint_eq(slots.n_jobs, 0);
	ck_assert_uint_eq(slots.n_running, 0);
}

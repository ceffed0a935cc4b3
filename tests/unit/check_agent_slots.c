/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
#include "agent/slots.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define PLACES 64

static struct agent_slots slots;
static struct agent_place place[PLACES];
static unsigned started;

static void start(void *ctx)
{
	(void)ctx;
	started++;
}

/* Fails at once, as a compiler that cannot be started. */
static void start_and_leave(void *ctx)
{
	started++;
	agent_slots_leave(&slots, ctx);
}

static int enter(unsigned i)
{
	struct err err;

	place[i] = (struct agent_place){ .start = start, .ctx = &place[i] };
	return agent_slots_enter(&slots, &place[i], &err);
}

static const struct limit {
	unsigned cores, given, limit, run;
} limits[] = {
	{ 1, 0, 2, 1 },    { 2, 0, 3, 2 }, { 4, 0, 5, 4 },     { 6, 0, 8, 6 },
	{ 64, 0, 80, 64 }, { 8, 2, 2, 2 }, { 2, 100, 100, 2 },
};

START_TEST(the_limit_is_a_quarter_more_than_the_cores_unless_given)
{
	agent_slots_init(&slots, limits[_i].cores, limits[_i].given);
	ck_assert_uint_eq(slots.limit, limits[_i].limit);
	ck_assert_uint_eq(slots.run, limits[_i].run);
	ck_assert_uint_eq(slots.most, 4 * limits[_i].limit);
}
END_TEST

START_TEST(jobs_beyond_four_times_the_limit_are_refused)
{
	agent_slots_init(&slots, 2, 0);
	for (unsigned i = 0; i < 12; i++)
		ck_assert_int_eq(enter(i), 0);
	ck_assert_int_eq(enter(12), -EBUSY);
	agent_slots_leave(&slots, &place[12]); /* it never was there */
	ck_assert_int_eq(enter(13), -EBUSY);
	agent_slots_leave(&slots, &place[3]);
	ck_assert_int_eq(enter(13), 0);
}
END_TEST

START_TEST(jobs_run_in_order_as_many_as_there_are_cores)
{
	started = 0;
	agent_slots_init(&slots, 2, 0);
	for (unsigned i = 0; i < 5; i++) {
		enter(i);
		agent_slots_wait(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 2);
	ck_assert_int_eq(place[1].state, AGENT_PLACE_RUNNING);
	ck_assert_int_eq(place[2].state, AGENT_PLACE_WAITING);
	agent_slots_rest(&slots, &place[0]);
	ck_assert_uint_eq(started, 3);
	agent_slots_leave(&slots, &place[0]);
	ck_assert_uint_eq(started, 3);
	agent_slots_leave(&slots, &place[3]); /* while it waits */
	agent_slots_leave(&slots, &place[1]);
	ck_assert_int_eq(place[4].state, AGENT_PLACE_RUNNING);
	agent_slots_leave(&slots, &place[2]);
	agent_slots_leave(&slots, &place[4]);
	ck_assert_uint_eq(slots.held, 0);
	ck_assert_uint_eq(slots.running, 0);
}
END_TEST

START_TEST(a_share_that_is_used_up_lets_others_past)
{
	struct agent_share two = { .most = 2 };

	started = 0;
	agent_slots_init(&slots, 4, 0);
	for (unsigned i = 0; i < 5; i++) {
		enter(i);
		if (i < 4)
			place[i].share = &two;
		agent_slots_wait(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 3);
	ck_assert_uint_eq(two.running, 2);
	ck_assert_int_eq(place[2].state, AGENT_PLACE_WAITING);
	ck_assert_int_eq(place[4].state, AGENT_PLACE_RUNNING);
	agent_slots_leave(&slots, &place[4]); /* of no use to the others */
	ck_assert_uint_eq(started, 3);
	agent_slots_rest(&slots, &place[0]);
	ck_assert_int_eq(place[2].state, AGENT_PLACE_RUNNING);
	ck_assert_uint_eq(two.running, 2);
	for (unsigned i = 0; i < 4; i++)
		agent_slots_leave(&slots, &place[i]);
	ck_assert_uint_eq(two.running, 0);
	ck_assert_uint_eq(slots.running, 0);
	ck_assert_uint_eq(slots.held, 0);
}
END_TEST

START_TEST(jobs_that_fail_to_start_make_room_for_the_next)
{
	started = 0;
	agent_slots_init(&slots, 4, 0);
	for (unsigned i = 0; i < 20; i++) {
		enter(i);
		place[i].start = start_and_leave;
		agent_slots_wait(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 20);
	ck_assert_uint_eq(slots.held, 0);
	ck_assert_uint_eq(slots.running, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/slots");
	TCase *t = tcase_create("slots");

	tcase_add_loop_test(
		t, the_limit_is_a_quarter_more_than_the_cores_unless_given, 0,
		sizeof(limits) / sizeof(*limits));
	tcase_add_test(t, jobs_beyond_four_times_the_limit_are_refused);
	tcase_add_test(t, jobs_run_in_order_as_many_as_there_are_cores);
	tcase_add_test(t, a_share_that_is_used_up_lets_others_past);
	tcase_add_test(t, jobs_that_fail_to_start_make_room_for_the_next);
	suite_add_tcase(s, t);
	return suite_run(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/fake-clock.h"
#include "../lib/test.h"

#include "kfarmd/slots.h"

#include <stdlib.h>

#define PLACES 64

#define CLIENTS 8

static struct kfarmd_slots slots;
static struct kfarmd_slot_client clients[CLIENTS];
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

static void add_client(unsigned i, double weight)
{
	clients[i] = (struct kfarmd_slot_client){ .weight = weight,
						  .ignores_leases = true };

	kfarmd_slots_add_client(&slots, &clients[i]);
}

/* Initialize the slots, with one client. */
static void init_slots(unsigned cores, unsigned configured)
{
	kfarmd_slots_init(&slots, cores, configured);
	add_client(0, 100);
	started = 0;
}

static int enter_for(unsigned client, unsigned i)
{
	struct err err;

	place[i] = (struct kfarmd_slot){ .client = &clients[client],
					 .on_granted = start,
					 .on_paused = start,
					 .ctx = &place[i] };
	return kfarmd_slots_add_job(&slots, &place[i], &err);
}

static int enter(unsigned i)
{
	return enter_for(0, i);
}

static const struct limit {
	unsigned cores, given, limit, run;
} limits[] = {
	{ 1, 0, 2, 1 },    { 2, 0, 3, 2 }, { 4, 0, 5, 4 },     { 6, 0, 8, 6 },
	{ 64, 0, 80, 64 }, { 8, 2, 2, 2 }, { 2, 100, 100, 2 },
};

TEST_EACH(the_limit_is_a_quarter_more_than_the_cores_unless_given, limits)
{
	init_slots(row->cores, row->given);
	ck_assert_uint_eq(slots.n_advertised, row->limit);
	ck_assert_uint_eq(slots.max_running, row->run);
	ck_assert_uint_eq(slots.max_jobs, 4 * row->limit);
}

TEST(jobs_beyond_four_times_the_limit_are_refused)
{
	init_slots(2, 0);
	add_client(1, 100);
	add_client(2, 1);
	for (unsigned i = 0; i < 9; i++)
		ck_assert_int_eq(enter(i), 0);
	/* One client gets at most three quarters. */
	ck_assert_int_eq(enter(9), -EBUSY);
	for (unsigned i = 9; i < 12; i++)
		ck_assert_int_eq(enter_for(1, i), 0);
	ck_assert_int_eq(enter_for(1, 12), -EBUSY);
	kfarmd_slots_remove_job(&slots, &place[12]); /* was never added */
	ck_assert_int_eq(enter_for(1, 13), -EBUSY);
	/* The first job of a client is always accepted. */
	ck_assert_int_eq(enter_for(2, 14), 0);
	ck_assert_int_eq(enter_for(2, 15), -EBUSY);
	kfarmd_slots_remove_job(&slots, &place[3]);
	kfarmd_slots_remove_job(&slots, &place[4]);
	ck_assert_int_eq(enter_for(1, 13), 0);
}

TEST(jobs_run_in_order_as_many_as_there_are_cores)
{
	init_slots(2, 0);
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

	init_slots(4, 0);
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
	init_slots(4, 0);
	for (unsigned i = 0; i < 20; i++) {
		enter(i);
		place[i].on_granted = start_and_leave;
		kfarmd_slots_queue_job(&slots, &place[i]);
	}
	ck_assert_uint_eq(started, 20);
	ck_assert_uint_eq(slots.n_jobs, 0);
	ck_assert_uint_eq(slots.n_running, 0);
}

static void queue_for(unsigned client, unsigned i)
{
	ck_assert_int_eq(enter_for(client, i), 0);
	kfarmd_slots_queue_job(&slots, &place[i]);
}

/* Let a second pass and update the slots. */
static void pass_second(void)
{
	fake_clock_ms += 1000;
	kfarmd_slots_update(&slots, 8 * KFARMD_SLOTS_PAUSE_MIB);
}

TEST(the_slots_are_divided_by_weight_while_clients_need_them)
{
	init_slots(16, 20);
	add_client(1, 300);
	ck_assert_uint_eq(clients[0].n_leased, WIRE_LEASE_UNLIMITED);
	for (unsigned i = 0; i < 20; i++)
		queue_for(0, i);
	/* This client could have three quarters. */
	ck_assert_uint_eq(clients[0].n_leased, WIRE_LEASE_UNLIMITED);
	ck_assert_uint_eq(clients[1].n_leased, 15);
	for (unsigned i = 20; i < 35; i++)
		queue_for(1, i);
	ck_assert_uint_eq(clients[0].n_leased, 5);
	ck_assert_uint_eq(clients[1].n_leased, 15);
	/* It needs only 4 slots, so the other client gets the others. */
	for (unsigned i = 22; i < 35; i++)
		kfarmd_slots_remove_job(&slots, &place[i]);
	pass_second();
	pass_second();
	ck_assert_uint_eq(clients[0].n_leased, 16);
	ck_assert_uint_eq(clients[1].n_leased, 4);
	/* It uses its lease, so it gets its share. */
	queue_for(1, 22);
	queue_for(1, 23);
	ck_assert_uint_eq(clients[0].n_leased, 5);
	ck_assert_uint_eq(clients[1].n_leased, 15);
	for (unsigned i = 20; i < 24; i++)
		kfarmd_slots_remove_job(&slots, &place[i]);
	kfarmd_slots_remove_client(&slots, &clients[1]);
	ck_assert_uint_eq(clients[0].n_leased, WIRE_LEASE_UNLIMITED);
}

TEST(a_lease_is_at_least_one_slot)
{
	init_slots(1, 2);
	for (unsigned i = 1; i < CLIENTS; i++)
		add_client(i, 1);
	for (unsigned i = 0; i < 4; i++)
		queue_for(i, i);
	for (unsigned i = 1; i < CLIENTS; i++)
		ck_assert_uint_eq(clients[i].n_leased, 1);
}

TEST(jobs_beyond_a_shorter_lease_are_refused_after_three_seconds)
{
	struct err err;

	init_slots(8, 10);
	add_client(1, 100);
	clients[0].ignores_leases = clients[1].ignores_leases = false;
	for (unsigned i = 0; i < 10; i++)
		queue_for(0, i);
	for (unsigned i = 10; i < 16; i++)
		queue_for(1, i);
	ck_assert_uint_eq(clients[0].n_leased, 5);
	for (unsigned i = 16; i < 19; i++) {
		queue_for(0, i);
		pass_second();
	}
	ck_assert_int_eq(enter_for(0, 19), -EBUSY);
	kfarmd_slots_add_job(&slots, &place[19], &err);
	ck_assert_str_eq(err.text,
			 "too many jobs: this build host has 13 already");
	/* One more than the lease is accepted. */
	for (unsigned i = 0; i < 8; i++)
		kfarmd_slots_remove_job(&slots, &place[i]);
	ck_assert_int_eq(enter_for(0, 19), 0);
	ck_assert_int_eq(enter_for(0, 20), -EBUSY);
	/* A client whose version has no LEASE is not refused. */
	clients[0].ignores_leases = true;
	ck_assert_int_eq(enter_for(0, 20), 0);
}

/* Jobs that the node refuses are a demand, which shortens the leases of others.
 */
TEST(a_client_without_a_free_slot_gets_its_share)
{
	init_slots(2, 4);
	add_client(1, 1000);
	clients[0].ignores_leases = false;
	for (unsigned i = 0; i < 12; i++)
		enter(i);
	for (unsigned i = 12; i < 17; i++)
		enter_for(1, i);
	ck_assert_int_eq(enter_for(1, 17), -EBUSY);
	pass_second();
	ck_assert_uint_eq(clients[0].n_leased, 1);
	for (unsigned i = 0; i < 2; i++)
		kfarmd_slots_remove_job(&slots, &place[i]);
	ck_assert_int_eq(enter_for(1, 17), 0);
}

/* A client could otherwise start a session for each job and run before others.
 */
TEST(a_new_session_has_no_credit)
{
	init_slots(1, 8);
	add_client(1, 100);
	queue_for(0, 0);
	queue_for(1, 1);
	for (unsigned i = 2; i < CLIENTS; i++)
		add_client(i, 100);
	for (unsigned i = 2; i < CLIENTS; i++)
		queue_for(i, i);
	fake_clock_ms += 20000;
	kfarmd_slots_remove_job(&slots, &place[0]);
	ck_assert_int_eq(place[1].state, KFARMD_SLOT_RUNNING);
}

/*
 * Two clients have `n` jobs each all the time.  Jobs take 100 ms to 8 s.  Store
 * the run time of each client after an hour.
 */
static void share_node(unsigned cores, unsigned n, double *ms)
{
	uint64_t end_ms[PLACES] = { 0 };

	ms[0] = ms[1] = 0;
	for (unsigned i = 0; i < 2 * n; i++)
		queue_for(i % 2, i);
	for (unsigned t = 0; t < 36000; t++) {
		fake_clock_ms += 100;
		for (unsigned i = 0; i < 2 * n; i++) {
			if (place[i].state != KFARMD_SLOT_RUNNING ||
			    place[i].since_ms == fake_clock_ms)
				continue;
			if (!end_ms[i])
				end_ms[i] = 100 + 100 * (uint64_t)(rand() % 80);
			ms[i % 2] += 100;
			end_ms[i] -= 100;
			if (end_ms[i])
				continue;
			kfarmd_slots_remove_job(&slots, &place[i]);
			queue_for(i % 2, i);
		}
		if (t % 10 == 0)
			kfarmd_slots_update(&slots, KFARMD_SLOTS_PAUSE_MIB);
		ck_assert_uint_eq(slots.n_running, cores);
	}
}

static const struct sharing {
	unsigned cores;
	double weight[2];
} sharings[] = {
	{ 1, { 300, 100 } }, { 2, { 300, 100 } },  { 4, { 300, 100 } },
	{ 8, { 300, 100 } }, { 2, { 100, 10 } },   { 4, { 100, 100 } },
	{ 3, { 100, 50 } },  { 8, { 1000, 100 } },
};

TEST_EACH(two_clients_get_run_time_by_weight, sharings)
{
	double ms[2], want = row->weight[0] / row->weight[1];

	srand(34);
	init_slots(row->cores, 2 * row->cores);
	kfarmd_slots_set_weight(&clients[0], row->weight[0]);
	add_client(1, row->weight[1]);
	share_node(row->cores, 2 * row->cores, ms);
	ck_assert_double_ge(ms[0] / ms[1], 0.95 * want);
	ck_assert_double_le(ms[0] / ms[1], 1.05 * want);
}

TEST(time_that_a_client_does_not_use_is_hardly_a_credit)
{
	static const unsigned order[] = { 0, 10, 11, 1, 12 };

	init_slots(1, 8);
	add_client(1, 100);
	queue_for(1, 20);
	kfarmd_slots_remove_job(&slots, &place[20]);
	queue_for(0, 0);
	fake_clock_ms += 3600000;
	queue_for(0, 1);
	for (unsigned i = 10; i < 14; i++)
		queue_for(1, i);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(place[order[i]].state, KFARMD_SLOT_RUNNING);
		fake_clock_ms += 20000;
		kfarmd_slots_remove_job(&slots, &place[order[i]]);
	}
}

TEST(a_job_of_a_low_weight_is_paused_after_a_second)
{
	init_slots(2, 4);
	add_client(1, 10);
	queue_for(1, 0);
	queue_for(1, 1);
	fake_clock_ms += 60000;
	queue_for(0, 2);
	queue_for(0, 3);
	kfarmd_slots_update(&slots, KFARMD_SLOTS_PAUSE_MIB);
	ck_assert_int_eq(place[2].state, KFARMD_SLOT_QUEUED);
	pass_second();
	ck_assert_int_eq(place[0].state, KFARMD_SLOT_PAUSED);
	ck_assert_int_eq(place[1].state, KFARMD_SLOT_PAUSED);
	ck_assert_int_eq(place[2].state, KFARMD_SLOT_RUNNING);
	ck_assert_int_eq(place[3].state, KFARMD_SLOT_RUNNING);
	/* It continues before the queued jobs of its client. */
	queue_for(1, 4);
	kfarmd_slots_remove_job(&slots, &place[2]);
	kfarmd_slots_remove_job(&slots, &place[3]);
	ck_assert_int_eq(place[0].state, KFARMD_SLOT_RUNNING);
	ck_assert_int_eq(place[1].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_remove_job(&slots, &place[1]);
	ck_assert_int_eq(place[4].state, KFARMD_SLOT_RUNNING);
}

/* The next job in the order can belong to another client with a low weight. */
TEST(a_job_is_paused_also_if_a_low_weight_is_next)
{
	init_slots(1, 8);
	add_client(1, 10);
	add_client(2, 10);
	queue_for(1, 0);
	queue_for(2, 1);
	fake_clock_ms += 100;
	queue_for(0, 2);
	pass_second();
	pass_second();
	ck_assert_int_eq(place[0].state, KFARMD_SLOT_PAUSED);
	ck_assert_int_eq(place[2].state, KFARMD_SLOT_RUNNING);
}

TEST(at_most_the_jobs_for_which_there_is_memory_are_paused)
{
	init_slots(4, 8);
	add_client(1, 10);
	for (unsigned i = 0; i < 4; i++)
		queue_for(1, i);
	fake_clock_ms += 60000;
	for (unsigned i = 4; i < 8; i++)
		queue_for(0, i);
	fake_clock_ms += 1000;
	kfarmd_slots_update(&slots, 2 * KFARMD_SLOTS_PAUSE_MIB + 1);
	ck_assert_uint_eq(clients[0].n_running, 2);
	ck_assert_uint_eq(clients[1].n_running, 2);
	/* A run can end while it is paused. */
	for (unsigned i = 0; i < 4; i++)
		kfarmd_slots_end_run(&slots, &place[i]);
	ck_assert_uint_eq(clients[0].n_running, 4);
	ck_assert_uint_eq(slots.n_running, 4);
}

TEST(no_job_is_paused_without_memory_or_for_an_equal_weight)
{
	init_slots(1, 4);
	add_client(1, 51);
	queue_for(1, 0);
	fake_clock_ms += 60000;
	queue_for(0, 1);
	for (unsigned i = 0; i < 9; i++)
		pass_second();
	ck_assert_int_eq(place[0].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_set_weight(&clients[1], 50);
	fake_clock_ms += 1000;
	kfarmd_slots_update(&slots, KFARMD_SLOTS_PAUSE_MIB - 1);
	ck_assert_int_eq(place[0].state, KFARMD_SLOT_RUNNING);
	pass_second();
	ck_assert_int_eq(place[0].state, KFARMD_SLOT_PAUSED);
	/* A paused job can be removed. */
	kfarmd_slots_remove_job(&slots, &place[0]);
	ck_assert_uint_eq(slots.n_jobs, 1);
	ck_assert_uint_eq(clients[1].n_jobs, 0);
}

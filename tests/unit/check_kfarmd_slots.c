/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/fake-clock.h"
#include "../lib/test.h"

#include "kfarmd/slots.h"

#include <stdlib.h>

#define JOBS 64

#define CLIENTS 8

static struct kfarmd_slots slots;
static struct kfarmd_slot_client clients[CLIENTS];
static struct kfarmd_slot job[JOBS];
static unsigned started;

static void start(void *ctx)
{
	(void)ctx;
	started++;
}

/* Fail at once, like a compiler that does not start. */
static void start_and_fail(void *ctx)
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

static int add_job_of(unsigned client, unsigned i)
{
	struct err err;

	job[i] = (struct kfarmd_slot){ .client = &clients[client],
				       .on_granted = start,
				       .on_paused = start,
				       .ctx = &job[i] };
	return kfarmd_slots_add_job(&slots, &job[i], &err);
}

static int add_job(unsigned i)
{
	return add_job_of(0, i);
}

static const struct limit {
	unsigned cores, given, limit, run;
} limits[] = {
	{ 1, 0, 2, 1 },    { 2, 0, 3, 2 }, { 4, 0, 5, 4 },     { 6, 0, 8, 6 },
	{ 64, 0, 80, 64 }, { 8, 2, 2, 2 }, { 2, 100, 100, 2 },
};

TEST_EACH(slots_default_to_125_percent_of_the_cores, limits)
{
	init_slots(row->cores, row->given);
	ck_assert_uint_eq(slots.n_advertised, row->limit);
	ck_assert_uint_eq(slots.max_running, row->run);
	ck_assert_uint_eq(slots.max_jobs, 4 * row->limit);
}

TEST(jobs_beyond_four_times_the_slots_are_rejected)
{
	init_slots(2, 0);
	add_client(1, 100);
	add_client(2, 1);
	for (unsigned i = 0; i < 9; i++)
		ck_assert_int_eq(add_job(i), 0);
	/* One client gets at most three quarters of the jobs. */
	ck_assert_int_eq(add_job(9), -EBUSY);
	for (unsigned i = 9; i < 12; i++)
		ck_assert_int_eq(add_job_of(1, i), 0);
	ck_assert_int_eq(add_job_of(1, 12), -EBUSY);
	kfarmd_slots_remove_job(&slots, &job[12]); /* was never added */
	ck_assert_int_eq(add_job_of(1, 13), -EBUSY);
	/* The first job of a client is always accepted. */
	ck_assert_int_eq(add_job_of(2, 14), 0);
	ck_assert_int_eq(add_job_of(2, 15), -EBUSY);
	kfarmd_slots_remove_job(&slots, &job[3]);
	kfarmd_slots_remove_job(&slots, &job[4]);
	ck_assert_int_eq(add_job_of(1, 13), 0);
}

TEST(jobs_start_in_queue_order_up_to_the_number_of_cores)
{
	init_slots(2, 0);
	for (unsigned i = 0; i < 5; i++) {
		add_job(i);
		kfarmd_slots_queue_job(&slots, &job[i]);
	}
	ck_assert_uint_eq(started, 2);
	ck_assert_int_eq(job[1].state, KFARMD_SLOT_RUNNING);
	ck_assert_int_eq(job[2].state, KFARMD_SLOT_QUEUED);
	kfarmd_slots_end_run(&slots, &job[0]);
	ck_assert_uint_eq(started, 3);
	kfarmd_slots_remove_job(&slots, &job[0]);
	ck_assert_uint_eq(started, 3);
	kfarmd_slots_remove_job(&slots, &job[3]); /* while it is queued */
	kfarmd_slots_remove_job(&slots, &job[1]);
	ck_assert_int_eq(job[4].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_remove_job(&slots, &job[2]);
	kfarmd_slots_remove_job(&slots, &job[4]);
	ck_assert_uint_eq(slots.n_jobs, 0);
	ck_assert_uint_eq(slots.n_running, 0);
}

TEST(jobs_of_an_exhausted_share_do_not_block_other_jobs)
{
	struct kfarmd_slot_share two = { .max_running = 2 };

	init_slots(4, 0);
	for (unsigned i = 0; i < 5; i++) {
		add_job(i);
		if (i < 4)
			job[i].share = &two;
		kfarmd_slots_queue_job(&slots, &job[i]);
	}
	ck_assert_uint_eq(started, 3);
	ck_assert_uint_eq(two.n_running, 2);
	ck_assert_int_eq(job[2].state, KFARMD_SLOT_QUEUED);
	ck_assert_int_eq(job[4].state, KFARMD_SLOT_RUNNING);
	/* The jobs of the share cannot use the free slot. */
	kfarmd_slots_remove_job(&slots, &job[4]);
	ck_assert_uint_eq(started, 3);
	kfarmd_slots_end_run(&slots, &job[0]);
	ck_assert_int_eq(job[2].state, KFARMD_SLOT_RUNNING);
	ck_assert_uint_eq(two.n_running, 2);
	for (unsigned i = 0; i < 4; i++)
		kfarmd_slots_remove_job(&slots, &job[i]);
	ck_assert_uint_eq(two.n_running, 0);
	ck_assert_uint_eq(slots.n_running, 0);
	ck_assert_uint_eq(slots.n_jobs, 0);
}

TEST(a_job_that_fails_to_start_frees_its_slot_for_the_next)
{
	init_slots(4, 0);
	for (unsigned i = 0; i < 20; i++) {
		add_job(i);
		job[i].on_granted = start_and_fail;
		kfarmd_slots_queue_job(&slots, &job[i]);
	}
	ck_assert_uint_eq(started, 20);
	ck_assert_uint_eq(slots.n_jobs, 0);
	ck_assert_uint_eq(slots.n_running, 0);
}

static void queue_for(unsigned client, unsigned i)
{
	ck_assert_int_eq(add_job_of(client, i), 0);
	kfarmd_slots_queue_job(&slots, &job[i]);
}

/* Let a second pass and update the slots. */
static void pass_second(void)
{
	fake_clock_ms += 1000;
	kfarmd_slots_update(&slots, 8 * KFARMD_SLOTS_PAUSE_MIB);
}

TEST(leases_are_divided_by_weight_among_clients_that_use_them)
{
	init_slots(16, 20);
	add_client(1, 300);
	ck_assert_uint_eq(clients[0].n_leased, WIRE_LEASE_UNLIMITED);
	for (unsigned i = 0; i < 20; i++)
		queue_for(0, i);
	/* Client 1 could use three quarters. */
	ck_assert_uint_eq(clients[0].n_leased, WIRE_LEASE_UNLIMITED);
	ck_assert_uint_eq(clients[1].n_leased, 15);
	for (unsigned i = 20; i < 35; i++)
		queue_for(1, i);
	ck_assert_uint_eq(clients[0].n_leased, 5);
	ck_assert_uint_eq(clients[1].n_leased, 15);
	/* Client 1 needs only 4 slots, so client 0 gets the others. */
	for (unsigned i = 22; i < 35; i++)
		kfarmd_slots_remove_job(&slots, &job[i]);
	pass_second();
	pass_second();
	ck_assert_uint_eq(clients[0].n_leased, 16);
	ck_assert_uint_eq(clients[1].n_leased, 4);
	/* Client 1 uses its whole lease, so it gets its share again. */
	queue_for(1, 22);
	queue_for(1, 23);
	ck_assert_uint_eq(clients[0].n_leased, 5);
	ck_assert_uint_eq(clients[1].n_leased, 15);
	for (unsigned i = 20; i < 24; i++)
		kfarmd_slots_remove_job(&slots, &job[i]);
	kfarmd_slots_remove_client(&slots, &clients[1]);
	ck_assert_uint_eq(clients[0].n_leased, WIRE_LEASE_UNLIMITED);
}

TEST(clients_divide_the_slots_that_none_of_them_needs)
{
	init_slots(16, 20);
	add_client(1, 300);
	for (unsigned i = 0; i < 4; i++)
		queue_for(i / 2, i);
	pass_second();
	/* The estimated demand of each is 4, so 12 slots remain. */
	ck_assert_uint_eq(clients[0].n_leased, 4 + 3);
	ck_assert_uint_eq(clients[1].n_leased, 4 + 9);
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

TEST(jobs_beyond_a_shorter_lease_are_rejected_after_three_seconds)
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
	ck_assert_int_eq(add_job_of(0, 19), -EBUSY);
	kfarmd_slots_add_job(&slots, &job[19], &err);
	ck_assert_str_eq(err.text,
			 "too many jobs: this build host has 13 already");
	/* One more than the lease is accepted. */
	for (unsigned i = 0; i < 8; i++)
		kfarmd_slots_remove_job(&slots, &job[i]);
	ck_assert_int_eq(add_job_of(0, 19), 0);
	ck_assert_int_eq(add_job_of(0, 20), -EBUSY);
	/* The limit does not apply to a client without LEASE messages. */
	clients[0].ignores_leases = true;
	ck_assert_int_eq(add_job_of(0, 20), 0);
}

/* Rejected jobs count as demand of their client. */
TEST(a_rejected_job_shortens_the_lease_of_the_other_client)
{
	init_slots(2, 4);
	add_client(1, 1000);
	clients[0].ignores_leases = false;
	for (unsigned i = 0; i < 12; i++)
		add_job(i);
	for (unsigned i = 12; i < 17; i++)
		add_job_of(1, i);
	ck_assert_int_eq(add_job_of(1, 17), -EBUSY);
	pass_second();
	ck_assert_uint_eq(clients[0].n_leased, 1);
	for (unsigned i = 0; i < 2; i++)
		kfarmd_slots_remove_job(&slots, &job[i]);
	ck_assert_int_eq(add_job_of(1, 17), 0);
}

/* Otherwise a client could start a session for each job to overtake others. */
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
	kfarmd_slots_remove_job(&slots, &job[0]);
	ck_assert_int_eq(job[1].state, KFARMD_SLOT_RUNNING);
}

/*
 * Keep `n` jobs of each of two clients in the queue for an hour.  Jobs take
 * 100 ms to 8 s.  Store the total run time of each client in ms[].
 */
static void share_node(unsigned cores, unsigned n, double *ms)
{
	uint64_t end_ms[JOBS] = { 0 };

	ms[0] = ms[1] = 0;
	for (unsigned i = 0; i < 2 * n; i++)
		queue_for(i % 2, i);
	for (unsigned t = 0; t < 36000; t++) {
		fake_clock_ms += 100;
		for (unsigned i = 0; i < 2 * n; i++) {
			if (job[i].state != KFARMD_SLOT_RUNNING ||
			    job[i].since_ms == fake_clock_ms)
				continue;
			if (!end_ms[i])
				end_ms[i] = 100 + 100 * (uint64_t)(rand() % 80);
			ms[i % 2] += 100;
			end_ms[i] -= 100;
			if (end_ms[i])
				continue;
			kfarmd_slots_remove_job(&slots, &job[i]);
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

TEST_EACH(two_clients_get_run_time_in_proportion_to_their_weights, sharings)
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

TEST(the_credit_of_an_idle_client_is_limited)
{
	static const unsigned order[] = { 0, 10, 11, 1, 12 };

	init_slots(1, 8);
	add_client(1, 100);
	queue_for(1, 20);
	kfarmd_slots_remove_job(&slots, &job[20]);
	queue_for(0, 0);
	fake_clock_ms += 3600000;
	queue_for(0, 1);
	for (unsigned i = 10; i < 14; i++)
		queue_for(1, i);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(job[order[i]].state, KFARMD_SLOT_RUNNING);
		fake_clock_ms += 20000;
		kfarmd_slots_remove_job(&slots, &job[order[i]]);
	}
}

TEST(a_job_of_a_low_weight_client_is_paused_after_a_second)
{
	init_slots(2, 4);
	add_client(1, 10);
	queue_for(1, 0);
	queue_for(1, 1);
	fake_clock_ms += 60000;
	queue_for(0, 2);
	queue_for(0, 3);
	kfarmd_slots_update(&slots, KFARMD_SLOTS_PAUSE_MIB);
	ck_assert_int_eq(job[2].state, KFARMD_SLOT_QUEUED);
	pass_second();
	ck_assert_int_eq(job[0].state, KFARMD_SLOT_PAUSED);
	ck_assert_int_eq(job[1].state, KFARMD_SLOT_PAUSED);
	ck_assert_int_eq(job[2].state, KFARMD_SLOT_RUNNING);
	ck_assert_int_eq(job[3].state, KFARMD_SLOT_RUNNING);
	/* A paused job continues before the queued jobs of its client. */
	queue_for(1, 4);
	kfarmd_slots_remove_job(&slots, &job[2]);
	kfarmd_slots_remove_job(&slots, &job[3]);
	ck_assert_int_eq(job[0].state, KFARMD_SLOT_RUNNING);
	ck_assert_int_eq(job[1].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_remove_job(&slots, &job[1]);
	ck_assert_int_eq(job[4].state, KFARMD_SLOT_RUNNING);
}

/* The next job in the order can belong to another client with a low weight. */
TEST(a_job_is_paused_even_if_a_low_weight_client_is_next)
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
	ck_assert_int_eq(job[0].state, KFARMD_SLOT_PAUSED);
	ck_assert_int_eq(job[2].state, KFARMD_SLOT_RUNNING);
}

TEST(free_memory_limits_the_number_of_paused_jobs)
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
		kfarmd_slots_end_run(&slots, &job[i]);
	ck_assert_uint_eq(clients[0].n_running, 4);
	ck_assert_uint_eq(slots.n_running, 4);
}

TEST(a_job_is_paused_only_with_free_memory_and_at_most_half_the_weight)
{
	init_slots(1, 4);
	add_client(1, 51);
	queue_for(1, 0);
	fake_clock_ms += 60000;
	queue_for(0, 1);
	for (unsigned i = 0; i < 9; i++)
		pass_second();
	ck_assert_int_eq(job[0].state, KFARMD_SLOT_RUNNING);
	kfarmd_slots_set_weight(&clients[1], 50);
	fake_clock_ms += 1000;
	kfarmd_slots_update(&slots, KFARMD_SLOTS_PAUSE_MIB - 1);
	ck_assert_int_eq(job[0].state, KFARMD_SLOT_RUNNING);
	pass_second();
	ck_assert_int_eq(job[0].state, KFARMD_SLOT_PAUSED);
	/* A paused job can be removed. */
	kfarmd_slots_remove_job(&slots, &job[0]);
	ck_assert_uint_eq(slots.n_jobs, 1);
	ck_assert_uint_eq(clients[1].n_jobs, 0);
}

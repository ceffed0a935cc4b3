/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* A view's requests about a node: drain, resume, slots. */
#include "../lib/test.h"
#include "coord-fixture.h"

static const char *state_wanted;

static bool has_state(void)
{
	return !strcmp(first_node()->state, state_wanted);
}

static void expect_state(const char *state)
{
	state_wanted = state;
	turn_until(has_state, 60000);
	ck_assert_str_eq(first_node()->state, state);
}

static void ask(enum events_request what)
{
	events_hub_request(hub, what, roster.v[0].name);
}

FIXTURE(setup, teardown);
TIMEOUT(120);

TEST(a_drained_node_gets_no_job_until_it_is_resumed)
{
	play_node(0, HONEST);
	start();
	wait_for_cells();
	ask(EVENTS_REQ_DRAIN);
	expect_state("drained");
	compile(NULL);
	turn_until(answered, 60000);
	ck_assert_str_eq(local_why, "nodes drained");
	ck_assert_uint_eq(nodes[0].jobs, 0);
	ck_assert_uint_eq(coord_remote_slots(coord), 0);
	ask(EVENTS_REQ_RESUME);
	expect_state("up");
	compile_again(NULL);
	turn_until(answered, 60000);
	expect_delivered();
	ck_assert_uint_eq(nodes[0].jobs, 1);
}

static bool has_job(void)
{
	return nodes[0].jobs > 0;
}

TEST(draining_a_node_does_not_cancel_its_job)
{
	play_node(0, BROODING);
	start();
	wait_for_cells();
	compile(NULL);
	turn_until(has_job, 60000);
	ask(EVENTS_REQ_DRAIN);
	expect_state("draining");
	ck_assert_uint_eq(nodes[0].cancels, 0);
	/* The job ends in time, because it is also compiled locally. */
	turn_until(answered, 60000);
	expect_state("drained");
}

static unsigned slots(void)
{
	return (unsigned)first_node()->n_slots;
}

TEST(slots_of_a_node_are_between_one_and_twice_its_cores)
{
	unsigned before;

	play_node(0, HONEST);
	start();
	wait_for_cells();
	before = slots();
	ck_assert_uint_eq(coord_remote_slots(coord), before);
	ask(EVENTS_REQ_MORE_SLOTS);
	ck_assert_uint_eq(slots(), before + 1);
	expect_state("up");
	turn_until(never, 20);
	ck_assert_uint_eq(coord_remote_slots(coord), before + 1);
	for (unsigned i = 0; i < 100; i++)
		ask(EVENTS_REQ_MORE_SLOTS);
	ck_assert_uint_eq(slots(), 2 * PLAYED_CORES);
	for (unsigned i = 0; i < 100; i++)
		ask(EVENTS_REQ_FEWER_SLOTS);
	ck_assert_uint_eq(slots(), 1);
	turn_until(never, 20);
	ck_assert_uint_eq(coord_remote_slots(coord), 1);
	compile(NULL);
	turn_until(answered, 60000);
	expect_delivered();
}

TEST(requests_that_cannot_be_applied_are_ignored)
{
	const struct events_node *n;

	play_node(0, UNFIT);
	/* The node is not connected yet. */
	ask(EVENTS_REQ_DRAIN);
	start();
	events_hub_request(hub, EVENTS_REQ_DRAIN, "nobody");
	n = first_node();
	/* The node has not reported its number of cores. */
	ask(EVENTS_REQ_FEWER_SLOTS);
	ck_assert_int_eq(n->n_slots, EVENTS_UNKNOWN);
	expect_state("unfit");
	ask(EVENTS_REQ_DRAIN);
	expect_state("drained");
	ck_assert_str_eq(n->reason, "seccomp is missing");
	ask(EVENTS_REQ_RESUME);
	expect_state("unfit");
	coord_free(coord);
	coord = NULL;
	ask(EVENTS_REQ_DRAIN);
	ck_assert_str_eq(n->state, "unfit");
}

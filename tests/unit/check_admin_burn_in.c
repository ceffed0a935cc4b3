/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer admin */
/* Canary and burn-in stages of a node test: time limits and failures. */
#include "../lib/test.h"

#include "admin/burn-in.h"

#include "admin/node-test.h"
#include "base/clock.h"
#include "base/vec.h"

#include <event2/event.h>

static void on_wake(void *ctx)
{
	(void)ctx;
}

static const struct peer_ops ops = { .on_wake_requested = on_wake };

static struct admin_test_state trial;
static struct admin_node_test of;
static struct admin_node_test_result is;
static struct admin_test_state_node n;
static struct peer_canary_unit unit[3] = { { .name = "a" },
					   { .name = "b" },
					   { .name = "c" } };
static struct peer_canary set;
static struct admin_test_state_job jobs[3];
static enum admin_node_test_stage stage;

/* Two of three units are in flight for a long time. */
static void set_up(void)
{
	set = (struct peer_canary){ .units = unit, .n_units = 3 };
	trial = (struct admin_test_state){ .test = &of, .shared.ops = &ops };
	is = (struct admin_node_test_result){ .canary.n_sent = 2,
					      .burn_in.n_sent = 2 };
	jobs[0] = (struct admin_test_state_job){ .number = 7,
						 .canary = &set,
						 .class = -1 };
	jobs[1] = (struct admin_test_state_job){
		.number = 8, .canary = &set, .unit = 1, .class = -1
	};
	n = (struct admin_test_state_node){ .trial = &trial,
					    .result = &is,
					    .jobs = jobs,
					    .n_jobs = 2,
					    .next_unit = 2,
					    .progress_ms = 1 };
}

static void tear_down(void)
{
	free(is.canary.first_error);
	free(is.burn_in.first_error);
}

FIXTURE(set_up, tear_down);

TEST(a_busy_canary_unit_fails_only_if_no_other_job_is_in_flight)
{
	admin_burn_in_handle_failure(&n, 7, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(n.n_jobs, 1);
	ck_assert_uint_eq(n.next_unit, 0);
	ck_assert_uint_eq(is.canary.n_sent, 1);
	ck_assert_uint_eq(is.canary.n_failed, 0);
	/* Without a result, the time limit is not extended. */
	ck_assert_uint_eq(n.progress_ms, 1);
	/*
	 * The last job in flight has no other job to wait for, so its failure
	 * counts.
	 */
	admin_burn_in_handle_failure(&n, 8, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(is.canary.n_failed, 1);
	ck_assert_uint_gt(n.progress_ms, 1);
	ck_assert_str_eq(is.canary.first_error, "b: full");
}

/*
 * Without a connection, no unit can be sent, so "a" and "c" are skipped.  "b"
 * is in flight.
 */
TEST(a_busy_canary_unit_is_sent_again_without_the_units_after_it)
{
	n.sent_units = 3;
	admin_burn_in_handle_failure(&n, 7, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(n.sent_units, 2);
	unit[0].skipped = unit[2].skipped = true;
	ck_assert(admin_burn_in_send_units(&n, &set, 3, false));
	unit[0].skipped = unit[2].skipped = false;
	ck_assert_uint_eq(n.n_jobs, 1);
	ck_assert_uint_eq(is.canary.n_sent, 1);
	ck_assert_uint_eq(n.next_unit, set.n_units);
}

/* Both units are deferred repeatedly. */
TEST(a_canary_without_all_results_fails_after_300_s)
{
	const struct node_entry entry = { .name = (char *)"x" };
	uint64_t now = clock_ms();

	trial.shared.base = event_base_new();
	trial.canary = &set;
	trial.nodes = &n;
	trial.n_nodes = 1;
	set.state = INPUTS_STATE_READY;
	is.has_compiler = true;
	is.slots = 2;
	n.stage = ADMIN_NODE_TEST_STAGE_CANARY;
	n.peer = peer_new(&trial.shared, &entry, &n);
	for (unsigned s = 0; s <= 300; s += 30) {
		n.progress_ms = now + s * 1000;
		admin_test_stage_advance(&trial, now + s * 1000);
		ck_assert_uint_eq(n.n_jobs, 2);
	}
	n.progress_ms = now + 301000;
	admin_test_stage_advance(&trial, now + 301000);
	ck_assert_uint_eq(n.n_jobs, 0);
	ck_assert_uint_eq(n.next_unit, set.n_units);
	ck_assert_uint_eq(is.canary.n_failed, 2);
	ck_assert_str_eq(is.canary.first_error, "not all results within 300 s");
	peer_free(n.peer);
	event_base_free(trial.shared.base);
}

/* The upload makes slow progress for ever. */
TEST(an_unfinished_compiler_upload_fails_after_10_minutes)
{
	const struct node_entry entry = { .name = (char *)"x" };
	struct inputs_toolchain tc = { .state = INPUTS_STATE_READY };
	uint64_t now = clock_ms();

	trial.shared.base = event_base_new();
	trial.nodes = &n;
	trial.n_nodes = 1;
	trial.tc = &tc;
	trial.compiler_added = true;
	n.n_jobs = 0;
	n.stage = ADMIN_NODE_TEST_STAGE_COMPILER;
	n.peer = peer_new(&trial.shared, &entry, &n);
	of.stages = &stage;
	for (unsigned s = 0; s <= 600; s += 10) {
		n.progress_ms = now + s * 1000;
		admin_test_stage_advance(&trial, now + s * 1000);
		ck_assert_int_eq(n.stage, ADMIN_NODE_TEST_STAGE_COMPILER);
	}
	n.progress_ms = now + 601000;
	admin_test_stage_advance(&trial, now + 601000);
	ck_assert_int_eq(n.stage, ADMIN_NODE_TEST_STAGE_FINISHED);
	ck_assert_str_eq(is.missing_reason,
			 "compiler upload not finished within 10 "
			 "minutes");
	free(is.missing_reason);
	peer_free(n.peer);
	event_base_free(trial.shared.base);
}

TEST(a_busy_unit_is_not_a_failure_of_the_burn_in)
{
	set.is_burn_in = true;
	admin_burn_in_handle_failure(&n, 7, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(is.burn_in.n_sent, 1);
	ck_assert_uint_eq(is.burn_in.n_failed, 0);
	ck_assert_uint_gt(n.progress_ms, 1);
}

/* The node gets no units until it is connected and has the compiler again. */
TEST(an_outage_does_not_count_as_time_without_a_result)
{
	const struct node_entry entry = { .name = (char *)"x" };
	uint64_t now = clock_ms();

	trial.shared.base = event_base_new();
	trial.nodes = &n;
	trial.n_nodes = 1;
	trial.burn_in_start_ms = now;
	of.burn_in_ms = 3600000;
	n.n_jobs = 0;
	n.stage = ADMIN_NODE_TEST_STAGE_BURN_IN;
	n.peer = peer_new(&trial.shared, &entry, &n);
	admin_test_stage_advance(&trial, now + 100000);
	ck_assert_uint_eq(n.progress_ms, now + 100000);
	peer_free(n.peer);
	event_base_free(trial.shared.base);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* The node is lost once and cannot be reached for three dials. */
TEST(a_failed_dial_is_not_a_lost_connection)
{
	struct node_entry entry = { .name = (char *)"x" };
	struct err err;
	uint64_t dialled_ms;

	ck_assert(!node_address_parse(&entry.address, "unix:/missing", &err));
	trial.shared.ops = &admin_test_state_ops;
	trial.shared.ctx = &trial;
	trial.shared.base = event_base_new();
	trial.kick = event_new(trial.shared.base, -1, 0, on_kick, NULL);
	trial.nodes = &n;
	trial.n_nodes = 1;
	trial.burn_in_start_ms = clock_ms();
	of.burn_in_ms = 3600000;
	is.has_compiler = true;
	n.n_jobs = 0;
	n.stage = ADMIN_NODE_TEST_STAGE_BURN_IN;
	n.peer = peer_new(&trial.shared, &entry, &n);
	admin_test_state_ops.on_state_changed(&n, PEER_DOWN, "reset by peer");
	ck_assert_uint_eq(is.n_lost, 1);
	for (unsigned i = 0; i < 3; i++) {
		dialled_ms = n.redial_ms + 2001;
		admin_test_stage_advance(&trial, dialled_ms);
		ck_assert_uint_eq(n.dialled_ms, dialled_ms);
		ck_assert_int_eq(peer_state(n.peer), PEER_DOWN);
	}
	ck_assert_uint_eq(is.n_lost, 1);
	ck_assert_str_eq(is.lost_reason, "reset by peer");
	peer_free(n.peer);
	node_address_release(&entry.address);
	event_free(trial.kick);
	event_base_free(trial.shared.base);
	free(is.lost_reason);
}

TEST(a_node_that_is_lost_in_a_test_was_up)
{
	struct node_entry entry = { .name = (char *)"x" };

	trial.shared.base = event_base_new();
	trial.kick = event_new(trial.shared.base, -1, 0, on_kick, NULL);
	trial.nodes = &n;
	trial.n_nodes = 1;
	of.stages = &stage;
	is.up = is.fit = true;
	n.n_jobs = 0;
	n.stage = ADMIN_NODE_TEST_STAGE_BANDWIDTH;
	n.peer = peer_new(&trial.shared, &entry, &n);
	admin_test_state_ops.on_state_changed(&n, PEER_DOWN, "reset by peer");
	ck_assert(is.up && is.fit && !is.error);
	ck_assert_int_eq(is.lost_stage, ADMIN_NODE_TEST_STAGE_BANDWIDTH);
	ck_assert_str_eq(is.lost_reason, "reset by peer");
	ck_assert_int_eq(n.stage, ADMIN_NODE_TEST_STAGE_FINISHED);
	/* The end of a session after the last test is no failure. */
	admin_test_state_ops.on_state_changed(&n, PEER_DOWN, "again");
	ck_assert_int_eq(is.lost_stage, ADMIN_NODE_TEST_STAGE_BANDWIDTH);
	ck_assert_str_eq(is.lost_reason, "reset by peer");
	peer_free(n.peer);
	event_free(trial.kick);
	event_base_free(trial.shared.base);
	free(is.lost_reason);
}

/* The burn-in tries to send a unit again at each heartbeat. */
TEST(a_unit_that_cannot_be_sent_counts_once)
{
	set.is_burn_in = true;
	admin_burn_in_handle_unsent(&n, &set);
	admin_burn_in_handle_unsent(&n, &set);
	ck_assert_uint_eq(is.burn_in.n_sent, 3);
	ck_assert_uint_eq(is.burn_in.n_failed, 1);
	ck_assert_str_eq(is.burn_in.first_error, "c: cannot send the job");
}

/* One job runs on the cores of each of two classes. */
TEST(a_failure_is_counted_for_the_core_class_of_its_job)
{
	const struct node_entry entry = { .name = (char *)"x" };
	struct admin_node_test_class classes[2] = {
		{ .n_cpus = 2, .burn_in = { .n_sent = 1 } },
		{ .n_cpus = 4, .burn_in = { .n_sent = 1 } },
	};

	set.is_burn_in = true;
	is.class_results = classes;
	is.n_classes = 2;
	jobs[0].class = 0;
	jobs[1].class = 1;
	admin_burn_in_handle_failure(&n, 8, WIRE_FAIL_NODE, "no room");
	ck_assert_uint_eq(is.burn_in.n_failed, 1);
	ck_assert_uint_eq(classes[0].burn_in.n_failed, 0);
	ck_assert_uint_eq(classes[1].burn_in.n_failed, 1);
	ck_assert_str_eq(classes[1].burn_in.first_error, "b: no room");
	ck_assert_ptr_null(classes[0].burn_in.first_error);
	trial.shared.base = event_base_new();
	n.peer = peer_new(&trial.shared, &entry, &n);
	admin_burn_in_fail_jobs(&n, "no answer");
	ck_assert_uint_eq(is.burn_in.n_sent, 2);
	ck_assert_uint_eq(is.burn_in.n_failed, 2);
	ck_assert_uint_eq(classes[0].burn_in.n_sent, 1);
	ck_assert_uint_eq(classes[0].burn_in.n_failed, 1);
	ck_assert_str_eq(classes[0].burn_in.first_error, "no answer");
	ck_assert_uint_eq(n.n_jobs, 0);
	peer_free(n.peer);
	event_base_free(trial.shared.base);
	free(classes[0].burn_in.first_error);
	free(classes[1].burn_in.first_error);
}

/* Unit "a" ends on the node with this object. */
static void handle_object(const char *object, int wait_status, bool damaged)
{
	struct peer_job_result a = { .wire.wait_status = wait_status };
	struct bytes streams[WIRE_N_OUTPUTS] = { 0 };

	buf_add_str(&a.streams[WIRE_OUTPUT_OBJECT], object);
	streams[WIRE_OUTPUT_OBJECT] = bytes_str(object);
	a.wire.output_bytes[WIRE_OUTPUT_OBJECT] = (uint32_t)strlen(object);
	wire_result_digest(&a.job_digest, streams, &a.wire.digest);
	a.wire.digest.b[0] ^= damaged;
	jobs[0] = (struct admin_test_state_job){ .number = 7, .canary = &set };
	n.n_jobs = 1;
	admin_burn_in_handle_result(&n, 7, &a);
	ck_assert_uint_eq(n.n_jobs, 0);
}

TEST(each_result_is_counted_by_its_outcome)
{
	struct admin_node_test_class class = { .n_cpus = 2 };

	set.is_burn_in = true;
	is.class_results = &class;
	is.n_classes = 1;
	buf_add_str(&unit[0].object, "right");
	handle_object("right", 0, false);
	ck_assert_uint_eq(is.burn_in.n_right, 1);
	ck_assert_uint_eq(is.units[0].n_right, 1);
	ck_assert_ptr_null(is.burn_in.first_error);
	handle_object("wrong", 0, false);
	ck_assert_uint_eq(is.burn_in.n_wrong, 1);
	ck_assert_uint_eq(class.burn_in.n_wrong, 1);
	ck_assert_str_eq(is.burn_in.first_error,
			 "a: object differs from the local one");
	handle_object("wrong", 0, false);
	ck_assert_uint_eq(is.units[0].n_wrong, 2);
	ck_assert(!is.units[0].inconsistent);
	handle_object("other", 0, false);
	ck_assert_uint_eq(is.units[0].n_wrong, 3);
	ck_assert(is.units[0].inconsistent);
	handle_object("right", 0, true);
	ck_assert_uint_eq(is.burn_in.n_damaged, 1);
	handle_object("", SIGSEGV, false);
	ck_assert_uint_eq(is.burn_in.n_crashed, 1);
	ck_assert_uint_eq(is.burn_in.n_right, 1);
	ck_assert_uint_eq(is.burn_in.n_wrong, 3);
	buf_release(&unit[0].object);
	free(class.burn_in.first_error);
}

/* All cores of both classes get jobs; with fewer slots, both in turn. */
static const struct {
	unsigned slots, cpus[2], jobs[2];
} shares[] = {
	{ 8, { 2, 4 }, { 3, 5 } }, { 3, { 2, 4 }, { 1, 2 } },
	{ 6, { 2, 4 }, { 2, 4 } }, { 1, { 2, 4 }, { 0, 1 } },
	{ 9, { 8, 0 }, { 9, 0 } }, { 100, { 1, 1 }, { 2, 2 } },
};

TEST_EACH(each_core_class_gets_jobs_by_its_number_of_cores, shares)
{
	struct admin_node_test_class classes[2] = {
		/* This class has received more than its share. */
		{ .n_cpus = row->cpus[0], .burn_in = { .n_sent = 40 } },
		{ .n_cpus = row->cpus[1], .burn_in = { .n_sent = 4 } },
	};
	unsigned got[2] = { 0 };

	n.jobs = NULL;
	n.n_jobs = 0;
	is.class_results = classes;
	is.n_classes = 2;
	while (n.n_jobs < row->slots) {
		int class = admin_burn_in_next_class(&n);

		if (class < 0)
			break;
		VEC_ADD(n.jobs, n.n_jobs)->class = class;
		got[class]++;
	}
	ck_assert_uint_eq(got[0], row->jobs[0]);
	ck_assert_uint_eq(got[1], row->jobs[1]);
	free(n.jobs);
	is.class_results = NULL;
	is.n_classes = 0;
}

TEST(a_failure_of_an_unknown_job_is_ignored)
{
	admin_burn_in_handle_failure(&n, 9, WIRE_FAIL_NODE, "x");
	ck_assert_uint_eq(n.n_jobs, 2);
	ck_assert_uint_eq(is.canary.n_failed, 0);
}

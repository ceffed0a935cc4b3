/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "peer/trial-work.h"

#include "base/clock.h"
#include "base/vec.h"
#include "peer/trial-stage.h"
#include "suite.h"

#include <check.h>
#include <event2/event.h>
#include <stdlib.h>

static void on_wake(void *ctx)
{
	(void)ctx;
}

static const struct peer_ops ops = { .wake = on_wake };

static struct trial trial;
static struct peer_trial of;
static struct peer_trial_node is;
static struct trial_node n;
static struct peer_canary_unit unit[3] = { { .name = "a" },
					   { .name = "b" },
					   { .name = "c" } };
static struct peer_canary set;
static struct trial_job jobs[3];
static enum peer_trial_stage stage;

/* Two of three units are out, for long. */
static void set_up(void)
{
	set = (struct peer_canary){ .unit = unit, .n = 3 };
	trial = (struct trial){ .is = &of, .farm.ops = &ops };
	is = (struct peer_trial_node){ .canary.asked = 2, .burn.asked = 2 };
	jobs[0] = (struct trial_job){ .number = 7, .set = &set, .class = -1 };
	jobs[1] = (struct trial_job){
		.number = 8, .set = &set, .unit = 1, .class = -1
	};
	n = (struct trial_node){ .trial = &trial,
				 .is = &is,
				 .jobs = jobs,
				 .n_jobs = 2,
				 .next = 2,
				 .since_ms = 1 };
}

static void tear_down(void)
{
	free(is.canary.first);
	free(is.burn.first);
}

START_TEST(who_is_busy_is_asked_again_but_not_for_ever)
{
	trial_work_failed(&n, 7, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(n.n_jobs, 1);
	ck_assert_uint_eq(n.next, 0);
	ck_assert_uint_eq(is.canary.asked, 1);
	ck_assert_uint_eq(is.canary.failed, 0);
	/* Nothing came of it: the limit is not put off. */
	ck_assert_uint_eq(n.since_ms, 1);
	/* The last one that is out is in nobody's way. */
	trial_work_failed(&n, 8, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(is.canary.failed, 1);
	ck_assert_uint_gt(n.since_ms, 1);
	ck_assert_str_eq(is.canary.first, "b: full");
}
END_TEST

/* One is put off for the other, without end. */
START_TEST(a_canary_has_an_end)
{
	const struct node_entry entry = { .name = (char *)"x" };
	uint64_t now = clock_ms();

	trial.farm.base = event_base_new();
	trial.canary = &set;
	trial.nodes = &n;
	trial.n = 1;
	set.state = INPUTS_READY;
	is.has = true;
	is.slots = 2;
	n.stage = PEER_TRIAL_CANARY;
	n.peer = peer_new(&trial.farm, &entry, &n);
	for (unsigned s = 0; s <= 300; s += 30) {
		n.since_ms = now + s * 1000;
		trial_stage_step(&trial, now + s * 1000);
		ck_assert_uint_eq(n.n_jobs, 2);
	}
	n.since_ms = now + 301000;
	trial_stage_step(&trial, now + 301000);
	ck_assert_uint_eq(n.n_jobs, 0);
	ck_assert_uint_eq(n.next, set.n);
	ck_assert_uint_eq(is.canary.failed, 2);
	ck_assert_str_eq(is.canary.first, "not all answers within 300 s");
	peer_free(n.peer);
	event_base_free(trial.farm.base);
}
END_TEST

/* Bytes get away now and then, for ever. */
START_TEST(a_compiler_that_never_gets_there_has_an_end)
{
	const struct node_entry entry = { .name = (char *)"x" };
	struct inputs_toolchain tc = { .state = INPUTS_READY };
	uint64_t now = clock_ms();

	trial.farm.base = event_base_new();
	trial.nodes = &n;
	trial.n = 1;
	trial.tc = &tc;
	trial.added = true;
	n.n_jobs = 0;
	n.stage = PEER_TRIAL_COMPILER;
	n.peer = peer_new(&trial.farm, &entry, &n);
	of.stage = &stage;
	for (unsigned s = 0; s <= 600; s += 10) {
		n.since_ms = now + s * 1000;
		trial_stage_step(&trial, now + s * 1000);
		ck_assert_int_eq(n.stage, PEER_TRIAL_COMPILER);
	}
	n.since_ms = now + 601000;
	trial_stage_step(&trial, now + 601000);
	ck_assert_int_eq(n.stage, PEER_TRIAL_OVER);
	ck_assert_str_eq(is.lacks, "the compiler did not get there within 10 "
				   "minutes");
	free(is.lacks);
	peer_free(n.peer);
	event_base_free(trial.farm.base);
}
END_TEST

START_TEST(a_burn_in_waits_for_others)
{
	set.is_burn = true;
	trial_work_failed(&n, 7, WIRE_FAIL_BUSY, "full");
	ck_assert_uint_eq(is.burn.asked, 1);
	ck_assert_uint_eq(is.burn.failed, 0);
	ck_assert_uint_gt(n.since_ms, 1);
}
END_TEST

/* A job on the cores of each of two classes. */
START_TEST(what_fails_counts_to_its_class)
{
	const struct node_entry entry = { .name = (char *)"x" };
	struct peer_trial_class classes[2] = {
		{ .cpus = 2, .burn = { .asked = 1 } },
		{ .cpus = 4, .burn = { .asked = 1 } },
	};

	set.is_burn = true;
	is.class = classes;
	is.n_classes = 2;
	jobs[0].class = 0;
	jobs[1].class = 1;
	trial_work_failed(&n, 8, WIRE_FAIL_NODE, "no room");
	ck_assert_uint_eq(is.burn.failed, 1);
	ck_assert_uint_eq(classes[0].burn.failed, 0);
	ck_assert_uint_eq(classes[1].burn.failed, 1);
	ck_assert_str_eq(classes[1].burn.first, "b: no room");
	ck_assert_ptr_null(classes[0].burn.first);
	trial.farm.base = event_base_new();
	n.peer = peer_new(&trial.farm, &entry, &n);
	trial_work_give_up(&n, "no answer");
	ck_assert_uint_eq(is.burn.asked, 2);
	ck_assert_uint_eq(is.burn.failed, 2);
	ck_assert_uint_eq(classes[0].burn.asked, 1);
	ck_assert_uint_eq(classes[0].burn.failed, 1);
	ck_assert_str_eq(classes[0].burn.first, "no answer");
	ck_assert_uint_eq(n.n_jobs, 0);
	peer_free(n.peer);
	event_base_free(trial.farm.base);
	free(classes[0].burn.first);
	free(classes[1].burn.first);
}
END_TEST

/* All cores of both work, and where there are fewer slots both in turn. */
static const struct {
	unsigned slots, cpus[2], jobs[2];
} shares[] = {
	{ 8, { 2, 4 }, { 3, 5 } }, { 3, { 2, 4 }, { 1, 2 } },
	{ 6, { 2, 4 }, { 2, 4 } }, { 1, { 2, 4 }, { 0, 1 } },
	{ 9, { 8, 0 }, { 9, 0 } }, { 100, { 1, 1 }, { 2, 2 } },
};

START_TEST(each_class_gets_jobs_by_its_cores)
{
	struct peer_trial_class classes[2] = {
		/* It was asked more than its part. */
		{ .cpus = shares[_i].cpus[0], .burn = { .asked = 40 } },
		{ .cpus = shares[_i].cpus[1], .burn = { .asked = 4 } },
	};
	unsigned got[2] = { 0 };

	n.jobs = NULL;
	n.n_jobs = 0;
	is.class = classes;
	is.n_classes = 2;
	while (n.n_jobs < shares[_i].slots) {
		int class = trial_work_next_class(&n);

		if (class < 0)
			break;
		VEC_ADD(n.jobs, n.n_jobs)->class = class;
		got[class]++;
	}
	ck_assert_uint_eq(got[0], shares[_i].jobs[0]);
	ck_assert_uint_eq(got[1], shares[_i].jobs[1]);
	free(n.jobs);
	is.class = NULL;
	is.n_classes = 0;
}
END_TEST

START_TEST(what_nobody_asked_is_nothing)
{
	trial_work_failed(&n, 9, WIRE_FAIL_NODE, "x");
	ck_assert_uint_eq(n.n_jobs, 2);
	ck_assert_uint_eq(is.canary.failed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer/trial-work");
	TCase *tc = tcase_create("trial-work");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, who_is_busy_is_asked_again_but_not_for_ever);
	tcase_add_test(tc, a_canary_has_an_end);
	tcase_add_test(tc, a_compiler_that_never_gets_there_has_an_end);
	tcase_add_test(tc, a_burn_in_waits_for_others);
	tcase_add_test(tc, what_fails_counts_to_its_class);
	tcase_add_loop_test(tc, each_class_gets_jobs_by_its_cores, 0,
			    sizeof(shares) / sizeof(*shares));
	tcase_add_test(tc, what_nobody_asked_is_nothing);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}

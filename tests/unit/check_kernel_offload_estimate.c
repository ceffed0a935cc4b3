/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/offload.h"

#include "../lib/test.h"
#include "history-fixture.h"

#define UNITS 120
#define MANY  (HISTORY_DETAIL_BUILDS_MAX + 3)

static struct kernel_offload_estimate e;
static struct events_hub *hub;
static struct events_subscriber listener;
static struct events_event point[KERNEL_OFFLOAD_CURVE_POINTS + 1];
static unsigned n_points;

static void on_estimate(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	ck_assert_int_eq(ev->kind, EVENTS_KIND_ESTIMATE);
	ck_assert_uint_lt(n_points, KERNEL_OFFLOAD_CURVE_POINTS);
	point[n_points++] = *ev;
}

static void set_up(void)
{
	play_set_up();
	hub = events_hub_new();
	listener = (struct events_subscriber){ .on_event = on_estimate };
	events_hub_subscribe(hub, &listener);
	e = (struct kernel_offload_estimate){ 0 };
	n_points = 0;
}

static void tear_down(void)
{
	kernel_offload_estimate_release(&e);
	events_hub_free(hub);
	play_tear_down();
}

static void report(struct history *h, const char *key, bool fresh)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	ev.series_key = key;
	ev.from_scratch = fresh;
	kernel_offload_estimate_release(&e);
	n_points = 0;
	kernel_offload_report_estimate(&e, h, &ev, hub);
}

static void report_from_db(const char *key, bool fresh)
{
	struct history *h = play_open();

	report(h, key, fresh);
	history_db_close(h);
}

/* Unit i costs 100 + i ms. */
static void build(int units, bool fresh, int status)
{
	struct play p;
	char name[32];

	play_build(&p, KEY_A, fresh);
	for (int i = 1; i <= units; i++) {
		snprintf(name, sizeof(name), "lib/o%d.o", i);
		play_unit(&p, name, "neo4a");
	}
	play_end_well(&p, status);
}

static void expect_curve(int64_t units)
{
	const struct events_event *last = &point[n_points - 1];

	ck_assert_uint_gt(n_points, KERNEL_OFFLOAD_CURVE_POINTS / 2);
	for (unsigned i = 1; i < n_points; i++) {
		ck_assert_int_gt(point[i].cost_ms, point[i - 1].cost_ms);
		ck_assert_int_ge(point[i].wall_ms, point[i - 1].wall_ms);
		ck_assert_int_gt(point[i].n_total_jobs,
				 point[i - 1].n_total_jobs);
		ck_assert_int_eq(point[i].make_jobs, 8);
	}
	ck_assert_int_eq(last->n_total_jobs, units);
	ck_assert_int_eq(last->cost_ms, units * 100 + units * (units + 1) / 2);
}

FIXTURE(set_up, tear_down);

TEST(a_fresh_build_reports_the_progress_curve_of_the_baseline)
{
	build(UNITS, true, 0);
	report_from_db(KEY_A, true);
	expect_curve(UNITS);
	ck_assert_int_eq(kernel_offload_job_cost_ms(&e, "lib/o7.o"), 107);
	ck_assert_int_eq(kernel_offload_job_cost_ms(&e, "lib/o7.s"),
			 EVENTS_UNKNOWN);
}

TEST(no_curve_is_reported_without_a_successful_fresh_baseline)
{
	report(NULL, KEY_A, true);
	ck_assert_uint_eq(n_points, 0);
	build(UNITS, true, 2);
	build(UNITS, false, 0);
	report_from_db(KEY_A, true);
	ck_assert_uint_eq(n_points, 0);
	build(UNITS, true, 0);
	report_from_db(KEY_B, true);
	ck_assert_uint_eq(n_points, 0);
	report_from_db(NULL, true);
	ck_assert_uint_eq(n_points, 0);
	ck_assert_int_eq(kernel_offload_job_cost_ms(&e, "lib/o7.o"),
			 EVENTS_UNKNOWN);
	report_from_db(KEY_A, true);
	expect_curve(UNITS);
}

TEST(an_incremental_build_has_job_costs_but_no_curve)
{
	build(UNITS, true, 0);
	report_from_db(KEY_A, false);
	ck_assert_uint_eq(n_points, 0);
	ck_assert_int_eq(kernel_offload_job_cost_ms(&e, "lib/o7.o"), 107);
}

TEST(a_baseline_with_one_job_has_a_curve_but_not_one_without_jobs)
{
	build(1, true, 0);
	report_from_db(KEY_A, true);
	ck_assert_uint_ge(n_points, 1);
	ck_assert_int_eq(point[n_points - 1].n_total_jobs, 1);
	build(0, true, 0);
	report_from_db(KEY_A, true);
	ck_assert_uint_eq(n_points, 0);
}

/* Weeks of incremental builds in one directory, then one from scratch. */
TEST(the_curve_outlives_many_incremental_builds)
{
	struct history_build b;

	build(UNITS, true, 0);
	for (int i = 0; i < MANY; i++)
		build(1, false, 0);
	report_from_db(KEY_A, true);
	expect_curve(UNITS);
	play_find(1, &b);
	ck_assert(b.has_units && !b.has_details);
	history_build_release(&b);
	/* After these builds, the curve of build 1 is no longer stored. */
	for (int i = 0; i < HISTORY_UNIT_BUILDS_MAX; i++)
		build(UNITS - 1, true, 0);
	report_from_db(KEY_A, true);
	expect_curve(UNITS - 1);
	play_find(1, &b);
	ck_assert(!b.has_units && !b.has_details);
	history_build_release(&b);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/slot-timeline.h"

#include "../lib/test.h"
#include "report-sample.h"

static struct report_data d;
static struct report_slot_timeline timeline;

static void tear_down(void)
{
	report_slot_timeline_release(&timeline);
	report_data_release(&d);
}

/* Check the invariants of every timeline. */
static void check_spans(void)
{
	size_t n = 0;

	for (size_t m = 0; m < timeline.n_machines; m++) {
		const struct report_machine *machine = &timeline.machines[m];

		ck_assert_uint_eq(machine->first_span, n);
		n += machine->n_spans;
	}
	ck_assert_uint_eq(n, timeline.n_spans);
	for (size_t i = 0; i < timeline.n_spans; i++) {
		const struct report_span *s = &timeline.spans[i];

		ck_assert_int_ge(s->start_ms, 0);
		ck_assert_int_le(s->start_ms, s->run_ms);
		ck_assert_int_le(s->run_ms, s->received_ms);
		ck_assert_int_le(s->received_ms, s->end_ms);
		ck_assert_int_le(s->end_ms, timeline.end_ms);
		ck_assert_uint_lt(s->slot,
				  timeline.machines[s->machine].n_slots);
		for (size_t j = 0; j < i; j++) {
			const struct report_span *t = &timeline.spans[j];

			ck_assert(s->machine != t->machine ||
				  s->slot != t->slot ||
				  t->end_ms <= s->start_ms);
		}
	}
}

FIXTURE(NULL, tear_down);

TEST(the_spans_of_one_slot_do_not_overlap)
{
	sample_small(&d);
	report_slot_timeline_init(&timeline, &d);
	ck_assert_uint_eq(timeline.n_spans, 11);
	ck_assert_uint_eq(timeline.n_machines, 3);
	ck_assert(timeline.machines[0].local);
	ck_assert_uint_eq(timeline.machines[0].n_spans, 2);
	ck_assert_uint_eq(timeline.machines[0].n_slots, 2);
	ck_assert_str_eq(timeline.machines[1].name, "neo4a");
	ck_assert_ptr_eq(timeline.machines[1].node, &d.details.nodes[0]);
	check_spans();
}

TEST(a_cached_result_takes_no_slot)
{
	struct history_unit *u;

	sample_small(&d);
	u = &d.details.units[9];
	u->cached = true;
	u->node_index = u->reason_index = -1;
	u->sent_ms = u->run_ms = u->received_ms = u->cpu_ms = -1;
	report_slot_timeline_init(&timeline, &d);
	ck_assert_uint_eq(timeline.n_spans, 10);
	ck_assert_uint_eq(timeline.machines[0].n_spans, 1);
	ck_assert_uint_eq(timeline.machines[0].n_slots, 1);
	check_spans();
}

TEST(a_free_slot_is_reused)
{
	sample_large(&d, 3, 2, 300);
	report_slot_timeline_init(&timeline, &d);
	check_spans();
	ck_assert_uint_eq(timeline.machines[1].n_slots, 2);
}

/* { first heartbeat with the job, CPU time of the job, estimated start } */
static const int64_t starts[][3] = {
	{ -1, 1000, 5990 },   { 5000, 1000, 5000 }, { 6500, 1000, 5990 },
	{ -1, -1, 4000 },     { 6500, -1, 6500 },   { 3000, 1000, 4000 },
	{ -1, 999999, 4000 }, { 99999, 0, 6990 },
};

TEST_EACH(a_compile_start_is_estimated_from_heartbeat_and_cpu_time, starts)
{
	sample_small(&d);
	d.details.units[0].sent_ms = 4000;
	d.details.units[0].received_ms = 6990;
	d.details.units[0].run_ms = (*row)[0];
	d.details.units[0].cpu_ms = (*row)[1];
	report_slot_timeline_init(&timeline, &d);
	for (size_t i = 0; i < timeline.n_spans; i++) {
		const struct report_span *s = &timeline.spans[i];

		if (s->unit != &d.details.units[0])
			continue;
		ck_assert_int_eq(s->run_ms, (*row)[2]);
		ck_assert_int_eq(s->received_ms, 6990);
		ck_assert_int_eq(report_slot_timeline_span_ms(s),
				 6990 - (*row)[2]);
	}
}

/* The unit has times of both compiles; those of the last compile apply. */
TEST(a_unit_that_failed_on_a_node_has_the_span_of_its_local_compile)
{
	struct history_unit *u;

	sample_small(&d);
	u = &d.details.units[9];
	ck_assert(!u->remote);
	u->sent_ms = 4200;
	u->run_ms = 4300;
	u->received_ms = 4700;
	u->done_ms = 6000;
	u->cpu_ms = 1200;
	report_slot_timeline_init(&timeline, &d);
	check_spans();
	for (size_t i = 0; i < timeline.n_spans; i++) {
		const struct report_span *s = &timeline.spans[i];

		if (s->unit != u)
			continue;
		ck_assert_int_eq(s->start_ms, 4800);
		ck_assert_int_eq(s->run_ms, 4800);
		ck_assert_int_eq(s->received_ms, 6000);
		ck_assert_int_eq(s->end_ms, 6000);
	}
}

/* { sent, run, received, done, cpu } as a corrupt history may contain them. */
static const int64_t inconsistent[][5] = {
	{ -1, -1, -1, 500, -1 },     { 900, 800, 700, 600, 50 },
	{ -5, -6, -7, 400, -8 },     { 100, -1, -1, 300, INT64_MAX },
	{ 100, 5000, 200, 300, 10 }, { 300, 100, -1, 300, 10 },
	{ 0, 0, 0, 0, 0 },           { 7, -1, 99999, 100, 10 },
};

TEST(inconsistent_times_are_put_in_order)
{
	sample_small(&d);
	for (size_t i = 0; i < sizeof(inconsistent) / sizeof(*inconsistent);
	     i++) {
		struct history_unit *u = &d.details.units[i];

		u->sent_ms = inconsistent[i][0];
		u->run_ms = inconsistent[i][1];
		u->received_ms = inconsistent[i][2];
		u->done_ms = inconsistent[i][3];
		u->cpu_ms = inconsistent[i][4];
	}
	d.details.units[9].done_ms = -1; /* not finished */
	d.details.units[10].node_index = -1; /* unknown node */
	report_slot_timeline_init(&timeline, &d);
	ck_assert_uint_eq(timeline.n_spans, 10);
	ck_assert_uint_eq(timeline.n_machines, 3);
	check_spans();
}

TEST(load_is_distributed_over_parts_without_loss)
{
	int64_t part[7] = { 0 }, sum = 0;

	sample_begin(&d);
	d.build.wall_ms = 1000;
	report_slot_timeline_init(&timeline, &d);
	report_slot_timeline_add_load(&timeline, part, 7, 0, 1000);
	for (size_t i = 0; i < 7; i++) {
		ck_assert_int_ge(part[i], 142);
		ck_assert_int_le(part[i], 143);
		sum += part[i];
	}
	ck_assert_int_eq(sum, 1000);
	report_slot_timeline_add_load(&timeline, part, 7, 999, 5000);
	ck_assert_int_eq(part[6], 142 + 1);
	report_slot_timeline_add_load(&timeline, part, 7, 500, 500);
	report_slot_timeline_add_load(&timeline, part, 7, 2000, 3000);
}

TEST(the_slowest_spans_are_sorted_by_decreasing_time)
{
	const struct report_span **v;

	sample_small(&d);
	report_slot_timeline_init(&timeline, &d);
	ck_assert_uint_eq(report_slot_timeline_find_slowest(&timeline, &v, 3),
			  3);
	ck_assert_str_eq(v[0]->unit->object, "lib/vsprintf.o");
	ck_assert_int_ge(report_slot_timeline_span_ms(v[0]),
			 report_slot_timeline_span_ms(v[1]));
	ck_assert_int_ge(report_slot_timeline_span_ms(v[1]),
			 report_slot_timeline_span_ms(v[2]));
	free(v);
	ck_assert_uint_eq(report_slot_timeline_find_slowest(&timeline, &v, 99),
			  11);
	free(v);
}

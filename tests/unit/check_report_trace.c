/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/trace.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "report-sample.h"

#include <jansson.h>

static struct report_data d;
static struct buf out;

static void tear_down(void)
{
	report_data_release(&d);
	buf_release(&out);
}

/* Check with an independent program that the trace has `jobs` jobs. */
static void check_trace(unsigned jobs)
{
	char dir[TEMPDIR_SIZE], *path, *command;
	struct err err = { 0 };

	tempdir_make(dir);
	path = xasprintf("%s/trace.json", dir);
	command = xasprintf("python3 tests/report/check-trace '%s' %u", path,
			    jobs);
	buf_reset(&out);
	report_trace(&out, &d);
	must(fs_write(path, buf_bytes(&out), 0600, &err));
	ck_assert_int_eq(system(command), 0);
	must(fs_remove(dir, &err));
	free(command);
	free(path);
}

/* Count the events `name` of phase `ph`. */
static size_t count_events(const char *ph, const char *name)
{
	json_t *all = json_loadb((char *)out.data, out.len, 0, NULL), *ev;
	size_t n = 0, i;

	ck_assert_ptr_nonnull(all);
	json_array_foreach(json_object_get(all, "traceEvents"), i, ev) n +=
		!strcmp(json_string_value(json_object_get(ev, "ph")), ph) &&
		!strcmp(json_string_value(json_object_get(ev, "name")), name);
	json_decref(all);
	return n;
}

FIXTURE(NULL, tear_down);

TEST(a_trace_has_phases_jobs_and_their_parts)
{
	sample_small(&d);
	check_trace(11);
	ck_assert_uint_eq(count_events("X", "modpost"), 1);
	ck_assert_uint_eq(count_events("X", "lib/vsprintf.o"), 1);
	ck_assert_uint_eq(count_events("X", "compile"), 11 + 1);
	ck_assert_uint_eq(count_events("X", "send"), 9);
	ck_assert_uint_eq(count_events("X", "receive"), 9);
	ck_assert_uint_eq(count_events("M", "process_name"), 4);
	ck_assert_uint_ge(count_events("C", "jobs"), 11);
}

TEST(hostile_names_are_valid_json_strings)
{
	sample_hostile(&d);
	check_trace(2);
}

TEST(a_large_trace_has_all_jobs_but_few_counter_samples)
{
	sample_large(&d, 100, 4, 6000);
	check_trace(6000);
	ck_assert_uint_le(count_events("C", "jobs"), 4002);
}

/* Return the sum of the counter's values in the last sample before `ms`. */
static json_int_t count_before(int64_t ms)
{
	json_t *all = json_loadb((char *)out.data, out.len, 0, NULL);
	json_t *ev, *args = NULL, *value;
	const char *name;
	json_int_t sum = 0;
	size_t i;

	ck_assert_ptr_nonnull(all);
	json_array_foreach(json_object_get(all, "traceEvents"), i, ev)
	{
		if (!strcmp(json_string_value(json_object_get(ev, "ph")),
			    "C") &&
		    json_integer_value(json_object_get(ev, "ts")) < ms * 1000)
			args = json_object_get(ev, "args");
	}
	ck_assert_ptr_nonnull(args);
	json_object_foreach(args, name, value) sum += json_integer_value(value);
	json_decref(all);
	return sum;
}

TEST(the_job_counter_is_zero_while_no_job_runs)
{
	sample_begin(&d);
	sample_node(&d, "neo4a", 2);
	sample_unit(&d, "a.o", 0, -1, 10000, 20000);
	sample_unit(&d, "b.o", 0, -1, 10000, 20001);
	sample_unit(&d, "c.o", 0, -1, 300000, 301000);
	d.build.wall_ms = 400000;
	check_trace(3);
	ck_assert_int_eq(count_before(15000), 2);
	ck_assert_int_eq(count_before(200000), 0);
	ck_assert_int_eq(count_before(300500), 1);
	ck_assert_int_eq(count_before(400000), 0);
}

TEST(inconsistent_times_yield_nested_events)
{
	sample_small(&d);
	for (size_t i = 0; i < d.details.n_units; i++) {
		struct history_unit *u = &d.details.units[i];

		u->sent_ms = (int64_t)(i * 7919 % 13000);
		u->run_ms = (int64_t)(i * 104729 % 13000);
		u->received_ms = (int64_t)(i * 1299709 % 13000);
		u->done_ms = (int64_t)(i * 15485863 % 13000);
	}
	check_trace(11);
}

TEST(a_build_without_units_has_a_valid_trace)
{
	sample_small(&d);
	d.details.n_units = 0;
	check_trace(0);
	d.details.n_units = 11;
	report_data_release(&d);
	d.build = (struct history_build){ .number = 1 };
	check_trace(0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/json.h"

#include "../lib/test.h"
#include "golden.h"
#include "report-sample.h"

static struct report_data d;
static json_t *report;
static char *dump;

static void tear_down(void)
{
	report_data_release(&d);
	json_decref(report);
	free(dump);
	report = NULL;
	dump = NULL;
}

static const char *dump_report(void)
{
	report = report_json(&d);
	dump = json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(6) |
					  JSON_ENSURE_ASCII);
	return dump;
}

FIXTURE(NULL, tear_down);

TEST(a_report_equals_the_golden_file)
{
	sample_small(&d);
	golden_file("tests/report/small.json", dump_report());
}

TEST(hostile_texts_survive_a_json_round_trip)
{
	json_error_t error;
	json_t *parsed;

	sample_hostile(&d);
	golden_file("tests/report/hostile.json", dump_report());
	parsed = json_loads(dump, 0, &error);
	ck_assert_ptr_nonnull(parsed);
	ck_assert(json_equal(parsed, report));
	json_decref(parsed);
}

TEST(a_large_build_is_reported_with_all_rows)
{
	sample_large(&d, 60, 2, 3000);
	report = report_json(&d);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "units")),
			  3000);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "nodes")),
			  61);
	ck_assert_uint_eq(
		json_array_size(json_object_get(report, "diagnostics")), 5000);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "sizes")),
			  5000);
}

TEST(units_kept_is_false_for_a_build_without_units)
{
	sample_small(&d);
	report = report_json(&d);
	ck_assert(json_is_true(json_object_get(report, "units_kept")));
	json_decref(report);
	d.details.n_units = 0;
	report = report_json(&d);
	ck_assert(json_is_false(json_object_get(report, "units_kept")));
	d.details.n_units = 11;
}

TEST(the_warnings_and_errors_of_a_command_are_null)
{
	sample_small(&d);
	free(d.build.tree);
	d.build.tree = NULL;
	report = report_json(&d);
	ck_assert(json_is_null(json_object_get(report, "warnings")));
	ck_assert(json_is_null(json_object_get(report, "errors")));
	ck_assert(json_is_integer(json_object_get(report, "remote")));
}

TEST(the_unknown_values_of_a_running_build_are_null)
{
	sample_small(&d);
	d.build.state = HISTORY_STATE_RUNNING;
	report = report_json(&d);
	ck_assert(json_is_null(json_object_get(report, "status")));
	ck_assert(json_is_null(json_object_get(report, "wall")));
	ck_assert(json_is_null(json_object_get(report, "remote")));
	ck_assert(json_is_integer(json_object_get(report, "began")));
}

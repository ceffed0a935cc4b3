/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/json.h"

#include "../lib/test.h"
#include "golden.h"
#include "report-sample.h"

static struct report_data d;
static json_t *made;
static char *dump;

static void tear_down(void)
{
	report_data_release(&d);
	json_decref(made);
	free(dump);
	made = NULL;
	dump = NULL;
}

static const char *dumped(void)
{
	made = report_json(&d);
	dump = json_dumps(made, JSON_INDENT(2) | JSON_REAL_PRECISION(6) |
					JSON_ENSURE_ASCII);
	return dump;
}

FIXTURE(NULL, tear_down);

TEST(a_report_is_as_the_file_says)
{
	sample_small(&d);
	golden_file("tests/report/small.json", dumped());
}

TEST(hostile_texts_are_json_all_the_same)
{
	json_error_t error;
	json_t *again;

	sample_hostile(&d);
	golden_file("tests/report/hostile.json", dumped());
	again = json_loads(dump, 0, &error);
	ck_assert_ptr_nonnull(again);
	ck_assert(json_equal(again, made));
	json_decref(again);
}

TEST(nothing_is_left_out)
{
	sample_large(&d, 60, 2, 3000);
	made = report_json(&d);
	ck_assert_uint_eq(json_array_size(json_object_get(made, "units")),
			  3000);
	ck_assert_uint_eq(json_array_size(json_object_get(made, "nodes")), 61);
	ck_assert_uint_eq(json_array_size(json_object_get(made, "diagnostics")),
			  5000);
	ck_assert_uint_eq(json_array_size(json_object_get(made, "sizes")),
			  5000);
}

TEST(an_old_build_says_that_its_units_are_gone)
{
	sample_small(&d);
	made = report_json(&d);
	ck_assert(json_is_true(json_object_get(made, "units_kept")));
	json_decref(made);
	d.details.n_units = 0;
	made = report_json(&d);
	ck_assert(json_is_false(json_object_get(made, "units_kept")));
	d.details.n_units = 11;
}

TEST(what_is_not_known_of_a_build_that_runs_is_null)
{
	sample_small(&d);
	d.build.state = HISTORY_STATE_RUNNING;
	made = report_json(&d);
	ck_assert(json_is_null(json_object_get(made, "status")));
	ck_assert(json_is_null(json_object_get(made, "wall")));
	ck_assert(json_is_null(json_object_get(made, "remote")));
	ck_assert(json_is_integer(json_object_get(made, "began")));
}

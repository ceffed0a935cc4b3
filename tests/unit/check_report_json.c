/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/json.h"

#include "golden.h"
#include "report-sample.h"
#include "suite.h"

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

START_TEST(a_report_is_as_the_file_says)
{
	sample_small(&d);
	golden_file("tests/report/small.json", dumped());
}
END_TEST

START_TEST(hostile_texts_are_json_all_the_same)
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
END_TEST

START_TEST(nothing_is_left_out)
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
END_TEST

START_TEST(an_old_build_says_that_its_units_are_gone)
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
END_TEST

START_TEST(what_is_not_known_of_a_build_that_runs_is_null)
{
	sample_small(&d);
	d.build.state = HISTORY_STATE_RUNNING;
	made = report_json(&d);
	ck_assert(json_is_null(json_object_get(made, "status")));
	ck_assert(json_is_null(json_object_get(made, "wall")));
	ck_assert(json_is_null(json_object_get(made, "remote")));
	ck_assert(json_is_integer(json_object_get(made, "began")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report/json");
	TCase *tc = tcase_create("json");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	suite_add_tcase(s, tc);
	tcase_add_test(tc, a_report_is_as_the_file_says);
	tcase_add_test(tc, hostile_texts_are_json_all_the_same);
	tcase_add_test(tc, nothing_is_left_out);
	tcase_add_test(tc, what_is_not_known_of_a_build_that_runs_is_null);
	tcase_add_test(tc, an_old_build_says_that_its_units_are_gone);
	return suite_run(s);
}

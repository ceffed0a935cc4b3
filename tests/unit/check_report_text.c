/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "report/text.h"

#include "../lib/test.h"
#include "base/printable.h"
#include "golden.h"
#include "report-sample.h"

static struct report_data d;
static struct buf out;

static void tear_down(void)
{
	report_data_release(&d);
	buf_release(&out);
}

FIXTURE(NULL, tear_down);

TEST(a_report_names_the_cause_of_a_failure)
{
	sample_small(&d);
	d.build.state = HISTORY_STATE_FAILED;
	d.build.cause = xstrdup("/x: No space left on device");
	report_text(&out, &d, false);
	text_has(buf_str(&out), "\n  cause    /x: No space left on device\n");
}

TEST(a_report_equals_the_golden_file)
{
	sample_small(&d);
	report_text(&out, &d, false);
	golden_file("tests/report/small.txt", buf_str(&out));
}

/* 9 of 10 executed jobs would be 90 %, but the build had 50 jobs. */
TEST(a_report_with_cached_jobs_has_no_remote_percentage)
{
	sample_small(&d);
	d.build.n_jobs = 50;
	d.build.n_remote = 9;
	d.build.n_local = 1;
	d.build.n_cached = 40;
	report_text(&out, &d, false);
	text_has(buf_str(&out), "jobs     50: 9 remote, 1 local, 40 cached");
}

TEST(a_report_contains_no_terminal_control_characters)
{
	sample_hostile(&d);
	report_text(&out, &d, false);
	ck_assert(printable_is_safe(buf_bytes(&out), PRINTABLE_WHITESPACE));
	golden_file("tests/report/hostile.txt", buf_str(&out));
}

TEST(long_lists_are_truncated_unless_all_rows_are_requested)
{
	sample_large(&d, 60, 2, 3000);
	report_text(&out, &d, false);
	ck_assert_uint_lt(out.len, 30000);
	text_has(buf_str(&out), "and 21 more nodes");
	text_has(buf_str(&out), "and 295 more\n");
	text_has(buf_str(&out), "and 4950 more diagnostics");
	text_has(buf_str(&out), "and 4980 more files");
	buf_reset(&out);
	report_text(&out, &d, true);
	ck_assert_ptr_null(strstr(buf_str(&out), " more"));
	text_has(buf_str(&out), "object-002999.o");
}

TEST(a_report_mentions_removed_units_and_diagnostics)
{
	sample_small(&d);
	d.details.n_units = 0;
	report_text(&out, &d, false);
	text_has(buf_str(&out), "units are no longer available");
	ck_assert_ptr_null(strstr(buf_str(&out), "slowest"));
	ck_assert_ptr_null(strstr(buf_str(&out), "diagnostics are no longer"));
	d.details.n_diags = 0;
	report_text(&out, &d, false);
	text_has(buf_str(&out), "diagnostics are no longer available");
	d.details.n_units = 11;
	d.details.n_diags = 3;
}

static const struct {
	enum history_state state;
	int64_t status;
	const char *text;
} status_texts[] = {
	{ HISTORY_STATE_RUNNING, 0, "running" },
	{ HISTORY_STATE_GOOD, 0, "built" },
	{ HISTORY_STATE_GOOD, 101, "built, with new warnings" },
	{ HISTORY_STATE_FAILED, 2, "failed" },
	{ HISTORY_STATE_FAILED, 1, "failed during setup" },
	{ HISTORY_STATE_FAILED, 125, "failed: farm or toolchain" },
	{ HISTORY_STATE_INTERRUPTED, 130, "interrupted" },
	{ HISTORY_STATE_KILLED, 0, "killed" },
};

TEST_EACH(each_build_state_and_status_has_a_text, status_texts)
{
	sample_small(&d);
	d.build.state = row->state;
	d.build.status = row->status;
	ck_assert_str_eq(report_data_status_text(&d), row->text);
}

/* `kfarm run` has no tree and ends with the status of its command. */
TEST(a_command_with_a_non_zero_status_is_reported_as_failed)
{
	static const int64_t statuses[] = { 1, 101, 125 };

	d.build = (struct history_build){ .number = 1,
					  .state = HISTORY_STATE_FAILED };
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		d.build.status = statuses[i];
		ck_assert_str_eq(report_data_status_text(&d), "failed");
	}
}

TEST(a_build_without_details_is_reported)
{
	d.build = (struct history_build){ .number = 1 };
	report_text(&out, &d, false);
	text_has(buf_str(&out), "build 1: running");
	text_has(buf_str(&out), "The build is still running");
	ck_assert_ptr_null(strstr(buf_str(&out), "warnings"));
	ck_assert_ptr_null(strstr(buf_str(&out), "\n  \n"));
	d.build.state = HISTORY_STATE_KILLED;
	buf_reset(&out);
	report_text(&out, &d, false);
	text_has(buf_str(&out), "killed before its details");
	d.build.state = HISTORY_STATE_GOOD;
	buf_reset(&out);
	report_text(&out, &d, false);
	text_has(buf_str(&out), "jobs     0\n");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "coord/event.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

START_TEST(a_job_is_one_line_of_json)
{
	struct coord_event ev = { .kind = EVENT_JOB,
				  .at_ms = 1500,
				  .job = 7,
				  .state = EVENT_JOB_DONE,
				  .file = "kernel/fork.c",
				  .node = "neo4a",
				  .remote = true };
	struct buf out = { 0 };

	coord_event_json(&out, &ev);
	ck_assert_str_eq(buf_str(&out),
			 "{\"t\":1.5,\"event\":\"job\",\"job\":7,\"state\":"
			 "\"done\",\"remote\":true,\"retries\":0,\"file\":"
			 "\"kernel/fork.c\",\"node\":\"neo4a\"}\n");
	buf_release(&out);
}
END_TEST

START_TEST(a_name_that_is_not_utf8_stays_valid_json)
{
	struct coord_event ev = { .kind = EVENT_DIAG,
				  .text = "a\xff\"b\nc",
				  .n = EVENT_ERROR };
	struct buf out = { 0 };

	coord_event_json(&out, &ev);
	ck_assert_str_eq(
		buf_str(&out),
		"{\"t\":0.0,\"event\":\"diag\",\"text\":\"a\xef\xbf\xbd\\\"b\\nc"
		"\",\"severity\":\"error\"}\n");
	buf_release(&out);
}
END_TEST

START_TEST(the_end_carries_the_exit_status)
{
	struct coord_event ev = { .kind = EVENT_DONE, .at_ms = 20, .n = 2 };
	struct buf out = { 0 };

	coord_event_json(&out, &ev);
	ck_assert_str_eq(buf_str(&out),
			 "{\"t\":0.02,\"event\":\"done\",\"status\":2}\n");
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coord/event");
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, a_job_is_one_line_of_json);
	tcase_add_test(tc, a_name_that_is_not_utf8_stays_valid_json);
	tcase_add_test(tc, the_end_carries_the_exit_status);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

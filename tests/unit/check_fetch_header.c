/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/header.h"

#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

static struct fetch_answer a;

static void setup(void)
{
	a = (struct fetch_answer){ .length = -1 };
}

static void teardown(void)
{
	fetch_answer_release(&a);
}

static void line(const char *text)
{
	fetch_header_line(&a, bytes_str(text));
}

START_TEST(lines_are_read_whatever_their_case)
{
	line("HTTP/1.1 206 Partial Content\r\n");
	line("ETag: \"6b008eee-6\"\r\n");
	line("last-modified:Fri, 20 Nov 2026 18:18:22 GMT \n");
	line("LOCATION:\t../x?y\r\n");
	line("Content-Range: bytes 10-99/100\r\n");
	line("X-ETag: \"other\"\r\n");
	ck_assert_str_eq(a.etag, "\"6b008eee-6\"");
	ck_assert_str_eq(a.modified, "Fri, 20 Nov 2026 18:18:22 GMT");
	ck_assert_str_eq(a.location, "../x?y");
	ck_assert(a.has_range);
	ck_assert_uint_eq(a.range_from, 10);
	ck_assert_uint_eq(a.range_total, 100);
}
END_TEST

START_TEST(the_last_line_of_a_name_counts)
{
	line("ETag: \"one\"");
	line("ETag: \"two\"");
	ck_assert_str_eq(a.etag, "\"two\"");
	line("ETag: \x1b[31m");
	ck_assert_ptr_null(a.etag);
	line("Content-Range: bytes 0-8/9");
	ck_assert(a.has_range);
	line("Content-Range: bytes */9");
	ck_assert(!a.has_range);
}
END_TEST

/* None of them is the rest of a file. */
static const char *const ranges[] = {
	"",
	"bytes",
	"bytes ",
	"bytes */9",
	"bytes 1-2",
	"bytes 1-8/*",
	"bytes 1-7/9",
	"bytes 1-9/9",
	"bytes 9-8/9",
	"bytes -8/9",
	"bytes 1-/9",
	"bytes 1-8/",
	"bytes 1-8/9x",
	"bytes 1-8/9 ,",
	"bytes 0x1-8/9",
	"bytes +1-8/9",
	"bits 1-8/9",
	"1-8/9",
	"bytes 1-9223372036854775807/9223372036854775808",
	"bytes 99999999999999999999999-8/9",
};

START_TEST(an_odd_range_is_none)
{
	char *text = xasprintf("Content-Range: %s\r\n", ranges[_i]);

	line(text);
	ck_assert_msg(!a.has_range, "%s", text);
	free(text);
}
END_TEST

START_TEST(what_is_long_or_odd_is_not_kept)
{
	char *text = xasprintf("ETag: \"%0*d\"", FETCH_STAMP_MAX - 2, 1);

	line(text);
	ck_assert_uint_eq(strlen(a.etag), FETCH_STAMP_MAX);
	free(text);
	text = xasprintf("ETag: \"%0*d\"", FETCH_STAMP_MAX - 1, 1);
	line(text);
	ck_assert_ptr_null(a.etag);
	free(text);
	line("ETag:");
	line("Last-Modified: \xff");
	fetch_header_line(&a, bytes_of("Location: x\0y", 13));
	ck_assert_ptr_null(a.etag);
	ck_assert_ptr_null(a.modified);
	ck_assert_ptr_null(a.location);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fetch/header");
	TCase *tc = tcase_create("header");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_are_read_whatever_their_case);
	tcase_add_test(tc, the_last_line_of_a_name_counts);
	tcase_add_loop_test(tc, an_odd_range_is_none, 0,
			    sizeof(ranges) / sizeof(ranges[0]));
	tcase_add_test(tc, what_is_long_or_odd_is_not_kept);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

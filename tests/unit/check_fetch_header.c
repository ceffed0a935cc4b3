/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
/* The response headers that a resumption uses: Content-Range and validators. */
#include "../lib/test.h"

#include "fetch/curl.h"

static struct fetch_response a;

static void setup(void)
{
	a = (struct fetch_response){ .length_bytes = -1 };
}

static void teardown(void)
{
	fetch_response_release(&a);
}

FIXTURE(setup, teardown);

TEST(content_range_yields_the_start_and_the_total_length)
{
	fetch_curl_parse_range(&a, "bytes 10-99/100");
	ck_assert(a.has_range);
	ck_assert_uint_eq(a.range_from, 10);
	ck_assert_uint_eq(a.range_total, 100);
	fetch_curl_parse_range(&a, "BYTES 0-8/9");
	ck_assert(a.has_range);
	fetch_curl_parse_range(&a, "bytes */9");
	ck_assert(!a.has_range);
	ck_assert_uint_eq(a.range_total, 0);
}

/* None of these is the rest of a file. */
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

TEST_EACH(invalid_ranges_are_ignored, ranges)
{
	fetch_curl_parse_range(&a, *row);
	ck_assert_msg(!a.has_range, "%s", *row);
}

TEST(overlong_empty_or_unprintable_validators_are_rejected)
{
	char *text = xasprintf("\"%0*d\"", FETCH_VALIDATOR_LEN_MAX - 2, 1);

	ck_assert(fetch_curl_is_validator(text));
	free(text);
	text = xasprintf("\"%0*d\"", FETCH_VALIDATOR_LEN_MAX - 1, 1);
	ck_assert(!fetch_curl_is_validator(text));
	free(text);
	ck_assert(fetch_curl_is_validator("Fri, 20 Nov 2026 18:18:22 GMT"));
	ck_assert(!fetch_curl_is_validator(""));
	ck_assert(!fetch_curl_is_validator("\xff"));
	ck_assert(!fetch_curl_is_validator("\"\x1b[31m\""));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Encode `s` and decode it; the caller frees the result. */
static char *through(const char *s, size_t put_max, size_t get_max, bool *bad)
{
	struct buf b = { 0 };
	struct reader r;
	char *got;

	wire_field_put_line(&b, s, put_max);
	reader_init(&r, buf_bytes(&b));
	got = wire_field_line(&r, get_max);
	*bad = r.bad;
	buf_release(&b);
	return got;
}

static void ck_line(const char *s, const char *want)
{
	bool bad;
	char *got = through(s, 10, 10, &bad);

	ck_assert_str_eq(got, want);
	ck_assert(!bad);
	free(got);
}

TEST(a_line_is_cut_and_cleaned_when_written)
{
	ck_line("", "");
	ck_line(NULL, "");
	ck_line("plain", "plain");
	ck_line("exactly 10", "exactly 10");
	ck_line("more than ten", "more than ");
	ck_line("a\nb\tc\033[2J", "a b c [2J");
	ck_line("d\177e", "d e");
	ck_line("\303\274ber", "\303\274ber");
}

TEST(a_line_too_long_is_refused)
{
	bool bad;
	char *got = through("eleven here", 100, 10, &bad);

	ck_assert(bad);
	ck_assert_str_eq(got, "");
	free(got);
}

TEST_RANGE(a_line_that_steers_a_terminal_is_refused, 0, 7)
{
	static const char *const lines[] = {
		"a\nb",     "\033[2J", "\177",         "\1",
		"\xc2\x9b", "\x9b",    "\xe2\x80\xae",
	};
	struct buf b = { 0 };
	struct reader r;

	buf_put_str(&b, lines[_i]);
	reader_init(&r, buf_bytes(&b));
	free(wire_field_line(&r, 100));
	ck_assert(r.bad);
	buf_release(&b);
}

TEST(what_steers_a_terminal_does_not_go_out)
{
	struct buf b = { 0 };
	struct reader r;
	char *got;

	/* Truncated within the last character. */
	wire_field_put_line(&b, "\t\xe2\x80\xae|\xc3\xbc|\xe2\x82\xac", 10);
	reader_init(&r, buf_bytes(&b));
	got = wire_field_line(&r, 100);
	ck_assert(!r.bad);
	ck_assert_str_eq(got, "    |\xc3\xbc|  ");
	free(got);
	buf_release(&b);
}

TEST(a_short_digest_leaves_the_old_one)
{
	struct digest d = { .b = { 7 } };
	uint8_t raw[DIGEST_SIZE] = { 1, 2, 3 };
	struct reader r;

	reader_init(&r, bytes_of(raw, sizeof(raw) - 1));
	wire_field_digest(&r, &d);
	ck_assert(r.bad);
	ck_assert_uint_eq(d.b[0], 7);

	reader_init(&r, bytes_of(raw, sizeof(raw)));
	wire_field_digest(&r, &d);
	ck_assert(!r.bad);
	ck_assert_mem_eq(d.b, raw, sizeof(raw));
}

TEST(a_number_beyond_its_limit_is_bad_and_zero)
{
	static const uint8_t raw[] = { 5, 0, 1, 0, 0 };
	struct reader r;

	reader_init(&r, bytes_of(raw, sizeof(raw)));
	ck_assert_uint_eq(wire_field_u8(&r, 5), 5);
	ck_assert_uint_eq(wire_field_u32(&r, 256), 256);
	ck_assert_int_eq(reader_end(&r), 0);

	reader_init(&r, bytes_of(raw, sizeof(raw)));
	ck_assert_uint_eq(wire_field_u8(&r, 4), 0);
	ck_assert(r.bad);

	reader_init(&r, bytes_of(raw + 1, 4));
	ck_assert_uint_eq(wire_field_u32(&r, 255), 0);
	ck_assert(r.bad);
}

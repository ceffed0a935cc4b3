/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* Values of the escape sequences in literals. */
#include "../lib/test.h"

#include "cpp/token.h"

/* The text after the backslash, its value, and the rest. */
static const struct {
	const char *text;
	int64_t value;
	const char *rest;
} escapes[] = {
	{ "n", '\n', "" },
	{ "t1", '\t', "1" },
	{ "e", 27, "" },
	{ "E", 27, "" },
	{ "\"x", '"', "x" },
	{ "\\", '\\', "" },
	{ "0", 0, "" },
	{ "1012", 'A', "2" },
	{ "79", 7, "9" },
	{ "777", 0777, "" },
	{ "8", -1, "" },
	{ "q!", -1, "!" },
	{ "x2e.", '.', "." },
	{ "x00000000002E", '.', "" },
	{ "x12345678a", 0x2345678a, "" },
	{ "x", -1, "" },
	{ "xg", -1, "g" },
	{ "u002e0", '.', "0" },
	{ "U0000002e0", '.', "0" },
	{ "u", -1, "" },
};

TEST_EACH(an_escape_yields_its_value_and_the_rest_of_the_text, escapes)
{
	const char *s = row->text;

	ck_assert_int_eq(cpp_escape(&s, s + strlen(s)), row->value);
	ck_assert_str_eq(s, row->rest);
}

/* A literal ends at its quote; more of the line follows. */
TEST(an_escape_ends_at_the_end_of_the_literal)
{
	static const char text[] = "x414141";
	const char *s = text;

	ck_assert_int_eq(cpp_escape(&s, text + 3), 'A');
	ck_assert_ptr_eq(s, text + 3);
	s = text;
	ck_assert_int_eq(cpp_escape(&s, text + 1), -1);
	ck_assert_ptr_eq(s, text + 1);
}

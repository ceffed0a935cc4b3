/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/text-width.h"

static const struct {
	const char *text;
	unsigned columns;
} widths[] = {
	{ "", 0 },
	{ "kernel/fork.c", 13 },
	{ "\xc3\xa4", 1 }, /* a with a diaeresis */
	{ "a\xcc\x88", 1 }, /* the same as two characters */
	{ "\xe6\xbc\xa2\xe5\xad\x97", 4 }, /* two ideographs */
	{ "\xf0\x9f\x90\xa7", 2 }, /* a penguin */
	{ "\xff\xfe", 2 }, /* invalid UTF-8 */
	{ "x\xe6\xbc", 3 }, /* truncated */
};

TEST_EACH(the_width_of_text_is_counted_in_terminal_columns, widths)
{
	ck_assert_uint_eq(text_width(row->text), row->columns);
}

static const struct {
	const char *text;
	unsigned columns;
	const char *shown;
} cuts[] = {
	{ "abcdefghij", 10, "abcdefghij" },
	{ "abcdefghij", 9, "abc...hij" },
	{ "abcdefghij", 8, "ab...hij" },
	{ "abcdefghij", 5, "a...j" },
	{ "abcdefghij", 4, "abcd" },
	{ "abcdefghij", 0, "" },
	{ "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 7,
	  "\xe6\xbc\xa2...\xe6\xbc\xa2" },
	{ "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 6,
	  "...\xe6\xbc\xa2" },
	{ "abcdeo\xcc\x88", 5, "a...o\xcc\x88" },
	{ "abcdefo\xcc\x88x", 5, "a...x" },
};

TEST_EACH(long_text_is_elided_in_the_middle, cuts)
{
	struct buf out = { 0 };

	text_width_elide(&out, row->text, row->columns);
	ck_assert_str_eq(buf_str(&out), row->shown);
	ck_assert_uint_le(text_width(buf_str(&out)), row->columns);
	buf_release(&out);
}

static const struct wrapped {
	const char *text;
	unsigned at, indent, columns;
	const char *lines;
} wrapped[] = {
	{ "one two", 2, 2, 9, "one two" },
	{ "one two", 2, 2, 8, "one\n  two" },
	{ "one two", 3, 2, 9, "one\n  two" },
	{ "one", 8, 2, 9, "\n  one" },
	{ "overlong one", 2, 2, 5, "overlong\n  one" },
	{ " one  two ", 0, 0, 80, "one two" },
	{ "\xe6\xbc\xa2 \xe6\xbc\xa2", 0, 0, 5, "\xe6\xbc\xa2 \xe6\xbc\xa2" },
	{ "\xe6\xbc\xa2 \xe6\xbc\xa2", 0, 0, 4, "\xe6\xbc\xa2\n\xe6\xbc\xa2" },
	{ "", 0, 0, 80, "" },
};

TEST_EACH(text_is_wrapped_at_blanks, wrapped)
{
	struct buf out = { 0 };

	text_width_wrap(&out, row->text, row->at, row->indent, row->columns);
	ck_assert_str_eq(buf_str(&out), row->lines);
	buf_release(&out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/printable.h"

#define BOTH (PRINTABLE_WHITESPACE | PRINTABLE_COLOURS)

/* A text, permitted additions, and its printable form; NULL: unchanged. */
static const struct {
	const char *text;
	unsigned allow;
	const char *shown;
} cases[] = {
	{ "", 0, NULL },
	{ "a file.c:7: \"~\" `x'", 0, NULL },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", 0, NULL },
	{ "\xc2\xa0|\xdf\xbf|\xe0\xa0\x80|\xef\xbf\xbd|\xf4\x8f\xbf\xbf", 0,
	  NULL },
	/* layout */
	{ "a\tb\nc", PRINTABLE_WHITESPACE, NULL },
	{ "a\tb\nc", 0, "a\\x09b\\x0ac" },
	{ "a\tb\nc", PRINTABLE_COLOURS, "a\\x09b\\x0ac" },
	/* C0, DEL, and C1 as a character and as a raw byte */
	{ "\rx\b\a\v\f\x01\x1f", PRINTABLE_WHITESPACE,
	  "\\x0dx\\x08\\x07\\x0b\\x0c\\x01\\x1f" },
	{ "\x7f", BOTH, "\\x7f" },
	{ "\xc2\x80\xc2\x9f\xc2\x9b", BOTH, "\\xc2\\x80\\xc2\\x9f\\xc2\\x9b" },
	{ "\x80 \x9b"
	  "31m \x9f",
	  BOTH, "\\x80 \\x9b31m \\x9f" },
	/*
	 * invalid UTF-8: Latin-1, truncated, overlong, a surrogate, too large
	 */
	{ "gr\xfc\xdf e", BOTH, "gr\\xfc\\xdf e" },
	{ "x\xc3", BOTH, "x\\xc3" },
	{ "x\xe2\x82", BOTH, "x\\xe2\\x82" },
	{ "\xe2\x82x", BOTH, "\\xe2\\x82x" },
	{ "\xc0\xaf", BOTH, "\\xc0\\xaf" },
	{ "\xe0\x9f\xbf", BOTH, "\\xe0\\x9f\\xbf" },
	{ "\xf0\x8f\xbf\xbf", BOTH, "\\xf0\\x8f\\xbf\\xbf" },
	{ "\xed\xa0\x80", BOTH, "\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", BOTH, "\\xf4\\x90\\x80\\x80" },
	{ "\xf8\x88\x80\x80\x80", BOTH, "\\xf8\\x88\\x80\\x80\\x80" },
	/* bidirectional controls, and their neighbours */
	{ "\xd8\x9c", BOTH, "\\xd8\\x9c" },
	{ "\xe2\x80\x8e\xe2\x80\x8f", BOTH, "\\xe2\\x80\\x8e\\xe2\\x80\\x8f" },
	{ "\xe2\x80\xaa", BOTH, "\\xe2\\x80\\xaa" },
	{ "\xe2\x80\xae", BOTH, "\\xe2\\x80\\xae" },
	{ "\xe2\x81\xa6", BOTH, "\\xe2\\x81\\xa6" },
	{ "\xe2\x81\xa9", BOTH, "\\xe2\\x81\\xa9" },
	{ "\xd8\x9b\xd8\x9d\xe2\x80\x8d\xe2\x80\x90", 0, NULL },
	{ "\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa", 0, NULL },
	/* colours, and similar sequences */
	{ "\033[01;31m\033[Kerror\033[m\033[K\033[0m", PRINTABLE_COLOURS,
	  NULL },
	{ "\033[31m", PRINTABLE_WHITESPACE, "\\x1b[31m" },
	{ "\033[31", BOTH, "\\x1b[31" },
	{ "\033[", BOTH, "\\x1b[" },
	{ "\033", BOTH, "\\x1b" },
	{ "\033[2K", BOTH, "\\x1b[2K" },
	{ "\033[2J\033[H\033c", BOTH, "\\x1b[2J\\x1b[H\\x1bc" },
	{ "\033[?25l", BOTH, "\\x1b[?25l" },
	{ "\033]0;title\a", BOTH, "\\x1b]0;title\\x07" },
	{ "\033[3\0331m", BOTH, "\\x1b[3\\x1b1m" },
};

TEST_EACH(only_unsafe_bytes_are_escaped_or_replaced, cases)
{
	const char *text = row->text;
	const char *shown = row->shown ? row->shown : text;
	char *in_place = strdup(text);
	struct buf out = { 0 };

	ck_assert_int_eq(printable_is_safe(bytes_str(text), row->allow),
			 !row->shown);
	printable_add_escaped(&out, bytes_str(text), row->allow);
	ck_assert_str_eq(buf_str(&out), shown);
	printable_replace(in_place, strlen(text), row->allow, '?');
	ck_assert_uint_eq(strlen(in_place), strlen(text));
	ck_assert(printable_is_safe(bytes_str(in_place), row->allow));
	for (size_t i = 0; text[i]; i++) {
		bool hidden = row->shown && !strncmp(shown, "\\x", 2);

		ck_assert_int_eq(in_place[i], hidden ? '?' : text[i]);
		shown += hidden ? 4 : 1;
	}
	buf_release(&out);
	free(in_place);
}

TEST(a_nul_byte_is_escaped_or_replaced)
{
	char text[] = "a\0b";
	struct buf out = { 0 };

	ck_assert(!printable_is_safe(bytes_of(text, 3), BOTH));
	printable_add_escaped(&out, bytes_of(text, 3), BOTH);
	ck_assert_str_eq(buf_str(&out), "a\\x00b");
	printable_replace(text, 3, BOTH, ' ');
	ck_assert_str_eq(text, "a b");
	buf_release(&out);
}

/* U+20AC has three bytes. */
static const struct {
	const char *text;
	size_t max, len;
} prefixes[] = {
	{ "", 3, 0 },
	{ "abc", 3, 3 },
	{ "abc", 2, 2 },
	{ "a\xe2\x82\xac", 4, 4 },
	{ "a\xe2\x82\xac", 3, 1 },
	{ "a\xe2\x82\xac", 2, 1 },
	{ "\xe2\x82\xac"
	  "b",
	  3, 3 },
	{ "\xe2\x82\xac", 2, 0 },
};

TEST_EACH(a_prefix_does_not_end_within_a_character, prefixes)
{
	ck_assert_uint_eq(printable_prefix_len(row->text, row->max), row->len);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "ui/view.h"

#include "base/printable.h"

#include <malloc.h>

static struct ui_log g;

static void set_up(void)
{
	g = (struct ui_log){ 0 };
}

static void tear_down(void)
{
	ui_log_release(&g);
}

static void add(const char *text)
{
	ui_log_add(&g, bytes_str(text));
}

FIXTURE(set_up, tear_down);

TEST(a_line_is_assembled_from_pieces)
{
	add("one\ntw");
	ck_assert_uint_eq(g.end, 1);
	ck_assert_ptr_null(ui_log_get_line(&g, 1));
	add("o");
	add("\n\nfour\r\n");
	ck_assert_uint_eq(g.end, 4);
	ck_assert_str_eq(ui_log_get_line(&g, 0), "one");
	ck_assert_str_eq(ui_log_get_line(&g, 1), "two");
	ck_assert_str_eq(ui_log_get_line(&g, 2), "");
	ck_assert_str_eq(ui_log_get_line(&g, 3), "four");
	ck_assert_ptr_null(ui_log_get_line(&g, 4));
	ck_assert_ptr_null(ui_log_get_line(&g, UINT64_MAX));
}

static const struct {
	const char *raw, *shown;
} lines[] = {
	{ "\tCC\tx", "        CC      x" },
	{ "a\033[2Jb", "a\\x1b[2Jb" },
	{ "a\rb", "a\\x0db" },
	{ "\xff\t", "\\xff       " },
	{ "\u00e4\u202e", "\u00e4\\xe2\\x80\\xae" },
	{ "\a\b\x7f", "\\x07\\x08\\x7f" },
};

TEST_EACH(lines_are_stored_in_printable_form, lines)
{
	add(row->raw);
	add("\n");
	ck_assert_str_eq(ui_log_get_line(&g, 0), row->shown);
}

TEST(a_nul_byte_is_escaped)
{
	ui_log_add(&g, bytes_of("a\0b\n", 4));
	ck_assert_str_eq(ui_log_get_line(&g, 0), "a\\x00b");
}

TEST(the_oldest_lines_are_dropped)
{
	char text[32];

	for (int i = 0; i < 3 * UI_LOG_LINES; i++) {
		snprintf(text, sizeof(text), "line %d\n", i);
		add(text);
	}
	ck_assert_uint_eq(g.end, 3 * UI_LOG_LINES);
	ck_assert_uint_eq(g.first, 2 * UI_LOG_LINES);
	ck_assert_ptr_null(ui_log_get_line(&g, g.first - 1));
	ck_assert_str_eq(ui_log_get_line(&g, g.first), "line 20000");
	ck_assert_str_eq(ui_log_get_line(&g, g.end - 1), "line 29999");
}

/* 10 MB without a newline, of the byte with the longest printed form, 0xff. */
TEST(a_line_of_10_megabytes_is_truncated)
{
	char *block = xmalloc(1 << 20);
	struct mallinfo2 before = mallinfo2();

	memset(block, 0xff, 1 << 20);
	for (int i = 0; i < 10; i++)
		ui_log_add(&g, bytes_of(block, 1 << 20));
	ck_assert_uint_eq(g.end, 0);
	ck_assert_uint_le(mallinfo2().uordblks,
			  before.uordblks + 4 * UI_LOG_LINE_MAX);
	add("\nnext\n");
	ck_assert_uint_eq(strlen(ui_log_get_line(&g, 0)),
			  4 * UI_LOG_LINE_MAX + 3);
	text_ends(ui_log_get_line(&g, 0), "\\xff...");
	ck_assert_str_eq(ui_log_get_line(&g, 1), "next");
	free(block);
}

TEST(the_memory_of_the_log_is_limited)
{
	char *block = xmalloc(UI_LOG_LINE_MAX + 1);
	size_t sum = 0;

	memset(block, '\033', UI_LOG_LINE_MAX);
	block[UI_LOG_LINE_MAX] = '\n';
	for (int i = 0; i < 2000; i++) {
		ui_log_add(&g, bytes_of(block, UI_LOG_LINE_MAX + 1));
		ck_assert_uint_le(g.total_bytes, UI_LOG_BYTES);
	}
	for (uint64_t i = g.first; i < g.end; i++)
		sum += strlen(ui_log_get_line(&g, i)) + 1;
	ck_assert_uint_eq(sum, g.total_bytes);
	ck_assert_uint_gt(sum, UI_LOG_BYTES - 10000);
	free(block);
}

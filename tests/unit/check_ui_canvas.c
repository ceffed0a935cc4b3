/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "base/printable.h"
#include "base/text-width.h"
#include "ui-canvas.h"

#define WIDE    "\u6f22" /* an ideograph */
#define ACCENT  "\u0308" /* a combining character */
#define PENGUIN "\U0001f427"

static struct ui_canvas c;

static void tear_down(void)
{
	ui_canvas_release(&c);
}

static void expect(const char *want)
{
	struct buf text = { 0 };

	dump_text(&text, &c);
	ck_assert_str_eq(buf_str(&text), want);
	buf_release(&text);
}

static bool is_valid_cell(const struct ui_glyph *cell)
{
	return memchr(cell->text, 0, sizeof(cell->text)) &&
	       printable_is_safe(bytes_str(cell->text), 0) &&
	       cell->style < UI_STYLES;
}

/* Check that each row has its full width and contains only printable text. */
static void check_cells(void)
{
	bool valid = true;

	for (unsigned row = 0; row < c.rows; row++) {
		const struct ui_glyph *cells = c.glyphs + row * c.columns;
		unsigned width = 0;

		for (unsigned i = 0; i < c.columns; i++) {
			/*
			 * A cell without text is the second half of a wide
			 * character.
			 */
			valid &= width == i + !cells[i].text[0];
			valid &= is_valid_cell(&cells[i]);
			width += text_width(cells[i].text);
		}
		valid &= width == c.columns;
	}
	ck_assert(valid);
}

static const struct {
	unsigned column, columns;
	const char *text;
	unsigned used_columns;
	const char *expected;
} texts[] = {
	{ 0, 0, "abc", 3, "abc\n" },
	{ 2, 0, "abc", 3, "  abc\n" },
	{ 6, 0, "abc", 2, "      ab\n" },
	{ 0, 2, "abc", 2, "ab\n" },
	{ 8, 0, "abc", 0, "\n" },
	{ 4000000000, 0, "abc", 0, "\n" },
	{ 0, 4000000000, "abcdefghij", 8, "abcdefgh\n" },
	{ 0, 0, "", 0, "\n" },
	{ 0, 0, "a\tb", 3, "a b\n" },
	{ 0, 0, WIDE "x", 3, WIDE "x\n" },
	{ 7, 0, WIDE, 0, "\n" }, /* the second half would be outside */
	{ 5, 2, "a" WIDE, 1, "     a\n" },
	{ 0, 0, "u" ACCENT "x", 2, "u" ACCENT "x\n" },
	{ 0, 0, WIDE ACCENT "x", 3, WIDE ACCENT "x\n" },
	{ 0, 0, ACCENT "x", 1, "x\n" }, /* without a base character */
	/* A cell stores fourteen bytes. */
	{ 0, 0, "u" ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT "x",
	  2, "u" ACCENT ACCENT ACCENT ACCENT ACCENT ACCENT "x\n" },
	{ 0, 0, "a\u200db\ufe0fc\ufeff", 3, "abc\n" },
	{ 0, 0, "\033[2J", 4, "?[2J\n" },
	{ 0, 0, "\xff\xfe", 2, "??\n" },
	{ 0, 0, "a\xe6\xbc", 3, "a??\n" }, /* truncated */
	{ 0, 0, "\u202e\u2066x", 3, "??x\n" },
	{ 0, 0,
	  "\xc2\x9b"
	  "2J\x7f\r\n",
	  6, "?2J???\n" },
};

FIXTURE(NULL, tear_down);

TEST_EACH(text_is_clipped_and_unsafe_characters_are_replaced, texts)
{
	ui_canvas_init(&c, 1, 8, false);
	ck_assert_uint_eq(canvas_put(&c, 0, row->column, row->columns,
				     UI_STYLE_NORMAL, row->text),
			  row->used_columns);
	expect(row->expected);
	check_cells();
}

TEST(an_ascii_canvas_replaces_other_characters)
{
	ui_canvas_init(&c, 2, 20, true);
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL,
		   "a\u00e4u" ACCENT WIDE PENGUIN);
	canvas_put(&c, 1, 0, 0, UI_STYLE_NORMAL, "\u2588\x80\033");
	expect("a?u??\n???\n");
}

TEST(text_outside_the_canvas_is_clipped)
{
	struct ui_area a = endless_area(&c);

	ui_canvas_init(&c, 2, 3, false);
	for (unsigned row = 0; row < 5; row++)
		canvas_put(&c, row, 1, 0, UI_STYLE_BAD, "xyz");
	canvas_put(&c, UINT32_MAX, UINT32_MAX, UINT32_MAX, UI_STYLE_BAD, "xyz");
	ui_area_set_style(&a, 7, UI_STYLE_GOOD);
	a.column = 2;
	ui_area_set_style(&a, 1, UI_STYLE_GOOD);
	ck_assert_uint_eq(canvas_fill(&c, 2, 0, 9, UI_STYLE_BAD, "-"), 0);
	expect(" xy\n xy\n");
	check_cells();
}

TEST(overwriting_half_of_a_wide_character_blanks_the_other_half)
{
	ui_canvas_init(&c, 1, 6, false);
	canvas_put(&c, 0, 1, 0, UI_STYLE_NORMAL, WIDE WIDE);
	canvas_put(&c, 0, 2, 0, UI_STYLE_NORMAL, "x");
	expect("  x" WIDE "\n");
	check_cells();
	canvas_put(&c, 0, 1, 0, UI_STYLE_NORMAL, WIDE WIDE);
	canvas_put(&c, 0, 3, 0, UI_STYLE_NORMAL, "x");
	expect(" " WIDE "x\n");
	check_cells();
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, WIDE WIDE WIDE);
	ck_assert_uint_eq(canvas_fill(&c, 0, 1, 2, UI_STYLE_NORMAL, "-"), 2);
	expect(" -- " WIDE "\n");
	check_cells();
}

TEST(each_cell_has_the_style_it_was_put_with)
{
	struct buf styles = { 0 };

	ui_canvas_init(&c, 2, UI_STYLES, false);
	for (unsigned i = 0; i < UI_STYLES; i++)
		canvas_put(&c, 0, i, 1, i, "x");
	canvas_put(&c, 1, 0, 0, UI_STYLE_GOOD, "x");
	dump_styles(&styles, &c);
	ck_assert_str_eq(buf_str(&styles), ".dbtgwBhs>r<lS\ng\n");
	buf_release(&styles);
}

TEST(an_overwritten_cell_contains_no_remains_of_the_old_text)
{
	struct ui_glyph clean = { "x", UI_STYLE_NORMAL };

	ui_canvas_init(&c, 1, 4, false);
	canvas_put(&c, 0, 0, 0, UI_STYLE_BAD, "u" ACCENT ACCENT);
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "x");
	/* The screen compares cells. */
	ck_assert_int_eq(memcmp(c.glyphs, &clean, sizeof(clean)), 0);
	canvas_put(&c, 0, 0, 0, UI_STYLE_BAD, WIDE);
	canvas_put(&c, 0, 1, 0, UI_STYLE_NORMAL, "x");
	clean = (struct ui_glyph){ " ", UI_STYLE_BAD };
	ck_assert_int_eq(memcmp(c.glyphs, &clean, sizeof(clean)), 0);
}

TEST(the_size_is_bounded_and_may_be_zero)
{
	ui_canvas_init(&c, 65535, 65535, false);
	ck_assert_uint_eq(c.rows, UI_ROWS_MAX);
	ck_assert_uint_eq(c.columns, UI_COLUMNS_MAX);
	ui_canvas_resize(&c, 0, 0);
	ck_assert_uint_eq(canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "x"), 0);
	expect("");
	ui_canvas_resize(&c, 2, 2);
	canvas_put(&c, 1, 1, 0, UI_STYLE_NORMAL, "x");
	expect("\n x\n");
	ui_canvas_clear(&c);
	expect("\n\n");
}

/* ---------------------------------------------------------------- areas */

static struct ui_area make_area(void)
{
	ui_canvas_init(&c, 4, 16, true);
	for (unsigned row = 0; row < 4; row++)
		canvas_fill(&c, row, 0, 16, UI_STYLE_NORMAL, ".");
	return (struct ui_area){ &c, 1, 4, 2, 8, true };
}

TEST(text_is_clipped_to_its_area)
{
	struct ui_area a = make_area();

	ck_assert_uint_eq(ui_area_put(&a, 0, 6, 0, UI_STYLE_NORMAL, "abcdef"),
			  2);
	ck_assert_uint_eq(
		ui_area_put(&a, 1, 0, 99, UI_STYLE_NORMAL, "0123456789"), 8);
	ck_assert_uint_eq(ui_area_put(&a, 2, 0, 0, UI_STYLE_NORMAL, "abc"), 0);
	ck_assert_uint_eq(ui_area_put(&a, 0, 8, 0, UI_STYLE_NORMAL, "abc"), 0);
	ck_assert_uint_eq(ui_area_fill(&a, 0, 5, 99, UI_STYLE_NORMAL, "-"), 3);
	ui_area_set_style(&a, 2, UI_STYLE_BAD);
	ck_assert_uint_eq(
		ui_area_printf(&a, 0, 0, UI_STYLE_NORMAL, "%d", 12345678), 8);
	expect("................\n....12345678....\n"
	       "....01234567....\n................\n");
}

TEST(text_is_right_aligned_or_elided_in_the_middle)
{
	struct ui_area a = make_area();

	ui_area_put_right(&a, 0, 1, 4, UI_STYLE_NORMAL, "ab");
	ui_area_put_right(&a, 0, 5, 3, UI_STYLE_NORMAL, "vwxyz");
	ck_assert_uint_eq(ui_area_put_elided(&a, 1, 1, 99, UI_STYLE_NORMAL,
					     "drivers/mmc/a.c"),
			  7);
	ck_assert_uint_eq(ui_area_put_elided(&a, 1, 9, 5, UI_STYLE_NORMAL, "x"),
			  0);
	expect("................\n.......abvwx....\n"
	       ".....dr....c....\n................\n");
}

TEST(a_title_fills_its_row_and_marks_the_focus)
{
	struct ui_area a = make_area();

	ui_area_put_title(&a, 0, "Log");
	a.focused = false;
	ui_area_put_title(&a, 1, "Warnings");
	expect("................\n....> Log --....\n"
	       "....- W...gs....\n................\n");
}

/* ------------------------------------------------------------ random text */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

TEST(random_text_at_random_positions_keeps_the_canvas_valid)
{
	static const char *const pieces[] = { "a",      WIDE,     ACCENT,
					      "\xff",   "\t",     " ",
					      "\033",   "\u202e", PENGUIN,
					      "\u200d", "\xe6",   "b" };
	uint32_t seed = 1;

	ui_canvas_init(&c, 3, 11, false);
	for (unsigned i = 0; i < 20000; i++) {
		char text[64] = "";
		unsigned row = next_random(&seed) % 4;
		unsigned column = next_random(&seed) % 13;

		for (unsigned n = next_random(&seed) % 9; n; n--)
			strcat(text, pieces[next_random(&seed) % 12]);
		canvas_put(&c, row, column, next_random(&seed) % 7,
			   next_random(&seed) % UI_STYLES, text);
		if (i % 5 == 0)
			canvas_fill(&c, row, column, next_random(&seed) % 9,
				    UI_STYLE_DIM, "-");
		check_cells();
	}
}

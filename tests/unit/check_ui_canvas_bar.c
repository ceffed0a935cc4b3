/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "ui-canvas.h"

static struct ui_canvas c;
static struct ui_area a;

static void set_up(void)
{
	ui_canvas_init(&c, 1, 40, true);
	a = (struct ui_area){ &c, 0, 0, 1, 40, false };
}

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

/* scan, send, run, receive, local, free */
static const struct {
	uint64_t part[UI_BAR_PARTS];
	unsigned columns, used_columns;
	const char *expected;
} bars[] = {
	{ { 1, 2, 3, 1, 1, 2 }, 20, 12, "[->>ooo<%..]\n" },
	{ { 0, 0, 0, 0, 0, 0 }, 20, 2, "[]\n" },
	{ { 0, 0, 18, 0, 0, 0 }, 20, 20, "[oooooooooooooooooo]\n" },
	/* Scaled: the remainder goes to the largest fractions. */
	{ { 0, 0, 10, 0, 0, 10 }, 12, 12, "{ooooo.....}\n" },
	{ { 0, 1, 10, 1, 0, 9 }, 12, 12, "{>ooooo....}\n" },
	{ { 0, 0, 1, 0, 0, 1000 }, 12, 12, "{..........}\n" },
	{ { 0, 0, 0, 0, 0, UINT64_MAX / 2 }, 5, 5, "{...}\n" },
	{ { 7, 7, 7, 7, 7, 7 }, 3, 3, "{-}\n" },
	{ { 7, 7, 7, 7, 7, 7 }, 2, 0, "\n" },
	{ { 7, 7, 7, 7, 7, 7 }, 0, 0, "\n" },
};

FIXTURE(set_up, tear_down);

TEST_EACH(slots_are_scaled_to_the_width_of_the_bar, bars)
{
	struct ui_bar bar;

	memcpy(bar.slots, row->part, sizeof(bar.slots));
	ck_assert_uint_eq(ui_bar_put(&a, 0, 0, row->columns, &bar),
			  row->used_columns);
	expect(row->expected);
}

TEST(a_bar_never_exceeds_its_width)
{
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		unsigned columns = 3 + (unsigned)i % 35;
		struct ui_bar bar;

		for (unsigned p = 0; p < UI_BAR_PARTS; p++) {
			seed = seed * 1664525 + 1013904223;
			bar.slots[p] = seed >> 8 >> i % 24;
		}
		ui_canvas_clear(&c);
		ck_assert_uint_le(ui_bar_put(&a, 0, 0, columns, &bar), columns);
		ck_assert_str_eq(c.glyphs[columns].text, " ");
	}
}

TEST(in_utf8_each_part_has_its_own_symbol)
{
	struct ui_bar bar = { { 1, 1, 1, 1, 1, 1 } };

	c.ascii = false;
	ck_assert_uint_eq(ui_bar_put(&a, 0, 0, 20, &bar), 8);
	expect("[\u25a1\u25b8\u25a0\u25c2\u25c6\u00b7]\n");
}

TEST(slot_bars_and_progress_bars_use_different_symbols)
{
	for (unsigned i = 0; i < UI_BAR_PARTS; i++) {
		ck_assert(!strchr("# ", *ui_bar_symbols[i].ascii));
		ck_assert_str_ne(ui_bar_symbols[i].utf8, "\u2588");
		ck_assert_str_ne(ui_bar_symbols[i].utf8, "\u2591");
	}
	ui_bar_put_progress(&a, 0, 0, 12, 39);
	expect("[###       ]\n");
	ui_bar_put_progress(&a, 0, 0, 12, 100);
	expect("[##########]\n");
	c.ascii = false;
	ui_bar_put_progress(&a, 0, 0, 12, 0);
	expect("[\u2591\u2591\u2591\u2591\u2591\u2591\u2591\u2591\u2591"
	       "\u2591]\n");
	ui_canvas_clear(&c);
	ui_bar_put_progress(&a, 0, 0, 4, 50);
	expect("[\u2588\u2591]\n");
}

TEST(a_sparkline_is_scaled_to_its_largest_value)
{
	static const uint64_t values[] = { 0, 1, 25, 50, 75, 100, 99, 0 };
	static const uint64_t zeros[4] = { 0 };

	ui_bar_put_sparkline(&a, 0, 0, values, 8);
	expect(" .:=*@@\n");
	ui_bar_put_sparkline(&a, 0, 0, zeros, 4);
	expect("    *@@\n");
	c.ascii = false;
	ui_bar_put_sparkline(&a, 0, 0, values, 8);
	expect(" \u2581\u2582\u2584\u2586\u2588\u2588\n");
}

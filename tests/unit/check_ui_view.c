/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * What the full-screen view shows is compared with tests/ui/NAME.screen: the
 * text, and below it what the styles are.
 */
#include "ui/view.h"

#include "suite.h"
#include "ui-farm.h"
#include "ui-golden.h"

static struct ui_view v;
static struct ui_canvas c;

static void set_up(void)
{
	const struct ui_view_setup setup = { .may_ask = true };

	now_ms = 0;
	also = NULL;
	ui_model_init(&m);
	ui_view_init(&v, &setup);
	ui_canvas_init(&c, 24, 80, true);
}

static void tear_down(void)
{
	ui_canvas_release(&c);
	ui_view_release(&v);
	ui_model_release(&m);
}

static void press(const char *keys)
{
	for (; *keys; keys++)
		ck_assert_int_eq(ui_view_key(&v, &m, (uint8_t)*keys),
				 UI_ASK_NOTHING);
}

static void screen(const char *golden)
{
	struct buf text = { 0 };

	ui_view_draw(&v, &c, &m, now_ms);
	ui_canvas_text(&text, &c);
	golden_compare(golden, buf_str(&text));
	buf_release(&text);
}

static const struct {
	unsigned rows, columns;
	bool ascii;
	const char *golden;
} sizes[] = {
	{ 24, 80, true, "view-80x24-ascii" },
	{ 24, 80, false, "view-80x24" },
	{ 50, 132, true, "view-132x50-ascii" },
	{ 50, 132, false, "view-132x50" },
	{ 60, 200, false, "view-200x60" },
	{ 10, 40, false, "view-40x10" },
};

START_TEST(a_farm_on_screens_of_many_sizes)
{
	ui_canvas_release(&c);
	ui_canvas_init(&c, sizes[_i].rows, sizes[_i].columns, sizes[_i].ascii);
	farm_play();
	screen(sizes[_i].golden);
}
END_TEST

START_TEST(panes)
{
	farm_play();
	press("jj ");
	screen("view-expanded");
	press("a?");
	screen("view-help");
	press("xw");
	screen("view-warnings");
	press("l");
	screen("view-log");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ui/view");
	TCase *tc = tcase_create("view");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_farm_on_screens_of_many_sizes, 0,
			    sizeof(sizes) / sizeof(*sizes));
	tcase_add_test(tc, panes);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

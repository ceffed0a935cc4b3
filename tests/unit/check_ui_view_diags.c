/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "ui/view.h"

#include "../lib/test.h"
#include "ui-canvas.h"
#include "ui-fixture.h"
#include "ui/keys.h"

static struct ui_diags v;
static struct ui_canvas c;
static struct ui_area a;

static void set_up(void)
{
	now_ms = 0;
	also = NULL;
	ui_model_init(&m);
	v = (struct ui_diags){ .open = true };
	ui_canvas_init(&c, 6, 30, true);
	a = (struct ui_area){ &c, 0, 0, 6, 30, true };
}

static void tear_down(void)
{
	ui_diags_release(&v);
	ui_canvas_release(&c);
	ui_model_release(&m);
}

/* Return the lines below the title. */
static char *drawn(void)
{
	struct buf text = { 0 };
	char *lines;

	ui_canvas_clear(&c);
	ui_diags_draw(&v, &a, &m);
	dump_text(&text, &c);
	lines = xstrdup(strchr(buf_str(&text), '\n') + 1);
	buf_release(&text);
	return lines;
}

static void expect(const char *want)
{
	char *lines = drawn();

	ck_assert_str_eq(lines, want);
	free(lines);
}

static void add_blocks(int from, int to)
{
	char text[64];

	for (int i = from; i < to; i++) {
		snprintf(text, sizeof(text), "%d: a\n%d: b\n", i, i);
		diag(text, i % 2 ? EVENTS_SEV_ERROR : EVENTS_SEV_WARNING);
	}
}

FIXTURE(set_up, tear_down);

TEST(only_the_first_line_of_a_block_is_marked)
{
	diag("a\n\nb", EVENTS_SEV_WARNING);
	diag("", EVENTS_SEV_WARNING);
	diag("\n", EVENTS_SEV_WARNING);
	diag("c\n", EVENTS_SEV_ERROR);
	expect("* a\n\n  b\n*\n* c\n");
}

TEST(diagnostics_new_since_the_baseline_are_marked)
{
	struct buf text = { 0 };

	diag_held("a.c:1: warning: x\n", EVENTS_SEV_WARNING, 0);
	diag_held("b.c:1: warning: y\n  1 | y\n", EVENTS_SEV_WARNING, 1);
	expect("* a.c:1: warning: x\n+ b.c:1: warning: y\n    1 | y\n\n\n");
	ui_canvas_release(&c);
	ui_canvas_init(&c, 6, 100, true);
	a = (struct ui_area){ &c, 0, 0, 6, 100, true };
	free(drawn());
	dump_text(&text, &c);
	text_has(buf_str(&text), "Warnings 2, errors 0, 1 new since "
				 "the previous build (+)");
	ck_assert_uint_eq(m.totals.n_new_diags, 1);
	buf_release(&text);
}

TEST(an_empty_list_is_shown_as_none_or_no_errors)
{
	expect("  none\n\n\n\n\n");
	v.errors_only = true;
	add_blocks(0, 1);
	expect("  no errors\n\n\n\n\n");
}

TEST(shown_lines_stay_in_place_while_old_blocks_are_dropped)
{
	add_blocks(0, 60);
	v.scroll.first_shown = 100;
	expect("* 50: a\n  50: b\n* 51: a\n  51: b\n* 52: a\n");
	/* The oldest blocks and their lines have been dropped. */
	add_blocks(60, 110);
	expect("* 50: a\n  50: b\n* 51: a\n  51: b\n* 52: a\n");
	add_blocks(110, 120);
	expect("* 56: a\n  56: b\n* 57: a\n  57: b\n* 58: a\n");
	add_blocks(120, 1000);
	expect("* 936: a\n  936: b\n* 937: a\n  937: b\n* 938: a\n");
}

TEST(errors_only_mode_hides_warnings)
{
	add_blocks(0, 10);
	v.scroll.following = true;
	expect("  7: b\n* 8: a\n  8: b\n* 9: a\n  9: b\n");
	v.errors_only = true;
	expect("  5: b\n* 7: a\n  7: b\n* 9: a\n  9: b\n");
	ui_diags_handle_key(&v, &m, UI_KEY_HOME);
	expect("* 1: a\n  1: b\n* 3: a\n  3: b\n* 5: a\n");
}

TEST(a_search_finds_lines_of_retained_blocks)
{
	add_blocks(0, 100);
	ck_assert(ui_diags_search(&v, &m, "77: B", true, false));
	expect(" >77: b\n* 78: a\n  78: b\n* 79: a\n  79: b\n");
	ck_assert(ui_diags_search(&v, &m, "7: a", false, false));
	expect("*>87: a\n  87: b\n* 88: a\n  88: b\n* 89: a\n");
	ck_assert(ui_diags_search(&v, &m, NULL, false, true));
	expect("*>77: a\n  77: b\n* 78: a\n  78: b\n* 79: a\n");
	ck_assert(!ui_diags_search(&v, &m, "none", true, false));
	/* That block has been dropped. */
	ck_assert(!ui_diags_search(&v, &m, "22: a", true, false));
}

TEST(another_build_resets_the_scroll_position)
{
	struct events_event ev = events_event_make(EVENTS_KIND_STREAM);

	add_blocks(0, 50);
	v.scroll.first_shown = 60;
	expect("* 30: a\n  30: b\n* 31: a\n  31: b\n* 32: a\n");
	ui_model_release(&m);
	ui_model_init(&m);
	ev.pid = 77;
	play(&ev);
	diag("x", EVENTS_SEV_ERROR);
	expect("* x\n\n\n\n\n");
}

TEST(the_right_key_scrolls_long_lines)
{
	diag("0123456789abcdefghijklmnopqrstuvwxyz\n\u6f22\u6f22", 0);
	ui_diags_handle_key(&v, &m, UI_KEY_RIGHT);
	expect("* 89abcdefghijklmnopqrstuvwxyz\n\n\n\n\n");
}

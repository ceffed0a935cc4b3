/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "ui/scroll.h"

#include "ui/keys.h"

static struct ui_scroll s;

static void set_up(void)
{
	s = (struct ui_scroll){ 0 };
	ui_scroll_set_range(&s, 0, 100, 10);
}

static const struct {
	uint64_t top;
	uint32_t key;
	uint64_t new_top;
} keys[] = {
	{ 50, UI_KEY_UP, 49 },        { 0, 'k', 0 },
	{ 50, UI_KEY_DOWN, 51 },      { 90, 'j', 90 },
	{ 50, UI_KEY_PAGE_UP, 41 },   { 5, UI_KEY_PAGE_UP, 0 },
	{ 50, UI_KEY_PAGE_DOWN, 59 }, { 85, UI_KEY_PAGE_DOWN, 90 },
	{ 50, UI_KEY_HOME, 0 },       { 50, UI_KEY_END, 90 },
};

FIXTURE(set_up, NULL);

TEST_EACH(keys_move_the_first_shown_line, keys)
{
	s.first_shown = row->top;
	ck_assert(ui_scroll_handle_key(&s, 0, 100, row->key));
	ck_assert_uint_eq(s.first_shown, row->new_top);
	ck_assert(!ui_scroll_handle_key(&s, 0, 100, 'x'));
}

TEST(following_shows_the_last_lines_until_the_user_scrolls_up)
{
	s.following = true;
	ui_scroll_set_range(&s, 0, 200, 10);
	ck_assert_uint_eq(s.first_shown, 190);
	ui_scroll_handle_key(&s, 0, 200, UI_KEY_UP);
	ui_scroll_set_range(&s, 0, 300, 10);
	ck_assert_uint_eq(s.first_shown, 189);
	ck_assert(!s.following);
}

TEST(removed_lines_are_not_shown)
{
	s.first_shown = 5;
	ui_scroll_set_range(&s, 40, 100, 10);
	ck_assert_uint_eq(s.first_shown, 40);
	ui_scroll_set_range(&s, 40, 45, 10);
	ck_assert_uint_eq(s.first_shown, 40);
	ui_scroll_set_range(&s, 0, 0, 10);
	ck_assert_uint_eq(s.first_shown, 0);
}

TEST(horizontal_scrolling_is_limited_in_both_directions)
{
	ui_scroll_handle_key(&s, 0, 100, UI_KEY_RIGHT);
	ui_scroll_handle_key(&s, 0, 100, UI_KEY_RIGHT);
	ck_assert_uint_eq(s.hidden_columns, 2 * UI_SCROLL_STEP);
	for (int i = 0; i < 3; i++)
		ui_scroll_handle_key(&s, 0, 100, 'h');
	ck_assert_uint_eq(s.hidden_columns, 0);
	for (int i = 0; i < 100000; i++)
		ui_scroll_handle_key(&s, 0, 100, UI_KEY_RIGHT);
	ck_assert_uint_lt(s.hidden_columns, 20000);
}

static bool search(bool inclusive, bool backwards)
{
	static const uint64_t matches[] = { 7, 12, 95, 97 };
	struct ui_search search = ui_search_begin(&s, inclusive, backwards);

	for (size_t i = 0; i < 4; i++)
		ui_search_add_match(&search, matches[i]);
	if (!ui_search_finish(&search, &s))
		return false;
	ui_scroll_set_range(&s, 0, 100, 10);
	return true;
}

TEST(a_search_wraps_around_in_both_directions)
{
	static const uint64_t order[] = { 12, 95, 97, 7, 12 };

	s.first_shown = 7;
	ck_assert(search(true, false));
	ck_assert_uint_eq(s.found_line, 7);
	for (size_t i = 0; i < 5; i++) {
		ck_assert(search(false, false));
		ck_assert_uint_eq(s.found_line, order[i]);
		ck_assert(s.found_line >= s.first_shown &&
			  s.found_line < s.first_shown + 10);
	}
	for (size_t i = 4; i-- > 0;) {
		ck_assert(search(false, true));
		ck_assert_uint_eq(s.found_line, order[i]);
	}
}

TEST(a_search_without_a_match_does_not_scroll)
{
	struct ui_search none = ui_search_begin(&s, true, false);

	s.first_shown = 33;
	s.following = true;
	ck_assert(!ui_search_finish(&none, &s));
	ck_assert_uint_eq(s.first_shown, 33);
	ck_assert(s.following);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"
#include "ui-view.h"

FIXTURE(set_up, tear_down);
TIMEOUT(200);

TEST(a_list_of_500_nodes_is_scrollable)
{
	many_nodes(500);
	draw();
	ck_assert(shows("\n>node0 ") && shows("node13 ") && !shows("node14 "));
	for (int i = 0; i < 14; i++)
		press(UI_KEY_PAGE_DOWN);
	screen("view-500");
	press(UI_KEY_END);
	ck_assert(shows("\n>node499 "));
	press(UI_KEY_DOWN);
	ck_assert(shows("\n>node499 "));
	press(UI_KEY_PAGE_UP);
	press(UI_KEY_UP);
	ck_assert(!shows("node499 "));
	press(UI_KEY_HOME);
	ck_assert(shows("\n>node0 ") && !shows("node499 "));
}

TEST(slot_lines_of_expanded_nodes_are_scrollable)
{
	many_nodes(3);
	keys("a");
	keys("jj");
	ck_assert(shows(">   1 free"));
	keys("jjjjjjjj");
	ck_assert(shows(">node1"));
	press(UI_KEY_END);
	ck_assert(shows(">   8 free"));
	/* A request for a selected slot applies to its node. */
	press('d');
	ck_assert_str_eq(ui_view_selected_node(&v), "node2");
	keys("a");
	ck_assert(shows("\n>node2 ") && !shows("free"));
}

TEST(s_selects_the_sort_column_and_r_reverses_the_order)
{
	many_nodes(30);
	ck_assert(shows("^NODE") && shows("by name"));
	keys("ss");
	/* 37 * 17 is 29, modulo 30. */
	ck_assert(shows("by jobs done") && shows("vDONE"));
	press(UI_KEY_HOME);
	ck_assert(shows("\n>node17 "));
	keys("r");
	press(UI_KEY_HOME);
	ck_assert(shows("\n>node0 ") && shows("^DONE"));
	for (int i = 0; i < UI_COLUMNS - 3; i++)
		keys("s");
	ck_assert(shows("by health"));
	keys("s");
	ck_assert(shows("by name") && !shows("reversed"));
}

TEST(the_selection_follows_a_node_when_the_order_changes)
{
	many_nodes(30);
	keys("ssjj");
	ck_assert_int_eq(press('d'), UI_ACTION_DRAIN);
	ck_assert(shows("\n>node21 "));
	farm_beat(
		&(struct farm_beat){ "node21", 1000, 0, 0, 0, 0, 0, 0, 0, 0 });
	ck_assert(shows("SLOTS        MEAN   IN  OUT  LOAD  TEMP\n>node21 "));
	ck_assert_int_eq(press('d'), UI_ACTION_DRAIN);
	ck_assert_str_eq(ui_view_selected_node(&v), "node21");
}

TEST(a_search_selects_matching_nodes_and_wraps_around)
{
	many_nodes(120);
	keys("/NODE11");
	ck_assert(shows("search: NODE11_") && shows("\n>node11 "));
	keys("\n");
	keys("n");
	ck_assert(shows("\n>node110 "));
	keys("nN");
	ck_assert(shows("\n>node110 "));
	keys("NN");
	ck_assert(shows("\n>node119 ")); /* wraps around */
	keys("/xyz");
	ck_assert(shows("\"xyz\" not found in the nodes"));
	press(UI_KEY_BACKSPACE);
	keys("\b\177\b7\n");
	ck_assert(shows("\n>node7 ") || shows("\n>node17 "));
	keys("/node5x\n");
	ck_assert(!shows("\n>node5"));
}

TEST(a_filter_limits_the_list_to_matching_names)
{
	farm_play();
	keys("\\eo");
	screen("view-filter");
	keys("\n");
	ck_assert(shows("only nodes with \"eo\"") && shows("2/7"));
	press(UI_KEY_DOWN);
	press('d');
	ck_assert_str_eq(ui_view_selected_node(&v), "neo4b");
	keys("\\\303\204\n");
	ck_assert(shows("no node name contains \"?\""));
	press(UI_KEY_ESCAPE);
	ck_assert(shows("7/7"));
}

/* All jobs run locally, although the node is up. */
TEST(a_node_without_a_job_for_10_s_is_marked_idle)
{
	farm_begin();
	farm_node("lazy", 4);
	farm_job(1, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(1, EVENTS_JOB_RUN, "local", ".incbin");
	now_ms = 9000;
	ck_assert(shows(" up  ") && !shows("idle"));
	now_ms = 12000;
	ck_assert(shows("no job 12s") && shows(" idle ") && shows("1 idle"));
	farm_job(2, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(2, EVENTS_JOB_SEND, "lazy", NULL);
	ck_assert(!shows("idle"));
}

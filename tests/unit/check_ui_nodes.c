/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"
#include "ui-view.h"

FIXTURE(set_up, tear_down);
TIMEOUT(200);

TEST(five_hundred_nodes_are_scrolled)
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

TEST(lines_of_slots_are_scrolled_too)
{
	many_nodes(3);
	keys("a");
	keys("jj");
	ck_assert(shows(">   1 free"));
	keys("jjjjjjjj");
	ck_assert(shows(">node1"));
	press(UI_KEY_END);
	ck_assert(shows(">   8 free"));
	/* The selected slot stands for its node. */
	press('d');
	ck_assert_str_eq(ui_view_selected_node(&v), "node2");
	keys("a");
	ck_assert(shows("\n>node2 ") && !shows("free"));
}

TEST(nodes_are_sorted_by_a_column)
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

TEST(who_is_selected_stays_so)
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

TEST(nodes_are_sought)
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

TEST(nodes_are_filtered)
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

/* A farm whose jobs are all local, for unreported reasons. */
TEST(a_node_that_gets_nothing_stands_out)
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

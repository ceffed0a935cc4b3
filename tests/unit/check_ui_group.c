/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "base/clock.h"
#include "base/vec.h"

#include "../lib/test.h"
#include "ui-view.h"

FIXTURE(set_up, tear_down);
TIMEOUT(200);

static void beat(const char *name, int64_t done, int64_t failed)
{
	farm_beat(&(struct farm_beat){ name, done, failed, failed, done * 40000,
				       done * 10000, 1500, 50000, 0, 0 });
}

/*
 * A farm of `n` nodes at each of three sites, a pool and two other nodes: one
 * node of site lab is down, one of site attic has faults, one of site office
 * is drained, and one member of the pool was removed.
 */
static void farm_with_sites(int n)
{
	static const char *const sites[] = { "office", "lab", "attic" };
	char name[32];

	farm_begin();
	for (int i = 0; i < 3 * n; i++) {
		snprintf(name, sizeof(name), "%s%d", sites[i % 3], i / 3);
		farm_member(name, NULL, sites[i % 3], i == 3 ? "drained" : NULL,
			    4);
		beat(name, 10 + i, i == 5 ? 2 : 0);
	}
	farm_member("lab0", NULL, "lab", "down", 4);
	farm_member("eth/1", "eth", NULL, NULL, 16);
	farm_member("eth/2", "eth", NULL, "removed", 16);
	beat("eth/1", 100, 0);
	beat("eth/2", 100, 1);
	farm_node("box", 16);
	farm_node("desk", 8);
	for (int i = 1; i <= 6; i++) {
		farm_job(i, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(i, EVENTS_JOB_RUN, i < 4 ? "eth/1" : "lab2", NULL);
	}
	farm_job(7, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(7, EVENTS_JOB_RUN, "local", ".incbin");
}

static void resize_to(unsigned rows)
{
	resize(rows, 80);
	draw();
}

TEST(nodes_that_exceed_the_screen_are_grouped)
{
	farm_with_sites(7);
	/* 25 nodes and the build host */
	resize_to(26);
	ck_assert(!v.nodes.grouped && shows(" attic0 "));
	resize_to(25);
	ck_assert(v.nodes.grouped && !shows(" attic0 "));
	screen("view-groups");
	keys("j ");
	screen("view-group-open");
	keys(" ");
	resize(24, 160);
	screen("view-groups-160");
}

TEST(nodes_without_pools_and_sites_are_grouped_on_request)
{
	many_nodes(40);
	draw();
	ck_assert(!v.nodes.grouped && v.nodes.n_shown == 40);
	keys("g");
	ck_assert(shows(">other nodes 40/40 ") && shows("by health  40/40"));
	keys("g");
	ck_assert(shows(">node0 ") && shows("by name  40/40"));
}

TEST(ungrouping_persists_until_g_is_pressed_again)
{
	farm_with_sites(20);
	ck_assert(shows(" site lab ") && shows("by health"));
	keys("g");
	ck_assert(shows(" attic0 ") && !shows("site lab"));
	resize(23, 80);
	ck_assert(!shows("site lab"));
	keys("g");
	ck_assert(shows(" site lab "));
}

/* Return true if `second` follows `first` on the screen. */
static bool is_in_order(const char *first, const char *second)
{
	char *text = drawn(), *at = strstr(text, first);
	bool ordered = at && strstr(at, second);

	free(text);
	return ordered;
}

TEST(groups_are_sorted_by_health_by_default)
{
	farm_with_sites(20);
	ck_assert(is_in_order("local ", " site lab "));
	ck_assert(is_in_order(" site lab ", " site attic "));
	ck_assert(is_in_order(" site attic ", " pool eth "));
	ck_assert(is_in_order(" pool eth ", " site office "));
	ck_assert(is_in_order(" site office ", " other nodes "));
	/* Unusable nodes take precedence over faults. */
	beat("attic3", 10, 500);
	farm_member("lab1", NULL, "lab", "out", 4);
	farm_member("attic1", NULL, "attic", "resting", 4);
	ck_assert(is_in_order(" site lab ", " site attic "));
	farm_member("lab1", NULL, "lab", NULL, 4);
	ck_assert(is_in_order(" site attic ", " site lab "));
	keys("r");
	ck_assert(is_in_order(" site lab ", " site attic "));
	ck_assert(is_in_order("local ", " other nodes "));
	keys("rss");
	ck_assert(shows("by state"));
	keys("s");
	ck_assert(shows("by jobs done") &&
		  is_in_order(" site attic ", " pool eth "));
}

TEST(nodes_in_a_group_are_sorted_by_health)
{
	static const char *const order[] = { "resting1", "down2",  "fault3",
					     "faults4",  "drain5", "up6",
					     "removed7" };

	farm_begin();
	for (unsigned i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "z%u", i);
		farm_member(name, NULL, "z", NULL, 1);
	}
	farm_member("removed7", NULL, "a", "removed", 2);
	beat("removed7", 10, 100);
	farm_member("up6", NULL, "a", NULL, 2);
	farm_member("drain5", NULL, "a", "draining", 2);
	farm_member("faults4", NULL, "a", NULL, 2);
	beat("faults4", 10, 1);
	farm_member("fault3", NULL, "a", NULL, 2);
	beat("fault3", 10, 2);
	farm_member("down2", NULL, "a", "down", 2);
	farm_member("resting1", NULL, "a", "resting", 2);
	beat("resting1", 10, 1);
	draw();
	ck_assert(shows(">site a     3/6 "));
	keys(" ");
	for (unsigned i = 1; i < ARRAY_SIZE(order); i++)
		ck_assert(is_in_order(order[i - 1], order[i]));
}

TEST(keys_expand_and_collapse_groups)
{
	farm_with_sites(20);
	draw();
	keys("jj");
	ck_assert(shows(">site attic "));
	press(UI_KEY_RIGHT);
	/* attic1 has faults. */
	ck_assert(is_in_order("site attic ", "   attic1 ") &&
		  is_in_order("   attic1 ", "   attic0 "));
	keys("jj ");
	ck_assert(shows(">  attic0 ") && shows(" 1 free"));
	press(UI_KEY_LEFT);
	ck_assert(shows(">  attic0 ") && !shows(" 1 free"));
	press(UI_KEY_LEFT);
	ck_assert(shows(">site attic ") && shows("   attic0 "));
	press(UI_KEY_LEFT);
	ck_assert(shows(">site attic ") && !shows("   attic0 "));
	keys("a");
	ck_assert(shows("   lab19 ") && !shows(" 1 free"));
	keys("a");
	ck_assert(!shows("   lab19 "));
}

TEST(a_group_cannot_be_drained)
{
	farm_with_sites(20);
	draw();
	keys("j");
	ck_assert_int_eq(press('d'), UI_ACTION_NONE);
	ck_assert(shows("not possible for a group; select a node"));
	keys(" j");
	ck_assert_int_eq(press('d'), UI_ACTION_DRAIN);
	ck_assert_str_eq(ui_view_selected_node(&v), "lab0");
}

TEST(a_search_expands_the_group_of_its_match)
{
	farm_with_sites(20);
	keys("/office17");
	ck_assert(shows(">  office17 ") && !shows("   attic0 "));
	keys("\n/attic1\n");
	ck_assert(shows(">  attic1 ") && !shows(" office17 "));
	keys("/pool\n");
	ck_assert(shows(">pool eth ") && !shows("   attic1 "));
	keys("/desk\n");
	ck_assert(shows(">  desk "));
}

TEST(nodes_matching_a_filter_are_ungrouped_if_they_fit)
{
	farm_with_sites(20);
	keys("\\attic\n");
	ck_assert(shows(">attic0 ") && shows("by name  20/65"));
	ck_assert(!v.nodes.grouped && v.nodes.n_shown == 20);
	keys("g");
	ck_assert(shows("site attic 20/20 ") && !shows("site lab"));
	press(UI_KEY_ESCAPE);
	ck_assert(shows("site lab    19/20 "));
}

TEST(a_node_can_change_its_group)
{
	farm_with_sites(20);
	ck_assert(shows(" other nodes 2/2 "));
	farm_member("desk", NULL, "lab", NULL, 8);
	ck_assert(shows(" other nodes 1/1 ") && shows(" site lab    20/21 "));
}

TEST(sums_of_extreme_values_saturate)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);

	farm_begin();
	ev.n_done = ev.n_failed = ev.n_retries = INT64_MAX;
	ev.cpu_ms = ev.sent_bytes = ev.received_bytes = INT64_MAX;
	ev.load_milli = ev.memory_bytes = ev.foreign_milli = INT64_MAX;
	ev.celsius_milli = ev.mean_ms = INT64_MAX;
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d", i);
		farm_member(name, NULL, "s", NULL, INT64_MAX);
		ev.node = name;
		play(&ev);
	}
	ck_assert(shows(">site s     40/40 "));
	ck_assert_int_eq(v.nodes.groups.v[1].reported.sent_bytes, INT64_MAX);
}

/* More groups than UI_GROUPS_MAX share the last one. */
TEST(the_number_of_groups_is_limited)
{
	char name[32];

	farm_begin();
	for (int i = 0; i < UI_GROUPS_MAX + 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		farm_member(name, NULL, name, NULL, 1);
	}
	ck_assert_uint_eq(m.groups.n, UI_GROUPS_MAX);
	draw();
	ck_assert_uint_eq(v.nodes.groups.v[0].n_nodes, 101);
}

static const struct {
	int nodes;
	const char *keys;
	uint64_t most_us; /* ten times the time on an idle machine */
} costs[] = { { 50, "g", 400 },
	      { 500, "", 1200 },
	      { 500, "a", 1400 },
	      { 4000, "", 8000 } };

/*
 * The drawing time is proportional to the number of nodes, even if groups are
 * expanded.
 */
TEST_EACH(drawing_groups_takes_linear_time, costs)
{
	uint64_t began, took;
	char name[32], site[32];

	farm_begin();
	for (int i = 0; i < row->nodes; i++) {
		snprintf(name, sizeof(name), "node%d", i);
		snprintf(site, sizeof(site), "site%d", i % 30);
		farm_member(name, NULL, site, i % 50 ? NULL : "down", 8);
		beat(name, i * 37 % row->nodes, i % 70 == 0);
	}
	resize(60, 200);
	c.ascii = false;
	draw();
	keys(row->keys);
	draw();
	ck_assert(v.nodes.grouped);
	began = clock_cpu_us();
	for (int i = 0; i < 200; i++)
		ui_view_draw(&v, &c, &m, now_ms++);
	took = (clock_cpu_us() - began) / 200;
	printf("%d nodes, keys \"%s\": %llu us\n", row->nodes, row->keys,
	       (unsigned long long)took);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
	ck_assert_uint_lt(took, row->most_us);
#endif
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "ui/nodes.h"

#include "../lib/test.h"
#include "ui-canvas.h"
#include "ui-farm.h"

static struct ui_canvas c;
static struct ui_area a;
static struct ui_nodes v;

static void set_up(void)
{
	now_ms = 0;
	also = NULL;
	ui_model_init(&m);
	ui_canvas_init(&c, 3, 300, true);
	a = (struct ui_area){ &c, 0, 0, 2, 200, false };
	farm_begin();
	farm_node("n", 4);
}

static void tear_down(void)
{
	ui_nodes_release(&v);
	ui_canvas_release(&c);
	ui_model_release(&m);
}

/* Draw the table; an area of two rows has no titles. */
static void draw(void)
{
	ui_canvas_clear(&c);
	ui_nodes_sort(&v, &m);
	ui_nodes_draw(&v, &a, &m, now_ms);
}

/* Return true if the row of the node has this text in this style. */
static bool row_has(const char *want, enum ui_style style)
{
	struct buf text = { 0 };
	struct strv lines = { 0 };
	bool has = false;

	draw();
	dump_text(&text, &c);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i], *at = strstr(line, want);

		has |= str_starts(line + 1, "n ") && at &&
		       c.glyphs[i * c.columns + (size_t)(at - line)].style ==
			       style;
	}
	strv_release(&lines);
	buf_release(&text);
	return has;
}

FIXTURE(set_up, tear_down);

static const char titles[] = "NODE STATE DONE FAIL RETRY SLOTS MEAN IN OUT "
			     "LOAD TEMP NOTE";

/* Check the titles and the row of one node in a table of this width. */
static void check_columns(unsigned width)
{
	struct strv lines = { 0 }, shown = { 0 };
	struct buf text = { 0 };

	a.rows = 3;
	a.columns = width;
	v.sort = UI_COLUMN_NAME;
	draw();
	dump_text(&text, &c);
	strv_split(&lines, buf_str(&text), "\n");
	if (!lines.n)
		ck_assert_uint_le(width, 1);
	strv_split(&shown, lines.n ? lines.v[0] : "", " ^v");
	if (width > 10) {
		ck_assert_str_eq(shown.v[0], "NODE");
		/* A column that does not fit would be truncated. */
		for (size_t i = 0; i < shown.n; i++)
			ck_assert_msg(str_list_has(titles, ' ', shown.v[i]),
				      "%u: %s", width, lines.v[0]);
		if (strv_has(&shown, "SLOTS"))
			ck_assert_msg(strpbrk(lines.v[1], "]}"), "%u: %s",
				      width, lines.v[1]);
	}
	/* Common widths show all essential columns. */
	if (width >= 80)
		ck_assert_uint_ge(shown.n, 11);
	buf_release(&text);
	strv_release(&shown);
	strv_release(&lines);
}

TEST(columns_that_do_not_fit_are_omitted)
{
	for (unsigned width = 0; width < 300; width++) {
		char name[41];

		snprintf(name, sizeof(name), "%.*s", (int)(width % 40) + 1,
			 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
		ui_nodes_release(&v);
		ui_model_release(&m);
		v = (struct ui_nodes){ 0 };
		ui_model_init(&m);
		farm_begin();
		farm_node(name, width % 90);
		check_columns(width);
	}
}

static const struct {
	int64_t celsius, speed, foreign;
	const char *state, *note;
} healths[] = {
	{ 61000, 1000, 0, " up ", "61C" },
	{ 84999, 0, 0, " up ", "84C" },
	{ 85000, 0, 0, " hot ", "85C! hot" },
	{ 61000, 949, 0, " slow 94% ", "throttled to 94 % of the clock rate" },
	{ 90000, 600, 0, " hot,slow ", "90C! hot; throttled to 60 % of" },
	{ 0, 0, 499, " up ", "" },
	{ 0, 0, 2500, " up ", "2.5 cores busy with other work" },
	{ INT64_MAX, INT64_MAX, INT64_MAX, " hot ", "hot" },
};

TEST_EACH(heat_throttling_and_other_work_are_shown, healths)
{
	farm_beat(&(struct farm_beat){ "n", 1, 0, 0, 0, 0, 1000, row->celsius,
				       row->speed, row->foreign });
	ck_assert(row_has(row->state, UI_STYLE_NORMAL));
	if (row->note[0])
		ck_assert(row_has(row->note, UI_STYLE_NORMAL) ||
			  row_has(row->note, UI_STYLE_HOT));
}

TEST(other_work_in_the_reason_of_a_limit_is_not_repeated)
{
	farm_beat(&(struct farm_beat){ "n", 1, 0, 0, 0, 0, 1000, 0, 0, 1100 });
	node("n", "up", "1.0 cores busy with other work");
	ck_assert(row_has("1.0 cores busy with other work", 0));
	ck_assert(!row_has(";", 0));
}

TEST(a_relay_is_shown_with_its_members)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = "n";
	ev.text = "up";
	ev.members = "board1 board2";
	play(&ev);
	ck_assert(row_has("relay to board1 board2", UI_STYLE_NORMAL));
	ev.members = "";
	play(&ev);
	ck_assert(row_has("relay to no node", UI_STYLE_NORMAL));
	ev.members = NULL;
	play(&ev);
	ck_assert(!row_has("relay", UI_STYLE_NORMAL));
}

static const struct {
	unsigned columns;
	const char *name;
} names[] = {
	{ 132, "farm-eu-we...1-spot-pool " },
	{ 200, "farm-eu-west-1a-worker-01-spot-pool " },
};

TEST_EACH(a_long_name_is_elided_if_the_note_needs_the_columns, names)
{
	struct buf text = { 0 };

	farm_node("farm-eu-west-1a-worker-01-spot-pool", 4);
	v.sort = UI_COLUMN_NAME;
	a.columns = row->columns;
	draw();
	dump_text(&text, &c);
	ck_assert_msg(strstr(buf_str(&text), row->name), "%s", buf_str(&text));
	buf_release(&text);
}

TEST(a_long_note_is_truncated_after_a_word)
{
	a.columns = 100;
	node("n", "up", "2 of 3 slots: 1.0 cores busy with other work");
	ck_assert(row_has(" 2 of 3 slots...", 0));
}

TEST(a_node_that_is_not_up_shows_its_state_and_reason)
{
	node("n", "down", "no route to host");
	ck_assert(row_has("down", UI_STYLE_BAD) &&
		  row_has("no route to host", UI_STYLE_BAD));
	node("n", "connecting", NULL);
	ck_assert(row_has("connecting", UI_STYLE_WARN) && row_has("[....]", 0));
}

/* A job whose result is being verified no longer occupies a slot. */
TEST(the_bar_has_a_character_for_each_slot)
{
	for (int64_t job = 1; job <= 5; job++) {
		farm_job(job, EVENTS_JOB_QUEUED, NULL, NULL);
		if (job == 5)
			farm_job(1, EVENTS_JOB_RECEIVE, "n", NULL);
		farm_job(job, EVENTS_JOB_RUN, "n", NULL);
	}
	ck_assert(row_has("[oooo]", 0));
	farm_job(1, EVENTS_JOB_DONE, "n", NULL);
	farm_job(2, EVENTS_JOB_DONE, "n", NULL);
	ck_assert(row_has("[ooo.]", 0));
}

TEST(a_draining_node_shows_its_remaining_jobs)
{
	farm_job(1, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(1, EVENTS_JOB_RUN, "n", NULL);
	node("n", "draining", "asked for");
	ck_assert(row_has("draining", UI_STYLE_WARN) && row_has("[o...]", 0));
	farm_job(1, EVENTS_JOB_DONE, "n", NULL);
	node("n", "drained", "asked for");
	ck_assert(row_has("drained", UI_STYLE_WARN) &&
		  row_has("asked for", UI_STYLE_WARN));
}

TEST(failures_and_retries_are_highlighted)
{
	ck_assert(row_has("   0     0", UI_STYLE_NORMAL));
	farm_beat(&(struct farm_beat){ "n", 1, 3, 2, 0, 0, 0, 0, 0, 0 });
	ck_assert(row_has("3     2", UI_STYLE_BAD) &&
		  row_has("2 [", UI_STYLE_WARN));
}

TEST(a_node_is_idle_only_while_the_build_has_jobs)
{
	now_ms = 20000;
	ck_assert(row_has(" up ", UI_STYLE_NORMAL));
	farm_job(1, EVENTS_JOB_QUEUED, NULL, NULL);
	ck_assert(row_has("idle", UI_STYLE_WARN) &&
		  row_has("no job 20s", UI_STYLE_WARN));
	/* While vmlinux is linked, only queued jobs count. */
	farm_job(1, EVENTS_JOB_RUN, "local", ".incbin");
	say(EVENTS_KIND_PHASE, "link");
	ck_assert(!row_has("idle", UI_STYLE_WARN));
	farm_job(2, EVENTS_JOB_QUEUED, NULL, NULL);
	ck_assert(row_has("idle", UI_STYLE_WARN));
}

TEST(a_job_longer_than_ten_times_the_mean_is_highlighted)
{
	const struct ui_job *j;

	/* The mean is 0.7 s. */
	farm_done(1, "n", NULL);
	farm_job(2, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(2, EVENTS_JOB_RUN, "n", NULL);
	j = TAILQ_FIRST(&m.open_jobs);
	ui_row_put_job(&a, 0, 0, j, now_ms + 7000);
	ck_assert_str_eq(c.glyphs[13].text, " ");
	ui_row_put_job(&a, 0, 0, j, now_ms + 7001);
	ck_assert_str_eq(c.glyphs[13].text, "!");
	ck_assert_uint_eq(c.glyphs[13].style, UI_STYLE_WARN);
	/* Any difference between the clocks is accepted. */
	ui_row_put_job(&a, 0, 0, j, 0);
	ui_row_put_job(&a, 0, 0, j, UINT64_MAX);
}

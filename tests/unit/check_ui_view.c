/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * The full-screen view, compared with tests/ui/view-*.screen.
 */
#include "../lib/test.h"
#include "base/clock.h"
#include "base/printable.h"
#include "base/text-width.h"
#include "ui-view.h"

#include <malloc.h>

/* -------------------------------------------------------------- screens */

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
	{ 10, 40, true, "view-40x10-ascii" },
	{ 10, 40, false, "view-40x10" },
	{ 3, 20, true, "view-20x3" },
};

FIXTURE(set_up, tear_down);
TIMEOUT(200);

TEST_EACH(the_view_matches_the_golden_files_at_many_screen_sizes, sizes)
{
	c.ascii = row->ascii;
	resize(row->rows, row->columns);
	farm_play();
	screen(row->golden);
}

/* One node has jobs, one is hot, one idle, one failing and one down. */
TEST(an_expanded_node_shows_its_slots)
{
	farm_play();
	keys("jjjj ");
	screen("view-expanded");
	/* A job stays in its slot. */
	farm_job(3, EVENTS_JOB_DONE, "neo4a", NULL);
	farm_job(19, EVENTS_JOB_SEND, "neo4b", NULL);
	screen("view-expanded-later");
}

TEST(the_styles_match_the_golden_file)
{
	struct buf styles = { 0 };

	farm_play();
	draw();
	dump_styles(&styles, &c);
	golden_compare("view-styles", buf_str(&styles));
	buf_release(&styles);
}

TEST(the_view_during_linking_matches_the_golden_file)
{
	farm_begin();
	farm_node("neo4a", 6);
	farm_node("box", 16);
	farm_minute();
	now_ms = 90000;
	say(EVENTS_KIND_PHASE, "link");
	now_ms = 110000;
	screen("view-linking");
}

TEST(the_view_shows_how_the_build_ended)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);

	farm_play();
	ev.status = 2;
	play(&ev);
	now_ms += 60000;
	screen("view-failed");
	ev.status = 0;
	play(&ev);
	ck_assert(shows("\ndone  "));
	ev.status = 130;
	play(&ev);
	ck_assert(shows("\ninterrupted  "));
}

/* The exit status of `kfarm run` is that of its command. */
TEST(status_101_means_new_warnings_only_for_a_kernel_build)
{
	struct events_event run = events_event_make(EVENTS_KIND_BUILD);
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);

	farm_play();
	ev.status = 101;
	play(&ev);
	ck_assert(shows("\ndone, new warnings  "));
	run.command = "cargo build";
	play(&run);
	play(&ev);
	ck_assert(shows("\nFAILED, exit status 101  "));
}

TEST(w_opens_the_diagnostics_and_e_limits_them_to_errors)
{
	farm_play();
	keys("w");
	screen("view-warnings");
	keys("e");
	ck_assert(!shows("warning: unused"));
	ck_assert(shows("* fs/ext4/inode.c:99:1: error"));
	keys("ee");
	screen("view-errors");
	keys("w");
	ck_assert(!shows(" unseen"));
	diag("a.c:1: warning: later", EVENTS_SEV_WARNING);
	ck_assert(shows("1 unseen"));
	keys("w");
	ck_assert(shows("* a.c:1: warning: later"));
	ck_assert(!shows("* kernel/fork.c"));
	keys("\033");
	ck_assert(!shows("a.c:1: warning: later"));
}

TEST(the_log_pane_can_be_scrolled_followed_and_searched)
{
	farm_play();
	ck_assert(!ui_view_is_log_shown(&v));
	keys("l");
	ck_assert(ui_view_is_log_shown(&v));
	add_log(0, 200);
	screen("view-log");
	keys("k");
	ck_assert(!shows("file199.o") && !shows("following"));
	add_log(200, 210);
	ck_assert(shows("file198.o"));
	keys("f");
	ck_assert(shows("file209.o"));
	keys("/file120\n");
	ck_assert(shows("file120.o") && !shows("file119.o"));
	keys("/file12\nn");
	ck_assert(shows("file121.o") && !shows("file120.o"));
	keys("N");
	ck_assert(shows("file120.o"));
	keys("NN");
	ck_assert(shows("file129.o") && !shows("file128.o"));
	keys("/file209\nn");
	ck_assert(shows("file209.o") && shows("file208.o"));
	keys("/file120\n");
	press(UI_KEY_RIGHT);
	ck_assert(shows("\n>   kernel/file120.o"));
	keys("/nowhere");
	ck_assert(shows("\"nowhere\" not found in the log"));
	ck_assert(!shows("Tab: next pane"));
	keys("\n");
	ck_assert(shows("\"nowhere\" not found in the log; "
			"Tab: next pane"));
	/* A failed or cancelled search does not move the pane. */
	press(UI_KEY_END);
	keys("f/file7x\n");
	ck_assert(shows("file209.o") && shows(", following"));
	keys("/file7");
	ck_assert(shows("file7.o") && !shows(", following"));
	press(UI_KEY_ESCAPE);
	ck_assert(shows("file209.o") && shows(", following"));
	keys("l");
	ck_assert(!shows("file209.o") && !ui_view_is_log_shown(&v));
}

TEST(a_large_screen_shows_the_end_of_the_log)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	many_nodes(10);
	ev.command = "Image";
	ev.output = "/out";
	play(&ev);
	draw();
	ck_assert(!ui_view_is_log_shown(&v));
	resize(45, 140);
	draw();
	ck_assert(ui_view_is_log_shown(&v) && !shows("Log, "));
	add_log(0, 200);
	ck_assert(shows("file199.o"));
	keys("l");
	press(UI_KEY_HOME);
	ck_assert(shows("file0.o"));
	/* A pane that is not open follows the log. */
	keys("l");
	ck_assert(shows("file199.o"));
	resize(24, 80);
	ck_assert(!shows("file199.o"));
	ck_assert(!ui_view_is_log_shown(&v));
}

TEST(the_help_is_not_truncated_and_scrolls_on_a_small_screen)
{
	farm_play();
	keys("?");
	screen("view-help");
	keys("x");
	ck_assert(!shows("Keys"));
	c.ascii = false;
	resize(16, 100);
	keys("?");
	screen("view-help-100x16");
	/* The two columns of the help must not truncate its text. */
	for (unsigned columns = 79; columns <= 100; columns++) {
		resize(16, columns);
		ck_assert(shows("sort by the next column; reverse"));
		ck_assert(shows("group by pool and site (on, off)"));
	}
	/* On a small screen, the rest is shown after scrolling. */
	resize(10, 40);
	ck_assert(shows("q F10") && !shows("kfarm top"));
	for (int i = 0; i < 10; i++)
		press(UI_KEY_DOWN);
	ck_assert(!shows("q F10") && shows("kfarm top"));
	ck_assert_int_eq(press('q'), UI_ACTION_LEAVE);
}

/* Like kfarm top without a running build. */
TEST(a_view_without_a_build_shows_no_job_counts)
{
	farm_node("neo4a", 6);
	farm_node("box", 16);
	farm_beat(&(struct farm_beat){ "neo4a", 0, 0, 0, 0, 0, 1900, 91000,
				       1000, 2500 });
	now_ms = 60000;
	screen("view-nodes");
}

/* ---------------------------------------------------------------- requests */

static const struct {
	uint32_t key;
	enum ui_view_action action;
} requests[] = {
	{ 'd', UI_ACTION_DRAIN },          { '+', UI_ACTION_MORE_SLOTS },
	{ '-', UI_ACTION_FEWER_SLOTS },    { 'q', UI_ACTION_LEAVE },
	{ UI_KEY_F10, UI_ACTION_LEAVE },   { ']', UI_ACTION_NEXT_BUILD },
	{ '[', UI_ACTION_PREVIOUS_BUILD },
};

TEST_EACH(keys_request_actions_from_the_caller, requests)
{
	many_nodes(2);
	press('j');
	ck_assert_int_eq(press(row->key), row->action);
	if (row->key == 'd') {
		ck_assert_str_eq(ui_view_selected_node(&v), "node1");
		node("node1", "draining", NULL);
		ck_assert_int_eq(press('d'), UI_ACTION_RESUME);
		node("node1", "drained", NULL);
		ck_assert_int_eq(press('d'), UI_ACTION_RESUME);
		ck_assert_int_eq(press('+'), UI_ACTION_NONE);
		ck_assert(shows("the node is drained; d resumes it"));
	}
}

TEST(aborting_the_build_requires_pressing_the_key_twice)
{
	many_nodes(1);
	ck_assert_int_eq(press('Q'), UI_ACTION_NONE);
	ck_assert(shows("press Q again to abort the build"));
	ck_assert_int_eq(press('j'), UI_ACTION_NONE);
	ck_assert(!shows("Q again"));
	ck_assert_int_eq(press('Q'), UI_ACTION_NONE);
	ck_assert_int_eq(press('Q'), UI_ACTION_ABORT);
}

TEST(a_viewer_cannot_control_the_build_of_another_process)
{
	resize(24, 132);
	many_nodes(1);
	ck_assert(shows("d drain"));
	v.setup.actions_enabled = false;
	ck_assert(!shows("d drain"));
	keys("d");
	ck_assert(shows(
		"only the kfarm process that runs the build can control"));
	keys("+-Q");
	ck_assert(shows(
		"only the kfarm process that runs the build can abort it"));
	keys("Q");
	ck_assert_int_eq(press('q'), UI_ACTION_LEAVE);
}

TEST(an_impossible_drain_request_shows_the_reason)
{
	keys("d");
	ck_assert(shows("no nodes"));
	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_RUN, "local");
	keys("d");
	ck_assert(shows("not possible for the build host"));
	node("a", "up", NULL);
	keys("j");
	play(&(struct events_event){ .kind = EVENTS_KIND_DONE });
	keys("d");
	ck_assert(shows("the build has ended"));
}

TEST(a_message_disappears_after_its_display_time)
{
	job(1, EVENTS_JOB_QUEUED, NULL);
	job(1, EVENTS_JOB_RUN, "local");
	keys("d");
	ck_assert(shows("not possible"));
	now_ms += UI_VIEW_MESSAGE_MS - 1;
	ck_assert(shows("not possible") && !shows("q quit"));
	now_ms++;
	ck_assert(!shows("not possible") && shows("q quit"));
	/* An abort is confirmed only while the question is shown. */
	keys("Q");
	ck_assert(shows("press Q again"));
	now_ms += UI_VIEW_MESSAGE_MS;
	ck_assert(!shows("press Q again"));
	ck_assert_int_eq(press('Q'), UI_ACTION_NONE);
	ck_assert_int_eq(press('Q'), UI_ACTION_ABORT);
	/* A message also ends while the view is paused. */
	keys("pd");
	ck_assert(shows("not possible"));
	now_ms += UI_VIEW_MESSAGE_MS;
	ck_assert(shows("paused; p continues"));
}

/* -------------------------------------------------------------- other panes */

TEST(tab_moves_the_focus_between_panes)
{
	many_nodes(3);
	keys("wl");
	ck_assert(shows("> Log"));
	press(UI_KEY_TAB);
	ck_assert(shows("- Log") && !shows("> Warnings"));
	press(UI_KEY_TAB);
	ck_assert(shows("> Warnings"));
	press(UI_KEY_BACK_TAB);
	press(UI_KEY_BACK_TAB);
	ck_assert(shows("> Log"));
	/* A screen with space for one pane shows the one with the focus. */
	resize(9, 60);
	ck_assert(shows("> Log") && !shows("Warnings"));
	press(UI_KEY_TAB);
	ck_assert(shows("NODE") && !shows("Log"));
}

TEST(a_paused_view_is_updated_only_by_keys)
{
	many_nodes(3);
	keys("p");
	ck_assert(shows("paused"));
	now_ms += 1000000;
	node("new", "up", NULL);
	ck_assert(!shows("new ") && !shows("16:40"));
	/* Keys keep their effect. */
	keys("j");
	ck_assert(shows("\n>node0 ") && shows("new "));
	keys("p");
	now_ms += 1000000;
	ck_assert(shows("33:20"));
	keys("p");
	draw();
	resize(30, 100);
	ck_assert(shows("NODE"));
}

TEST(a_title_is_shown_without_control_characters)
{
	many_nodes(3);
	ui_view_set_title(&v, "build 1 of 2: \033[2J linux");
	ck_assert(shows("build 1 of 2: ?[2J linux\n"));
	ui_view_set_title(&v, NULL);
	ck_assert(!shows("build 1"));
}

TEST(a_view_accepts_a_reinitialized_model)
{
	many_nodes(40);
	keys("ssra");
	press(UI_KEY_END);
	draw();
	for (int n = 0; n < 50; n += 7) {
		ui_model_release(&m);
		ui_model_init(&m);
		many_nodes(n);
		diag("x\ny\n", EVENTS_SEV_WARNING);
		keys("jw k");
		draw();
	}
}

TEST(lost_events_are_reported)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DROPPED);

	ev.n_dropped = 17;
	play(&ev);
	ck_assert(shows("17 events lost: counts are too low"));
}

/* ------------------------------------------------------------ random input */

static void check_canvas(void)
{
	bool sound = true;

	for (unsigned row = 0; row < c.rows; row++) {
		unsigned width = 0;

		for (unsigned i = 0; i < c.columns; i++) {
			const struct ui_glyph *cell =
				&c.glyphs[row * c.columns + i];

			sound &= printable_is_safe(bytes_str(cell->text), 0);
			width += text_width(cell->text);
		}
		sound &= width == c.columns;
	}
	ck_assert(sound);
}

TEST(every_screen_size_is_filled_with_printable_text)
{
	farm_play();
	keys("a");
	add_log(0, 100);
	for (unsigned rows = 0; rows < 64; rows += 1 + rows / 20) {
		for (unsigned columns = 0; columns < 240;
		     columns += 1 + columns / 20) {
			resize(rows, columns);
			draw();
			check_canvas();
			press("wl?xpq\t\t"[(rows + columns) % 8]);
		}
	}
	resize(1000, 1000);
	draw();
	check_canvas();
}

TEST(unsafe_and_wide_names_are_drawn_as_printable_text)
{
	static const char *const evil[] = {
		"a\033[2Jb\r\xff\u202e",
		"\u6f22\u6f22\u6f22\u6f22\u6f22\u6f22\u6f22\u6f22\u6f22",
		"u\u0308\u0308\u200d\ufe0f",
		"",
	};

	c.ascii = false;
	for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
		struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

		node(evil[i], i % 2 ? "up" : evil[i], evil[i]);
		say(EVENTS_KIND_PHASE, evil[i]);
		diag(evil[i], EVENTS_SEV_ERROR);
		ev.command = ev.tree = ev.arch = evil[i];
		play(&ev);
		farm_job((int64_t)i, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job((int64_t)i, EVENTS_JOB_RUN, "local", evil[i]);
		ui_log_add(ui_view_log(&v), bytes_str(evil[i]));
	}
	keys("awl\\");
	press(0x202e);
	press(0x6f22);
	press(0xd800);
	press(0x10ffff);
	press(0x9b);
	keys("\n");
	for (unsigned columns = 1; columns < 120; columns++) {
		resize(30, columns);
		draw();
		check_canvas();
	}
}

/* As many events as a build of several days, drawn at the maximum rate. */
TEST(a_million_events_take_bounded_memory)
{
	static const char *const on[] = { "neo4a", "box", "local", "neo4b" };
	struct mallinfo2 before = { 0 };
	uint64_t draws = 0, took = 0;

	farm_play();
	keys("awl");
	resize(50, 132);
	for (int64_t i = 0; i < 250000; i++) {
		now_ms = 100000 + (uint64_t)i * 2;
		farm_job(1000000 + i, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(1000000 + i, EVENTS_JOB_SEND, on[i % 4], NULL);
		if (i > 40)
			farm_job(999960 + i, EVENTS_JOB_DONE, on[i % 4], ".");
		if (i % 50 == 0) {
			uint64_t began = clock_cpu_us();

			diag("a.c:1: warning: x\n  1 |\n", EVENTS_SEV_WARNING);
			add_log((unsigned)i, (unsigned)i + 50);
			press("jk "[i / 50 % 3]);
			draw();
			took += clock_cpu_us() - began;
			draws++;
		}
		/* By then, all ring buffers are full. */
		if (i == 50000)
			before = mallinfo2();
	}
	ck_assert_uint_lt(mallinfo2().uordblks, before.uordblks + 65536);
	printf("%llu draws at 132x50, everything open: %llu us each\n",
	       (unsigned long long)draws, (unsigned long long)(took / draws));
}

/* ------------------------------------------------------------------- cost */

static const struct {
	int nodes;
	unsigned rows, columns;
	const char *keys;
	uint64_t most_us; /* ten times the time on an idle machine */
} costs[] = {
	{ 28, 24, 80, "", 300 },    { 28, 60, 200, "", 600 },
	{ 28, 60, 200, "a", 600 },  { 500, 24, 80, "ss", 700 },
	{ 500, 60, 200, "", 1500 }, { 500, 60, 200, "a", 1200 },
};

/*
 * Ten drawings per second must cost at most 0.5 % of a core, or 2 % with 500
 * nodes.
 */
TEST_EACH(drawing_takes_a_limited_cpu_time, costs)
{
	uint64_t began, took;
	char name[32];

	many_nodes(row->nodes);
	for (int i = 0; i < row->nodes * 6; i++) {
		snprintf(name, sizeof(name), "node%d", i % row->nodes);
		farm_job(i, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(i, EVENTS_JOB_RUN, name, NULL);
	}
	keys(row->keys);
	resize(row->rows, row->columns);
	c.ascii = false;
	draw();
	began = clock_cpu_us();
	for (int i = 0; i < 500; i++)
		ui_view_draw(&v, &c, &m, now_ms++);
	took = (clock_cpu_us() - began) / 500;
	printf("%d nodes at %ux%u, keys \"%s\": %llu us\n", row->nodes,
	       row->columns, row->rows, row->keys, (unsigned long long)took);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
	ck_assert_uint_lt(took, row->most_us);
#endif
}

#define JOBS_A_SECOND 500

static void play_second_of(int nodes, int64_t first)
{
	for (int64_t i = first; i < first + JOBS_A_SECOND; i++) {
		char name[32];

		snprintf(name, sizeof(name), "node%d", (int)(i % nodes));
		farm_job(i, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(i, EVENTS_JOB_SCAN, NULL, NULL);
		farm_job(i, EVENTS_JOB_SEND, name, NULL);
		farm_job(i, EVENTS_JOB_RUN, name, NULL);
		farm_job(i, EVENTS_JOB_RECEIVE, name, NULL);
		/* Each job takes a second. */
		snprintf(name, sizeof(name), "node%d",
			 (int)((i - JOBS_A_SECOND) % nodes));
		if (i >= 2 * JOBS_A_SECOND)
			farm_job(i - JOBS_A_SECOND, EVENTS_JOB_DONE, name,
				 NULL);
		now_ms = (uint64_t)(i * 1000 / JOBS_A_SECOND);
		if (i % (JOBS_A_SECOND / 10) == 0)
			draw();
	}
	for (int i = 0; i < nodes; i++) {
		char name[32];

		snprintf(name, sizeof(name), "node%d", i);
		farm_beat(&(struct farm_beat){
			name, first / nodes, 0, 0, first * 1000 + i,
			first * 500, 1000 + i * first % 100, 50000, 1000, 0 });
	}
}

static const struct {
	int nodes;
	double percent; /* maximum share of a core */
} shares[] = { { 28, 0.5 }, { 500, 2 } };

/* Measure updates of the model and ten drawings per second. */
static double percent_of_a_core(int nodes, int64_t from, int64_t seconds)
{
	uint64_t began = clock_cpu_us();

	for (int64_t i = from; i < from + seconds; i++)
		play_second_of(nodes, i * JOBS_A_SECOND);
	return (double)(clock_cpu_us() - began) / (double)seconds / 10000;
}

TEST_EACH(the_view_takes_a_small_share_of_a_core, shares)
{
	double least = 100;

	many_nodes(row->nodes);
	resize(60, 200);
	c.ascii = false;
	play_second_of(row->nodes, JOBS_A_SECOND);
	/* Repeat, because the machine can be busy for a while. */
	for (int64_t i = 0; i < 3; i++) {
		double percent = percent_of_a_core(row->nodes, 2 + i * 20, 20);

		least = percent < least ? percent : least;
	}
	printf("%d nodes, %d jobs/s, 10 pictures/s of 200x60: %.2f %% of a "
	       "core\n",
	       row->nodes, JOBS_A_SECOND, least);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
	ck_assert(least < row->percent);
#endif
}

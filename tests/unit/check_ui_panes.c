/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * The full-screen view of a build with a baseline, compared with
 * tests/ui/view-known-*.screen.  check_ui_view.c tests builds without a
 * baseline.
 */
#include "ui/panes.h"

#include "../lib/test.h"
#include "ui-view.h"

static const struct {
	unsigned rows, columns;
	bool ascii;
	const char *golden;
} sizes[] = {
	{ 24, 80, true, "view-known-80x24-ascii" },
	{ 50, 132, false, "view-known-132x50" },
	{ 10, 40, false, "view-known-40x10" },
	{ 3, 20, true, "view-known-20x3" },
};

FIXTURE(set_up, tear_down);

TEST_EACH(a_build_with_a_baseline_shows_a_total_and_an_eta, sizes)
{
	c.ascii = row->ascii;
	resize(row->rows, row->columns);
	farm_is_known = true;
	farm_play();
	screen(row->golden);
}

TEST(a_finished_build_shows_neither_total_nor_eta)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);

	farm_is_known = true;
	farm_play();
	ck_assert(shows("ETA") && shows(" %"));
	play(&ev);
	ck_assert(!shows("ETA") && !shows("/2874"));
	ck_assert(shows("\ndone  587 ok"));
}

TEST(a_draining_node_counts_only_its_occupied_slots)
{
	farm_begin();
	farm_node("n", 4);
	for (int64_t job = 1; job <= 3; job++) {
		farm_job(job, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(job, EVENTS_JOB_RUN, "n", NULL);
	}
	ck_assert(shows("slots 3/6"));
	node("n", "draining", "asked for");
	ck_assert(shows("slots 3/5"));
}

TEST(the_total_of_slots_does_not_depend_on_the_number_of_jobs)
{
	farm_begin();
	farm_node("n", 2);
	ck_assert(shows("slots 0/4"));
	for (int64_t job = 1; job <= 3; job++) {
		farm_job(job, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(job, EVENTS_JOB_SEND, "n", NULL);
		if (job < 3)
			farm_job(job, EVENTS_JOB_RECEIVE, "n", NULL);
	}
	/* The third job has the slot of a job whose result is received. */
	ck_assert(shows("slots 2/4 [><..]"));
	ck_assert(shows("[><]"));
	farm_job(4, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(4, EVENTS_JOB_RUN, EVENTS_LOCAL, "-j");
	ck_assert(shows("slots 3/4"));
}

TEST(tool_steps_count_as_remote_and_are_also_shown_separately)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	resize(50, 132);
	ev.state = EVENTS_JOB_DONE;
	ev.node = "box";
	ev.remote = true;
	ev.job = 1;
	play(&ev);
	ck_assert(shows("1 remote") && !shows("step"));
	ev.step = "symbols";
	ev.job = 2;
	play(&ev);
	ev.job = 3;
	play(&ev);
	ck_assert(shows("3 remote") && shows("2 steps"));
}

TEST(disabled_programs_and_duplicated_jobs_are_shown)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	farm_begin();
	resize(50, 132);
	ev.state = EVENTS_JOB_QUEUED;
	ev.job = 1;
	play(&ev);
	ck_assert(!shows("duplicated") && !shows("disabled"));
	ev.state = EVENTS_JOB_RUN;
	ev.hedged = true;
	ev.node = EVENTS_LOCAL;
	play(&ev);
	ck_assert(shows("1 duplicated"));
	ev = events_event_make(EVENTS_KIND_DISABLED);
	ev.tool = "objtool";
	ev.n_failed = 3;
	play(&ev);
	ck_assert(shows("disabled: objtool on all nodes"));
	ev.n_failed = 0;
	play(&ev);
	ck_assert(!shows("disabled"));
}

TEST(a_build_beyond_its_predicted_time_shows_no_eta)
{
	farm_is_known = true;
	farm_begin();
	for (int64_t i = 1; i <= 2874; i++) {
		now_ms += 80;
		farm_done(i, "box", NULL);
	}
	ck_assert(shows("ETA ~0:") && shows("2874/~2874 ok"));
	now_ms += 60000;
	ck_assert(!shows("ETA") && shows("99 %"));
}

/* The drawing must not fail with the largest numbers. */
TEST(extreme_numbers_are_drawn_at_every_width)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ESTIMATE);

	farm_is_known = true;
	farm_begin();
	ev.n_total_jobs = INT64_MAX;
	ev.cost_ms = INT64_MAX;
	ev.wall_ms = INT64_MAX;
	play(&ev);
	now_ms = (uint64_t)1 << 53;
	for (unsigned columns = 1; columns < 200; columns++) {
		resize(4, columns);
		draw();
	}
}

static const struct {
	const char *phase, *words;
} idle_phases[] = {
	{ "link", "linking vmlinux: farm idle" },
	{ "modules", "linking modules: farm idle" },
	{ "install", "installing: farm idle" },
	{ "package", "packaging: farm idle" },
};

TEST_EACH(idle_nodes_are_not_counted_in_a_phase_without_compiles, idle_phases)
{
	farm_begin();
	farm_node("n", 4);
	now_ms += 20000;
	say(EVENTS_KIND_PHASE, row->phase);
	ck_assert(shows(row->words));
	farm_job(1, EVENTS_JOB_QUEUED, NULL, NULL);
	ck_assert(shows("1 idle"));
	farm_job(1, EVENTS_JOB_RUN, EVENTS_LOCAL, "step");
	ck_assert(!shows("1 idle"));
}

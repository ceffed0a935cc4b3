/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * The full-screen view of a build with a baseline, compared with
 * tests/ui/view-known-*.screen.  check_ui_view.c tests builds without one.
 */
#include "ui/panes.h"

#include "suite.h"
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

START_TEST(a_build_like_the_last_one_has_a_total_and_an_end)
{
	c.ascii = sizes[_i].ascii;
	resize(sizes[_i].rows, sizes[_i].columns);
	farm_is_known = true;
	farm_play();
	screen(sizes[_i].golden);
}
END_TEST

START_TEST(one_that_ended_has_neither)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);

	farm_is_known = true;
	farm_play();
	ck_assert(shows("ETA") && shows(" %"));
	play(&ev);
	ck_assert(!shows("ETA") && !shows("/2874"));
	ck_assert(shows("\ndone  587 ok"));
}
END_TEST

START_TEST(steps_of_kbuild_are_counted_beside_jobs)
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
END_TEST

START_TEST(what_takes_longer_than_it_should_has_no_end)
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
END_TEST

/* All widths, with the largest numbers in the farm. */
START_TEST(no_width_is_too_small)
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
END_TEST

int main(void)
{
	Suite *s = suite_create("ui/panes");
	TCase *tc = tcase_create("header");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc,
			    a_build_like_the_last_one_has_a_total_and_an_end, 0,
			    sizeof(sizes) / sizeof(*sizes));
	tcase_add_test(tc, steps_of_kbuild_are_counted_beside_jobs);
	tcase_add_test(tc, one_that_ended_has_neither);
	tcase_add_test(tc, what_takes_longer_than_it_should_has_no_end);
	tcase_add_test(tc, no_width_is_too_small);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

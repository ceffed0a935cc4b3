/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "../lib/test.h"

#include "sched/internal.h"

static struct sched_window w;

static void setup(void)
{
	w = (struct sched_window){ 0 };
}

/* Finish `units` units successfully; return the number of slots, of 8. */
static unsigned after(unsigned units)
{
	while (units--)
		sched_window_add_success(&w, 8);
	return sched_window_limit(&w, 8);
}

FIXTURE(setup, NULL);

TEST(at_first_it_has_all)
{
	ck_assert_uint_eq(sched_window_limit(&w, 8), 8);
	ck_assert(!sched_window_add_success(&w, 8));
	ck_assert_uint_eq(after(100), 8);
	ck_assert(!sched_window_is_trial(&w, 1));
}

TEST(it_is_narrowed_to_one_at_least)
{
	ck_assert(!sched_window_shrink(&w, 8, 9));
	ck_assert(!sched_window_shrink(&w, 8, 8));
	ck_assert(sched_window_shrink(&w, 8, 4));
	ck_assert_uint_eq(sched_window_limit(&w, 8), 4);
	ck_assert_uint_eq(sched_window_limit(&w, 3), 3);
	ck_assert(!sched_window_shrink(&w, 8, 5));
	ck_assert(sched_window_shrink(&w, 8, 0));
	ck_assert_uint_eq(sched_window_limit(&w, 8), 1);
	ck_assert(!sched_window_shrink(&w, 8, 1));
}

TEST(four_units_open_it)
{
	sched_window_shrink(&w, 8, 1);
	ck_assert_uint_eq(after(3), 1);
	ck_assert_uint_eq(after(1), 2);
	ck_assert_uint_eq(after(4), 4);
	after(3);
	ck_assert(sched_window_add_success(&w, 8));
	ck_assert_uint_eq(after(0), 8);
}

TEST(a_failure_begins_the_row_anew)
{
	sched_window_shrink(&w, 8, 1);
	after(3);
	sched_window_shrink(&w, 8, 1);
	ck_assert_uint_eq(after(3), 1);
	ck_assert_uint_eq(after(1), 2);
}

TEST(each_time_it_takes_longer)
{
	for (unsigned units = 4; units <= 64; units *= 2) {
		sched_window_shrink(&w, 8, 2);
		ck_assert_uint_eq(after(units - 1), 2);
		ck_assert_uint_eq(after(1), 4);
	}
	/* Until all slots are in use for a long time. */
	ck_assert_uint_eq(after(64), 8);
	after(1000);
	sched_window_shrink(&w, 8, 2);
	ck_assert_uint_eq(after(4), 4);
}

TEST(a_probe_is_no_unit)
{
	sched_window_add_probe(&w);
	sched_window_add_probe(&w);
	ck_assert_uint_eq(w.n_relapses, 2);
	ck_assert(sched_window_is_trial(&w, 1));
	ck_assert(!sched_window_is_trial(&w, 2));
	after(3);
	ck_assert(!sched_window_is_trial(&w, 1));
	ck_assert_uint_eq(w.n_relapses, 2);
	after(1);
	ck_assert_uint_eq(w.n_relapses, 0);
	for (int i = 0; i < 100; i++)
		sched_window_add_probe(&w);
	ck_assert_uint_eq(w.n_relapses, 6);
}

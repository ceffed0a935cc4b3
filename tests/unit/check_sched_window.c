/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "../lib/test.h"

#include "sched/internal.h"

static struct sched_window w;

static void setup(void)
{
	w = (struct sched_window){ 0 };
}

/* Finish `units` units successfully; return the limit for 8 slots. */
static unsigned limit_after(unsigned units)
{
	while (units--)
		sched_window_add_success(&w, 8);
	return sched_window_limit(&w, 8);
}

FIXTURE(setup, NULL);

TEST(a_new_window_permits_all_slots)
{
	ck_assert_uint_eq(sched_window_limit(&w, 8), 8);
	ck_assert(!sched_window_add_success(&w, 8));
	ck_assert_uint_eq(limit_after(100), 8);
	ck_assert(!sched_window_is_trial(&w, 1));
}

TEST(a_window_shrinks_to_at_least_one_slot)
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

TEST(four_successes_double_the_window)
{
	sched_window_shrink(&w, 8, 1);
	ck_assert_uint_eq(limit_after(3), 1);
	ck_assert_uint_eq(limit_after(1), 2);
	ck_assert_uint_eq(limit_after(4), 4);
	limit_after(3);
	ck_assert(sched_window_add_success(&w, 8));
	ck_assert_uint_eq(limit_after(0), 8);
}

TEST(a_failure_resets_the_count_of_successes)
{
	sched_window_shrink(&w, 8, 1);
	limit_after(3);
	sched_window_shrink(&w, 8, 1);
	ck_assert_uint_eq(limit_after(3), 1);
	ck_assert_uint_eq(limit_after(1), 2);
}

TEST(each_shrink_doubles_the_successes_that_growth_requires)
{
	for (unsigned units = 4; units <= 64; units *= 2) {
		sched_window_shrink(&w, 8, 2);
		ck_assert_uint_eq(limit_after(units - 1), 2);
		ck_assert_uint_eq(limit_after(1), 4);
	}
	/* Many successes with all slots reset this number. */
	ck_assert_uint_eq(limit_after(64), 8);
	limit_after(1000);
	sched_window_shrink(&w, 8, 2);
	ck_assert_uint_eq(limit_after(4), 4);
}

TEST(probes_count_as_relapses_until_four_units_succeed)
{
	sched_window_add_probe(&w);
	sched_window_add_probe(&w);
	ck_assert_uint_eq(w.n_relapses, 2);
	ck_assert(sched_window_is_trial(&w, 1));
	ck_assert(!sched_window_is_trial(&w, 2));
	limit_after(3);
	ck_assert(!sched_window_is_trial(&w, 1));
	ck_assert_uint_eq(w.n_relapses, 2);
	limit_after(1);
	ck_assert_uint_eq(w.n_relapses, 0);
	for (int i = 0; i < 100; i++)
		sched_window_add_probe(&w);
	ck_assert_uint_eq(w.n_relapses, 6);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "../lib/test.h"

#include "sched/internal.h"

#include <limits.h>

TEST(total_and_per_unit_cpu_shares_are_averages_since_the_copy)
{
	struct sched_cpu_share s = { 0 }, from;

	sched_share_add_units(&s, 1000, 1);
	from = s;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 1000),
			  UINT_MAX);
	ck_assert_uint_eq(sched_share_total_milli(&s, &from, 1000), UINT_MAX);
	s.cpu_ms += 500;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 2000), 500);
	/* Add three units at 2 s. */
	sched_share_add_units(&s, 2000, 3);
	s.cpu_ms += 2000;
	ck_assert_uint_eq(sched_share_total_milli(&s, &from, 4000), 833);
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 4000), 277);
	/* The node has no units from 4 s to 9 s. */
	sched_share_add_units(&s, 4000, -4);
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 9000), 277);
	ck_assert_uint_eq(sched_share_total_milli(&s, &from, 9000), 312);
	from = s;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 9000),
			  UINT_MAX);
}

TEST(usage_before_the_copy_is_ignored_and_large_shares_saturate)
{
	struct sched_cpu_share s = { .cpu_ms = 123456, .unit_ms = 654321 },
			       from;

	sched_share_add_units(&s, 1000, 1);
	from = s;
	s.cpu_ms += 900;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 2000), 900);
	s.cpu_ms += UINT64_MAX / 2000;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 2000),
			  UINT_MAX);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "../lib/test.h"

#include "sched/internal.h"

#include <limits.h>

TEST(what_each_and_what_all_get)
{
	struct sched_cpu_share s = { 0 }, from;

	sched_share_add_units(&s, 1000, 1);
	from = s;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 1000),
			  UINT_MAX);
	ck_assert_uint_eq(sched_share_total_milli(&s, &from, 1000), UINT_MAX);
	s.cpu_ms += 500;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 2000), 500);
	/* Three more units, after two seconds. */
	sched_share_add_units(&s, 2000, 3);
	s.cpu_ms += 2000;
	ck_assert_uint_eq(sched_share_total_milli(&s, &from, 4000), 833);
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 4000), 277);
	/* No unit for a while. */
	sched_share_add_units(&s, 4000, -4);
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 9000), 277);
	ck_assert_uint_eq(sched_share_total_milli(&s, &from, 9000), 312);
	from = s;
	ck_assert_uint_eq(sched_share_per_unit_milli(&s, &from, 9000),
			  UINT_MAX);
}

TEST(what_was_before_does_not_count)
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

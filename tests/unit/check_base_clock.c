/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/clock.h"

TEST(time_never_decreases)
{
	uint64_t before = clock_us(), now;

	for (int i = 0; i < 10000; i++) {
		now = clock_us();
		ck_assert_uint_ge(now, before);
		before = now;
	}
}

TEST(a_sleep_of_20_ms_is_measured_in_both_units)
{
	uint64_t us = clock_us(), ms = clock_ms();

	usleep(20000);
	ck_assert_uint_ge(clock_us() - us, 20000);
	ck_assert_uint_ge(clock_ms() - ms, 19);
}

TEST(cpu_time_excludes_sleep)
{
	uint64_t cpu = clock_cpu_us(), wall = clock_us();

	usleep(50000);
	ck_assert_uint_lt(clock_cpu_us() - cpu, clock_us() - wall);
	while (clock_cpu_us() - cpu < 1000)
		;
	ck_assert_uint_ge(clock_us() - wall, 50000);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/clock.h"

#include "suite.h"

#include <check.h>
#include <unistd.h>

START_TEST(time_goes_on_and_never_back)
{
	uint64_t before = clock_us(), now;

	for (int i = 0; i < 10000; i++) {
		now = clock_us();
		ck_assert_uint_ge(now, before);
		before = now;
	}
}
END_TEST

START_TEST(a_sleep_of_20_ms_is_seen_in_both_units)
{
	uint64_t us = clock_us(), ms = clock_ms();

	usleep(20000);
	ck_assert_uint_ge(clock_us() - us, 20000);
	ck_assert_uint_ge(clock_ms() - ms, 19);
}
END_TEST

START_TEST(cpu_time_is_of_work_and_not_of_sleep)
{
	uint64_t cpu = clock_cpu_us(), wall = clock_us();

	usleep(50000);
	ck_assert_uint_lt(clock_cpu_us() - cpu, clock_us() - wall);
	while (clock_cpu_us() - cpu < 1000)
		;
	ck_assert_uint_ge(clock_us() - wall, 50000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, time_goes_on_and_never_back);
	tcase_add_test(tc, a_sleep_of_20_ms_is_seen_in_both_units);
	tcase_add_test(tc, cpu_time_is_of_work_and_not_of_sleep);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

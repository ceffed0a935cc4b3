/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cell */
#include "cell/cgroup.h"

#include "cell.h"
#include "suite.h"

#include <signal.h>

#define MIB (1ull << 20)

/* Whether control groups can be made is this machine's affair. */
static bool have_limited_cell(const struct cell_limits *limits)
{
	open_cell(limits, NULL);
	if (strstr(cell_layers(cell), "cgroup-v"))
		return true;
	puts("skipped: no control group can be made here");
	close_cell();
	return false;
}

START_TEST(without_limits_there_is_no_group)
{
	ck_assert_ptr_null(cell_cgroup_new(getpid(), 0, 0));
	cell_cgroup_free(NULL);
}
END_TEST

START_TEST(a_process_that_is_not_there_is_in_no_group)
{
	ck_assert_ptr_null(cell_cgroup_new(0x3fffffff, 64 * MIB, 0));
}
END_TEST

START_TEST(a_cell_with_too_much_memory_loses_a_job)
{
	const struct cell_limits limits = { .all_memory_bytes = 64 * MIB };
	struct played p;

	if (!have_limited_cell(&limits))
		return;
	put_attack();
	run_attack(&p, "memory", "1000");
	ck_assert_int_eq(p.end.why, CELL_END_ITSELF);
	ck_assert(WIFSIGNALED(p.end.status));
	ck_assert_int_eq(WTERMSIG(p.end.status), SIGKILL);
	drop_job(&p);
	/* The cell lives on. */
	run_attack(&p, "none", NULL);
	must_be_well(&p);
	drop_job(&p);
	ck_assert_uint_eq(times_lost, 0);
	close_cell();
}
END_TEST

START_TEST(a_cell_gets_its_share_of_the_processor)
{
	const struct cell_limits limits = { .all_cpu_percent = 20 };
	struct cell_job job = {
		.argv = (char *[]){ ATTACK, "spin", NULL },
		.stdin_fd = -1,
	};
	struct played p;
	uint64_t began = clock_ms(), deadline = began + WAIT_MS;

	if (!have_limited_cell(&limits))
		return;
	put_attack();
	ck_assert(!start_job(&p, &job));
	while (cell_run_cpu_ms(p.run) < 300) {
		ck_assert(clock_ms() < deadline);
		turn(&p, 1);
	}
	/* Five times as long, were the kernel's accounts exact. */
	ck_assert_uint_ge(clock_ms() - began, 750);
	drop_job(&p);
	close_cell();
}
END_TEST

static Suite *cgroup_suite(void)
{
	Suite *s = suite_create("cell/cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_set_timeout(tc, 120);
	tcase_add_unchecked_fixture(tc, make_attack, remove_attack);
	tcase_add_test(tc, without_limits_there_is_no_group);
	tcase_add_test(tc, a_process_that_is_not_there_is_in_no_group);
	tcase_add_test(tc, a_cell_with_too_much_memory_loses_a_job);
	tcase_add_test(tc, a_cell_gets_its_share_of_the_processor);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	if (no_cells_here())
		return 0;
	return suite_run(cgroup_suite());
}

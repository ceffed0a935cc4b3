/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/system.h"

#include "kernel-run.h"
#include "suite.h"

START_TEST(the_machine_has_cores_and_memory)
{
	struct kernel_system s;

	kernel_system_read(&s);
	ck_assert_uint_ge(s.cores, 1);
	ck_assert_uint_gt(s.ram_mib, 32);
	ck_assert_str_eq(s.uname.sysname, "Linux");
	kernel_system_release(&s);
}
END_TEST

START_TEST(programs_say_their_version_in_one_line)
{
	char *make, *ld;

	make_plan();
	make = kernel_system_first_line(&plan, plan.make);
	ck_assert(str_starts(make, "GNU Make"));
	ck_assert_ptr_null(strchr(make, '\n'));
	ck_assert_ptr_null(kernel_system_first_line(&plan, "/nonexistent"));
	ck_assert_ptr_null(kernel_system_first_line(&plan, ""));
	put_file("tools/nice-ld", "#!/bin/sh\necho Nice ld 1.2\n", 0755);
	req.toolchain = "nice-";
	make_plan();
	ld = kernel_system_linker(&plan);
	ck_assert_str_eq(ld, "Nice ld 1.2");
	free(ld);
	free(make);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/system");
	TCase *tc = tcase_create("system");

	tcase_add_checked_fixture(tc, run_set_up, run_tear_down);
	tcase_add_test(tc, the_machine_has_cores_and_memory);
	tcase_add_test(tc, programs_say_their_version_in_one_line);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

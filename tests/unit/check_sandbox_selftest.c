/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/init.h"

TIMEOUT(120);

/* The user layer is not reported if the test runs as root. */
TEST(outside_a_sandbox_the_selftest_reports_the_first_layer)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		sandbox_init_run_selftest();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_str_eq(sandbox_init_layer_name(WEXITSTATUS(status)),
			 geteuid() ? "pid" : "user");
}

TEST(exit_statuses_0_1_and_127_name_no_layer)
{
	ck_assert_ptr_null(sandbox_init_layer_name(0));
	ck_assert_ptr_null(sandbox_init_layer_name(1));
	ck_assert_ptr_null(sandbox_init_layer_name(127));
}

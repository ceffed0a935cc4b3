/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/init.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Outside a sandbox, the check reports the first missing layer. */
START_TEST(outside_the_first_layer_is_missing)
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
END_TEST

START_TEST(other_statuses_are_no_layers)
{
	ck_assert_ptr_null(sandbox_init_layer_name(0));
	ck_assert_ptr_null(sandbox_init_layer_name(1));
	ck_assert_ptr_null(sandbox_init_layer_name(127));
}
END_TEST

static Suite *escape_suite(void)
{
	Suite *s = suite_create("sandbox/selftest");
	TCase *tc = tcase_create("escape");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, outside_the_first_layer_is_missing);
	tcase_add_test(tc, other_statuses_are_no_layers);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(escape_suite());
}

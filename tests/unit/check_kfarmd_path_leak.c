/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "kfarmd/run.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *content;
	bool tells;
} all[] = {
	{ "", false },
	{ "x/.kfarm/outy", false },
	{ "/.kfarm/tmp/ccabcdef.s", true },
	{ "a\n/.kfarm/out", true },
	{ "at '/.kfarm/tmp/x'", true },
	{ "/home/me/.kfarm/out/x and /.kfarm/out/y", true },
	{ "/home/me/.kfarm/out/x", false },
	{ "/.kfarm/ou", false },
	{ "/.kfarm", false },
	{ "/home/me/.kfarms/x", false },
};

START_TEST(the_directories_of_jobs_are_looked_for)
{
	ck_assert_int_eq(
		kfarmd_run_output_has_private_path(bytes_str(all[_i].content)),
		all[_i].tells);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kfarmd/path-leak");
	TCase *t = tcase_create("object");

	tcase_add_loop_test(t, the_directories_of_jobs_are_looked_for, 0,
			    sizeof(all) / sizeof(*all));
	suite_add_tcase(s, t);
	return suite_run(s);
}

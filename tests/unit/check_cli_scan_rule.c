/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
#include "cli/scan.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_compile_becomes_a_question)
{
	char *argv[] = { "gcc",
			 "-Wp,-MMD,x/.a.o.d",
			 "-Wp,-DX=1,-MD,d,-MT,a.o,-MP,-UY",
			 "-MF",
			 "d",
			 "-MTa.o",
			 "-Iinclude",
			 "-include",
			 "k.h",
			 "-O2",
			 "-c",
			 "-o",
			 "a.o",
			 "-oa.o",
			 "-save-temps=obj",
			 "a.c",
			 NULL };
	struct strv out = { 0 };
	char *joined;

	cli_scan_rule_argv(&out, argv, "/usr/bin/gcc");
	joined = strv_join(&out, " ");
	ck_assert_str_eq(joined, "/usr/bin/gcc -M -Wp,-DX=1,-UY -Iinclude "
				 "-include k.h -O2 a.c");
	free(joined);
	strv_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cli/scan-rule");
	TCase *tc = tcase_create("scan-rule");

	tcase_add_test(tc, a_compile_becomes_a_question);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

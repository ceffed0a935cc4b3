/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "kfarmd/run.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *text;
	const char *missing; /* NULL: no file is missing */
} all[] = {
	{ "a.c:1:10: fatal error: b.h: No such file or directory\n"
	  "    1 | #include \"b.h\"\n      |          ^~~~~\n"
	  "compilation terminated.\n",
	  "b.h" },
	{ "a.c:1:10: fatal error: 'dir/b.h' file not found\n", "dir/b.h" },
	{ "cc1: fatal error: nosuch.c: No such file or directory", "nosuch.c" },
	{ "x.c: In function 'f':\nx.c:1: warning: w\n"
	  "x.c:2:2: fatal error: a b.h: No such file or directory\n",
	  "a b.h" },
	{ "", NULL },
	{ "a.c:1:2: error: #error b.h: No such file or directory\n", NULL },
	{ "a.c:1:10: fatal error: too many errors\n", NULL },
	{ "a.c:1:10: fatal error: ", NULL },
	{ "a.c:1:10: fatal error: : No such file or directory\n", NULL },
	{ "a.c:1:10: fatal error: b.h: Permission denied\n", NULL },
	{ "a.c:1:10: fatal error: b.h: No such file or directory, no\n", NULL },
};

START_TEST(the_file_that_is_missing_is_named)
{
	char *missing = kfarmd_run_missing_file(bytes_str(all[_i].text));

	if (all[_i].missing)
		ck_assert_str_eq(missing, all[_i].missing);
	else
		ck_assert_ptr_null(missing);
	free(missing);
}
END_TEST

START_TEST(a_signal_is_noticed)
{
	ck_assert(kfarmd_run_names_signal(
		bytes_str("gcc: fatal error: Killed signal terminated program "
			  "cc1\ncompilation terminated.\n")));
	ck_assert(
		!kfarmd_run_names_signal(bytes_str("a.c:1: error: signal\n")));
	ck_assert(!kfarmd_run_names_signal(bytes_of(NULL, 0)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kfarmd/diagnostics");
	TCase *t = tcase_create("said");

	tcase_add_loop_test(t, the_file_that_is_missing_is_named, 0,
			    sizeof(all) / sizeof(*all));
	tcase_add_test(t, a_signal_is_noticed);
	suite_add_tcase(s, t);
	return suite_run(s);
}

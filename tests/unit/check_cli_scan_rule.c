/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
#include "cli/scan.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *rule, *files; /* joined by "|" */
} rules[] = {
	{ "a.o: a.c b.h \\\n c.h\n", "a.c|b.h|c.h" },
	{ "a.o: a.c\nb.o: b.c\n", "a.c" },
	{ "a.o:\\\n a.c\n", "a.c" },
	{ "a.o : a.c\n", "a.c" },
	{ "d:x/a.o: a.c\n", "a.c" },
	{ "a.o: with\\ blank.h do$$llar.h ha\\#sh.h co\\:lon.h back\\slash.h\n",
	  "with blank.h|do$llar.h|ha#sh.h|co:lon.h|back\\slash.h" },
	{ "a.o: smart1,2.h\n", "smart1,2.h" },
	{ "a.o:\n", "" },
	{ "", "" },
	{ "no rule at all", "" },
	{ "a.o: a.c \\", "a.c|\\" },
};

START_TEST(a_rule_is_read_as_make_reads_it)
{
	struct strv files = { 0 };
	char *joined;

	cli_scan_rule_parse(&files, rules[_i].rule);
	joined = strv_join(&files, "|");
	ck_assert_str_eq(joined, rules[_i].files);
	free(joined);
	strv_release(&files);
}
END_TEST

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

	tcase_add_loop_test(tc, a_rule_is_read_as_make_reads_it, 0,
			    sizeof(rules) / sizeof(*rules));
	tcase_add_test(tc, a_compile_becomes_a_question);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

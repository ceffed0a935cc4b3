/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options toolchain cli */
#include "cli/scan.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int ask(atomic_bool *stop, const char *script, struct buf *out,
	       struct buf *said)
{
	char *argv[] = { "/bin/sh", "-c", (char *)script, NULL };
	struct err err = { 0 };

	return cli_scan_ask(stop, "/", argv, environ, out, said, &err);
}

START_TEST(an_answer_has_both_streams)
{
	struct buf out = { 0 }, said = { 0 };

	ck_assert_int_eq(ask(NULL, "pwd; echo bad >&2; cat", &out, &said), 0);
	ck_assert_str_eq(buf_str(&out), "/\n");
	ck_assert_str_eq(buf_str(&said), "bad\n");
	ck_assert_int_eq(ask(NULL, "echo more; exit 3", &out, &said), -EINVAL);
	ck_assert_str_eq(buf_str(&out), "/\nmore\n");
	/* More than a pipe holds, on both. */
	buf_reset(&out);
	buf_reset(&said);
	ck_assert_int_eq(ask(NULL,
			     "head -c 300000 /dev/zero >&2;"
			     "head -c 300000 /dev/zero",
			     &out, &said),
			 0);
	ck_assert_uint_eq(out.len, 300000);
	ck_assert_uint_eq(said.len, 300000);
	buf_release(&out);
	buf_release(&said);
}
END_TEST

START_TEST(a_question_that_is_stopped_ends_its_compiler)
{
	struct buf out = { 0 }, said = { 0 };
	atomic_bool stop = true;

	ck_assert_int_eq(ask(&stop, "sleep 60 & wait", &out, &said), -EINTR);
	buf_release(&out);
	buf_release(&said);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cli/scan-rule");
	TCase *tc = tcase_create("scan-rule");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, a_rule_is_read_as_make_reads_it, 0,
			    sizeof(rules) / sizeof(*rules));
	tcase_add_test(tc, a_compile_becomes_a_question);
	tcase_add_test(tc, an_answer_has_both_streams);
	tcase_add_test(tc, a_question_that_is_stopped_ends_its_compiler);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}

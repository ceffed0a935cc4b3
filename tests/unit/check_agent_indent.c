/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire agent */
#include "agent/indent.h"

#include "base/fs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct wire_job job;
static struct err err;
static char dir[64];

static void set_up(void)
{
	job = (struct wire_job){ .lang = WIRE_LANG_C };
	strcpy(dir, "/tmp/check_agent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	wire_job_release(&job);
	ck_assert_int_eq(fs_remove(dir, &err), 0);
}

static const struct {
	bool wanted;
	const char *values[4]; /* of -W; "-w": that */
} lines[] = {
	{ false, { NULL } },
	{ false, { "extra", "" } },
	{ true, { "all" } },
	{ true, { "error=all" } },
	{ false, { "all", "no-all" } },
	{ true, { "misleading-indentation" } },
	{ true, { "error=misleading-indentation" } },
	{ true, { "misleading-indentation", "no-all" } },
	{ false, { "all", "no-misleading-indentation" } },
	{ false, { "no-misleading-indentation", "all" } },
	{ true, { "no-misleading-indentation", "misleading-indentation" } },
	{ true, { "all", "no-error=misleading-indentation" } },
	{ false, { "all", "-w" } },
	{ false, { "-w", "misleading-indentation" } },
};

START_TEST(the_flags_decide_in_their_order)
{
	for (const char *const *v = lines[_i].values; *v; v++) {
		if (!strcmp(*v, "-w"))
			wire_job_add_flag(&job, "-w", NULL);
		else
			wire_job_add_flag(&job, "-W", *v);
	}
	ck_assert(!agent_indent_wanted(&job)); /* the client is in no doubt */
	job.check_indent = 1;
	ck_assert_int_eq(agent_indent_wanted(&job), lines[_i].wanted);
	job.lang = WIRE_LANG_ASM;
	ck_assert(!agent_indent_wanted(&job));
}
END_TEST

START_TEST(the_command_asks_for_that_warning_alone)
{
	struct strv argv = { 0 };
	char *got;

	wire_job_add_flag(&job, "-O", "2");
	wire_job_add_flag(&job, "-W", "all");
	wire_job_add_flag(&job, "-W", "error");
	wire_job_add_flag(&job, "-W", "no-main");
	wire_job_add_flag(&job, "-Wa,", "-march=armv8.5-a");
	wire_job_add_flag(&job, "-pedantic-errors", NULL);
	wire_job_add_flag(&job, "-std=", "gnu11");
	ck_assert_int_eq(agent_indent_argv(&argv, "/bin/gcc", &job, &err), 0);
	got = strv_join(&argv, " ");
	ck_assert_str_eq(got, "/bin/gcc -O2 -Wno-main -std=gnu11 "
			      "-Wmisleading-indentation -fpreprocessed "
			      "-fdirectives-only -x c -fsyntax-only check.i");
	free(got);
	strv_release(&argv);
}
END_TEST

static void prepare(const char *text)
{
	char *path = xasprintf("%s/in.i", dir);

	ck_assert_int_eq(fs_write(path, bytes_str(text), 0600, &err), 0);
	ck_assert_int_eq(agent_indent_prepare(dir, &job, &err), 0);
	free(path);
}

static void expect(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf got = { 0 };

	ck_assert_int_eq(fs_read(path, 1u << 20, &got, &err), 0);
	ck_assert_str_eq(buf_str(&got), content);
	buf_release(&got);
	free(path);
}

START_TEST(a_linemarker_becomes_an_empty_line)
{
	prepare("# 1 \"x.c\"\n#define X 1\n# 7 \"x.c\" 2\n#x\n # 3\nint y;");
	expect("c0.i", "\n#define X 1\n\n#x\n # 3\nint y;");
	expect("check.i", "#include \"c0.i\"\n");
}
END_TEST

START_TEST(an_empty_text_is_empty)
{
	prepare("");
	expect("check.i", "");
}
END_TEST

/* 400 lines, then `marker` and `next`: how many files is that? */
static unsigned parts(const char *marker, const char *next)
{
	struct buf text = { 0 };
	char *path = xasprintf("%s/c1.i", dir);
	unsigned n;

	for (int i = 0; i < 400; i++)
		buf_add_str(&text, "int x;\n");
	buf_printf(&text, "%s\n%s\n", marker, next);
	prepare(buf_str(&text));
	n = fs_exists(path) ? 2 : 1;
	free(path);
	buf_release(&text);
	return n;
}

static const struct {
	const char *marker, *next;
	unsigned parts;
} borders[] = {
	{ "# 1 \"x.h\" 1", "int y;", 2 },
	{ "# 7 \"x.c\" 2 3 4", "\n# 9 \"x.c\"\nint y;", 2 },
	{ "# 7 \"x.c\"", "int y;", 1 }, /* may stand in a macro's argument */
	{ "# 7 \"x 1\"", "int y;", 1 },
	{ "# 7 \"x.c\" 3", "int y;", 1 },
	{ "# 7 \"x.c\" 2", "\tx++;", 1 }, /* behind an if, perhaps */
	{ "# 7 \"x.c\" 2", "# 8 \"x.c\"\n\n  x++;", 1 },
};

START_TEST(a_long_text_is_cut_where_a_file_ended)
{
	ck_assert_uint_eq(parts(borders[_i].marker, borders[_i].next),
			  borders[_i].parts);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_an_error)
{
	prepare("int x;\n");
	ck_assert_int_lt(agent_indent_prepare(dir, &job, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "c0.i"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/indent");
	TCase *t = tcase_create("indent");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, the_flags_decide_in_their_order, 0,
			    sizeof(lines) / sizeof(*lines));
	tcase_add_test(t, the_command_asks_for_that_warning_alone);
	tcase_add_test(t, a_linemarker_becomes_an_empty_line);
	tcase_add_test(t, an_empty_text_is_empty);
	tcase_add_loop_test(t, a_long_text_is_cut_where_a_file_ended, 0,
			    sizeof(borders) / sizeof(*borders));
	tcase_add_test(t, a_file_that_cannot_be_written_is_an_error);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

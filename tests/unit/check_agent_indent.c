/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
#include "agent/indent.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct wire_job job;
static struct wire_flag flags[16];
static struct agent_compile compile;
static struct err err;

static void set_up(void)
{
	job = (struct wire_job){ .mode = WIRE_MODE_TEXT, .lang = WIRE_LANG_C };
	compile = (struct agent_compile){ .m = &job,
					  .driver = "/bin/gcc",
					  .flags = flags };
}

static void add_flag(const char *name, const char *value)
{
	flags[compile.n_flags++] = (struct wire_flag){ .name = name,
						       .value = value };
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
			add_flag("-w", NULL);
		else
			add_flag("-W", *v);
	}
	ck_assert(
		!agent_indent_wanted(&compile)); /* the client is in no doubt */
	job.check_indent = 1;
	ck_assert_int_eq(agent_indent_wanted(&compile), lines[_i].wanted);
	job.lang = WIRE_LANG_ASM;
	ck_assert(!agent_indent_wanted(&compile));
}
END_TEST

START_TEST(the_command_asks_for_that_warning_alone)
{
	struct strv argv = { 0 };
	char *got;

	add_flag("-O", "2");
	add_flag("-W", "all");
	add_flag("-W", "error");
	add_flag("-W", "no-main");
	add_flag("-Wa,", "-march=armv8.5-a");
	add_flag("-pedantic-errors", NULL);
	add_flag("-std=", "gnu11");
	ck_assert_int_eq(agent_indent_argv(&argv, &compile, &err), 0);
	got = strv_join(&argv, " ");
	ck_assert_str_eq(got,
			 "/bin/gcc -O2 -Wno-main -std=gnu11 "
			 "-Wmisleading-indentation -fpreprocessed "
			 "-fdirectives-only -x c -fsyntax-only -c check.i");
	free(got);
	strv_release(&argv);
}
END_TEST

/* The check's text of this one. */
static void expect(const char *text, const char *check)
{
	int fd = memfd_create("text", MFD_CLOEXEC), out = -1;
	char back[256] = "";

	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	ck_assert_int_eq(agent_indent_prepare(fd, &out, &err), 0);
	ck_assert_int_eq(pread(out, back, 255, 0), strlen(check));
	ck_assert_str_eq(back, check);
	close(out);
	close(fd);
}

START_TEST(a_linemarker_becomes_an_empty_line)
{
	expect("# 1 \"x.c\"\n#define X 1\n# 7 \"x.c\" 2\n#x\n # 3\nint y;",
	       "\n#define X 1\n\n#x\n # 3\nint y;");
}
END_TEST

START_TEST(an_empty_text_is_empty)
{
	expect("", "");
}
END_TEST

START_TEST(a_text_that_is_none_is_an_error)
{
	int out = -1;

	ck_assert_int_lt(agent_indent_prepare(-1, &out, &err), 0);
	ck_assert_int_eq(out, -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/indent");
	TCase *t = tcase_create("indent");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_loop_test(t, the_flags_decide_in_their_order, 0,
			    sizeof(lines) / sizeof(*lines));
	tcase_add_test(t, the_command_asks_for_that_warning_alone);
	tcase_add_test(t, a_linemarker_becomes_an_empty_line);
	tcase_add_test(t, an_empty_text_is_empty);
	tcase_add_test(t, a_text_that_is_none_is_an_error);
	suite_add_tcase(s, t);
	return suite_run(s);
}

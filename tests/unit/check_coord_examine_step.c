/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
#include "examine-play.h"

#include "inputs/tool.h"
#include "suite.h"

static struct strv words; /* of the command */

static void tear_down_words(void)
{
	tear_down();
	strv_release(&words);
}

/* What a program made of the text, and no object. */
static void be_text(const char *out)
{
	options_command_release(&command);
	strv_release(&words);
	strv_add_all(&words, c_unit);
	free(words.v[words.n - 2]);
	words.v[words.n - 2] = xstrdup("-E");
	options_command_parse_text(&command, words.v);
	ck_assert_int_eq(command.verdict, OPTIONS_REMOTE);
	buf_release(&answer.stream[WIRE_OBJECT]);
	buf_release(&answer.stream[WIRE_AS_DEPS]);
	add(WIRE_STDOUT, out);
	sign();
	e.object_tmp = NULL;
}

START_TEST(text_alone_has_words_and_a_dependency_file)
{
	struct buf got = { 0 };
	struct err err;

	be_text("#SYMVER a 0x00000001\n");
	e.terminal = true;
	coord_examine(&e);
	ck_assert_msg(e.is == SCHED_ANSWER_GOOD, "%s%s", reason_words(e.why),
		      e.err.text);
	ck_assert_int_eq(fs_read("u.d.tmp", 1 << 20, &got, &err), 0);
	ck_assert_str_eq(buf_str(&got), DEPS);
	buf_release(&got);
	ck_assert(!fs_exists("u.o.tmp"));
}
END_TEST

START_TEST(text_with_an_object_is_wrong)
{
	be_text("");
	buf_add(&answer.stream[WIRE_OBJECT], &object, sizeof(object));
	sign();
	coord_examine(&e);
	expect_nothing(SCHED_ANSWER_WRONG);
}
END_TEST

/* A program beside the compile: this test's own. */
static const struct inputs_tool *put_tool(struct inputs_tools *tools)
{
	static char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	char *path = xasprintf("%s/tool", dir);
	const struct inputs_tool *tool;
	struct buf text = { 0 };
	struct err err;

	ck_assert_int_eq(fs_read("/proc/self/exe", 64 << 20, &text, &err), 0);
	ck_assert_int_eq(fs_write(path, buf_bytes(&text), 0755, &err), 0);
	tool = inputs_tool_get(tools, path, env, &err);
	ck_assert_msg(tool, "%s", err.text);
	buf_release(&text);
	free(path);
	return tool;
}

START_TEST(a_tool_that_changed_meanwhile_is_named)
{
	struct inputs_tools *tools = inputs_tools_new(inputs.paths);

	e.tool = put_tool(tools);
	unlink("tool");
	coord_examine(&e);
	expect_nothing(SCHED_ANSWER_CHANGED);
	ck_assert(str_ends(e.err.text, "/tool"));
	inputs_tools_free(tools);
}
END_TEST

START_TEST(a_tool_that_calls_the_object_as_the_node_does_is_run_here)
{
	struct inputs_tools *tools = inputs_tools_new(inputs.paths);

	e.tool = put_tool(tools);
	add(WIRE_STDERR, WIRE_JOB_OBJECT ": warning: objtool: x+0x1: odd\n");
	sign();
	coord_examine(&e);
	expect_nothing(SCHED_ANSWER_LOCAL);
	ck_assert_int_eq(e.why, REASON_RESULT_VOID);
	add(WIRE_STDERR, "u.c: warning\n");
	sign();
	coord_examine(&e);
	expect_dep(DEPS);
	inputs_tools_free(tools);
}
END_TEST

static const struct {
	const char *out;
	bool good;
} symbols[] = {
	{ "", true },
	{ "#SYMVER a 0x00000001\n#SYMVER _b.c 0xffffffff\n", true },
	{ "__crc_a = 0x00000001;\n", true },
	{ "#SYMVER a 0x00000001\nall: ; touch /tmp/x\n", false },
	{ "#SYMVER a 0x00000001\n$(shell touch /tmp/x)\n", false },
	{ "__crc_a = $(shell touch /tmp/x);\n", false },
	{ "SHELL = a;\n", false },
	{ "#SYMVER a 0x00000001\\\n", false },
	{ "#SYMVER a 0x00000001\n\n", false },
	{ "#SYMVER a 0x0000", false },
};

START_TEST(what_make_would_run_is_no_version_of_a_symbol) /* each of symbols */
{
	struct inputs_tools *tools = inputs_tools_new(inputs.paths);

	be_text(symbols[_i].out);
	e.tool = put_tool(tools);
	coord_examine(&e);
	if (symbols[_i].good) {
		ck_assert_int_eq(e.is, SCHED_ANSWER_GOOD);
	} else {
		expect_nothing(SCHED_ANSWER_LOCAL);
		ck_assert_int_eq(e.why, REASON_RESULT_VOID);
	}
	inputs_tools_free(tools);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("coord/examine-step");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, set_up, tear_down_words);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, text_alone_has_words_and_a_dependency_file);
	tcase_add_test(tc, text_with_an_object_is_wrong);
	tcase_add_test(tc, a_tool_that_changed_meanwhile_is_named);
	tcase_add_test(
		tc, a_tool_that_calls_the_object_as_the_node_does_is_run_here);
	tcase_add_loop_test(tc, what_make_would_run_is_no_version_of_a_symbol,
			    0, sizeof(symbols) / sizeof(*symbols));
	suite_add_tcase(s, tc);
	return suite_run(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Verification of results of tool steps. */
#include "../lib/test.h"
#include "examine-play.h"

#include "inputs/tool.h"

static struct strv words; /* of the command */

static void tear_down_words(void)
{
	tear_down();
	strv_release(&words);
}

/* Let the result contain the output of genksyms, but no object. */
static void be_text(const char *out)
{
	options_command_release(&command);
	strv_release(&words);
	strv_add_all(&words, c_unit);
	free(words.v[words.n - 2]);
	words.v[words.n - 2] = xstrdup("-E");
	options_command_parse_text(&command, words.v);
	ck_assert_int_eq(command.class, OPTIONS_CLASS_REMOTE);
	buf_release(&answer.streams[WIRE_OUTPUT_OBJECT]);
	buf_release(&answer.streams[WIRE_OUTPUT_AS_DEPS]);
	add(WIRE_OUTPUT_STDOUT, out);
	sign();
	e.object_tmp = NULL;
}

FIXTURE(set_up, tear_down_words);
TIMEOUT(60);

TEST(a_symbols_result_without_an_object_is_valid)
{
	be_text("#SYMVER a 0x00000001\n");
	e.to_terminal = true;
	coord_verify_result(&e);
	ck_assert_msg(e.verdict == SCHED_VERDICT_VALID, "%s%s",
		      reason_text(e.reason), e.err.text);
	expect_file("u.d.tmp", DEPS);
	ck_assert(!fs_exists("u.o.tmp"));
}

TEST(a_symbols_result_with_an_object_is_wrong)
{
	be_text("");
	buf_add(&answer.streams[WIRE_OUTPUT_OBJECT], &object, sizeof(object));
	sign();
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_WRONG);
}

/* A tool for the step: this test itself. */
static const struct inputs_tool *put_tool(struct inputs_tool_cache *tools)
{
	static char *env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	char *path = xasprintf("%s/tool", dir);
	const struct inputs_tool *tool;
	struct buf text = { 0 };
	struct err err;

	must(fs_read("/proc/self/exe", 64 << 20, &text, &err));
	must(fs_write(path, buf_bytes(&text), 0755, &err));
	tool = inputs_tool_get(tools, path, env, &err);
	ck_assert_msg(tool, "%s", err.text);
	buf_release(&text);
	free(path);
	return tool;
}

TEST(a_tool_removed_during_the_job_is_reported)
{
	struct inputs_tool_cache *tools = inputs_tool_cache_new(inputs.paths);

	e.tool = put_tool(tools);
	unlink("tool");
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_INPUTS_CHANGED);
	text_ends(e.err.text, "/tool");
	inputs_tool_cache_free(tools);
}

TEST(a_message_with_the_nodes_object_name_is_unusable)
{
	struct inputs_tool_cache *tools = inputs_tool_cache_new(inputs.paths);

	e.tool = put_tool(tools);
	add(WIRE_OUTPUT_STDERR,
	    WIRE_JOB_OBJECT ": warning: objtool: x+0x1: odd\n");
	sign();
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_RESULT_VOID);
	add(WIRE_OUTPUT_STDERR, "u.c: warning\n");
	sign();
	coord_verify_result(&e);
	expect_dep(DEPS);
	inputs_tool_cache_free(tools);
}

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

TEST_EACH(symbol_versions_in_another_format_are_unusable, symbols)
{
	struct inputs_tool_cache *tools = inputs_tool_cache_new(inputs.paths);

	be_text(row->out);
	e.tool = put_tool(tools);
	coord_verify_result(&e);
	if (row->good) {
		ck_assert_int_eq(e.verdict, SCHED_VERDICT_VALID);
	} else {
		expect_nothing(SCHED_VERDICT_UNUSABLE);
		ck_assert_int_eq(e.reason, REASON_RESULT_VOID);
	}
	inputs_tool_cache_free(tools);
}

/* ----------------------------------------------------------- device trees */

static struct options_devicetree tree = { .blob = "u.dtb",
					  .depfile = "u.list",
					  .source = "u.tmp" };
static struct options_side_outputs sides;
static char *side_tmp[] = { (char *)"u.tmp.tmp", (char *)"u.list.tmp" };
static uint8_t blob[] = { [0] = 0xd0, 0x0d, 0xfe, 0xed, [7] = 48, [47] = 1 };

static void put(enum wire_output stream, struct bytes content)
{
	buf_release(&answer.streams[stream]);
	buf_add_bytes(&answer.streams[stream], content);
	sign();
}

static void be_tree(void)
{
	options_command_release(&command);
	strv_add_all(&words, c_unit);
	free(words.v[words.n - 2]);
	words.v[words.n - 2] = xstrdup("-E");
	free(words.v[words.n - 1]);
	words.v[words.n - 1] = xstrdup("-xassembler-with-cpp");
	strv_add(&words, "-o");
	strv_add(&words, "u.tmp");
	strv_add(&words, "u.c");
	options_command_parse_asm_cpp(&command, words.v);
	ck_assert_int_eq(command.class, OPTIONS_CLASS_REMOTE);
	options_devicetree_side_outputs(&sides, &tree);
	e.devicetree = &tree;
	e.side_outputs = &sides;
	e.side_tmp = side_tmp;
	put(WIRE_OUTPUT_OBJECT, bytes_str("/dts-v1/;\n"));
	put(WIRE_OUTPUT_STDOUT, bytes_of(blob, sizeof(blob)));
	put(WIRE_OUTPUT_AS_DEPS, bytes_str("-: " WIRE_JOB_OBJECT "\n"));
}

static void tear_down_tree(void)
{
	tear_down_words();
	options_side_outputs_release(&sides);
}

static void expect_output(const char *name, struct bytes want)
{
	struct buf got = { 0 };
	struct err err;

	must(fs_read(name, 1 << 20, &got, &err));
	ck_assert(bytes_equal(buf_bytes(&got), want));
	buf_release(&got);
}

FIXTURE(set_up, tear_down_tree);
TIMEOUT(60);

TEST(a_devicetree_result_yields_blob_text_and_lists)
{
	be_tree();
	e.to_terminal = true;
	coord_verify_result(&e);
	expect_dep(DEPS);
	expect_output("u.o.tmp", bytes_of(blob, sizeof(blob)));
	expect_output("u.tmp.tmp", bytes_str("/dts-v1/;\n"));
	expect_output("u.list.tmp", bytes_str("u.dtb: u.tmp\n"));
}

static const uint8_t long_blob[] = {
	0xd0, 0x0d, 0xfe, 0xed, [7] = 48, [48] = 1
};
static const uint8_t short_blob[] = {
	0xd0, 0x0d, 0xfe, 0xed, [7] = 39, [38] = 1
};
static const uint8_t other_blob[] = {
	0xd0, 0x0d, 0xfe, 0xee, [7] = 48, [47] = 1
};

#define B(a)                                    \
	{                                       \
		(const uint8_t *)(a), sizeof(a) \
	}
#define S(s)                                        \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}

static const struct {
	enum wire_output stream;
	struct bytes content;
	enum sched_verdict is;
	enum reason why;
} spoiled[] = {
	{ WIRE_OUTPUT_STDOUT, B(long_blob), SCHED_VERDICT_WRONG, REASON_NONE },
	{ WIRE_OUTPUT_STDOUT, B(short_blob), SCHED_VERDICT_WRONG, REASON_NONE },
	{ WIRE_OUTPUT_STDOUT, B(other_blob), SCHED_VERDICT_WRONG, REASON_NONE },
	{ WIRE_OUTPUT_STDOUT, S(""), SCHED_VERDICT_WRONG, REASON_NONE },
	{ WIRE_OUTPUT_OBJECT, S(""), SCHED_VERDICT_WRONG, REASON_NONE },
	{ WIRE_OUTPUT_OBJECT, S("/dts-v1/;\0\n"), SCHED_VERDICT_WRONG,
	  REASON_NONE },
	{ WIRE_OUTPUT_AS_DEPS, S(""), SCHED_VERDICT_UNUSABLE,
	  REASON_TREE_READS },
	{ WIRE_OUTPUT_AS_DEPS, S("-: " WIRE_JOB_OBJECT " /a/x.dtsi\n"),
	  SCHED_VERDICT_UNUSABLE, REASON_TREE_READS },
	{ WIRE_OUTPUT_STDERR, S("<stdout>: Warning (reg_format)\n"),
	  SCHED_VERDICT_UNUSABLE, REASON_TREE_WARNINGS },
	{ WIRE_OUTPUT_DEPS, S("u.o: u.c sys/stdc-predef.h h.h sys/s.h\n"),
	  SCHED_VERDICT_WRONG, REASON_NONE },
	{ WIRE_OUTPUT_SIDE, S("x"), SCHED_VERDICT_WRONG, REASON_NONE },
};

TEST_EACH(an_invalid_devicetree_result_is_rejected, spoiled)
{
	be_tree();
	put(row->stream, row->content);
	coord_verify_result(&e);
	expect_nothing(row->is);
	ck_assert_int_eq(e.reason, row->why);
	ck_assert(!fs_exists("u.tmp.tmp") && !fs_exists("u.list.tmp"));
}

TEST(a_failed_devicetree_result_is_unusable)
{
	be_tree();
	answer.wire.wait_status = 0x100;
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_COMPILE_ERROR);
	put(WIRE_OUTPUT_STDERR,
	    bytes_str("FATAL ERROR: Couldn't open \"x.dtsi\": No "
		      "such file or directory\n"));
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_TREE_READS);
}

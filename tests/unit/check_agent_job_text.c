/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/*
 * Jobs in text mode.
 */
#include "agent-one.h"

static const char *const o2[] = { "-O 2", NULL };
static const char tiny[] = "# 1 \"tiny.c\"\nint x;\n";

static const char c_source[] =
	"#define TWICE(x) ((x) + (x))\n"
	"static const char name[] = __FILE__;\n"
	"const char *where(void) { return name + TWICE(__LINE__ > 900); }\n"
	"__asm__(\".section .note.x,\\\"a\\\"\\n\\t.long 7\\n\\t.previous\");\n";

static const char asm_source[] =
	"#define VALUE 42\n\t.text\n\t.globl f\nf:\n\tnop\n\t.long VALUE\n"
	"\t.section .rodata\n\t.asciz \"hello\"\n";

static const struct local {
	const char *file;
	const char *source;
	enum wire_lang lang;
	const char *cpp; /* another word for the preprocessor */
	const char *flags[4];
} locals[] = {
	{ "a.c", c_source, WIRE_LANG_C, "-fdirectives-only", { "-O 2" } },
	{ "a.c",
	  c_source,
	  WIRE_LANG_C,
	  "-fdirectives-only",
	  { "-O s", "-fno-common" } },
	{ "b.S", asm_source, WIRE_LANG_ASM, "-DUNUSED", { NULL } },
};

/* Compile it here, in `dir`: the text in *text, the object in *object. */
static void compile_here(const struct local *l, const char *dir,
			 struct buf *text, struct buf *object)
{
	char *file = xasprintf("%s/%s", dir, l->file);
	char *out = xasprintf("%s/local.o", dir);
	struct strv argv = { 0 };
	struct err err = { 0 };
	struct buf words;

	ck_assert_int_eq(fs_write(file, bytes_str(l->source), 0600, &err), 0);
	strv_add(&argv, GCC);
	for (const char *const *f = l->flags; *f; f++)
		strv_addf(&argv, "%.*s%s", (int)strcspn(*f, " "), *f,
			  strchr(*f, ' ') ? strchr(*f, ' ') + 1 : "");
	strv_add(&argv, "-c");
	strv_add(&argv, file);
	strv_add(&argv, "-o");
	strv_add(&argv, out);
	words = output_of(argv.v);
	buf_release(&words);
	ck_assert_int_eq(fs_read(out, 1u << 20, object, &err), 0);
	strv_release(&argv);

	strv_add(&argv, GCC);
	strv_add(&argv, "-E");
	strv_add(&argv, l->cpp);
	strv_add(&argv, file);
	*text = output_of(argv.v);
	strv_release(&argv);
	free(out);
	free(file);
}

START_TEST(an_object_is_the_one_that_a_local_compile_makes)
{
	const struct local *l = &locals[_i];
	char *dir = node_dir();
	struct buf text, object = { 0 };
	struct wire_job m;

	compile_here(l, dir, &text, &object);
	m = play_job(&node.c, 1, WIRE_MODE_TEXT, l->lang, l->flags);
	m.text_len = (uint32_t)text.len;
	play_text(&node.c, 1, l->lang, buf_bytes(&text), l->flags);
	ck_assert_int_eq(result(1)->wait_status, 0);
	check_answer(&m, l->flags, &text);
	ck_assert(bytes_equal(stream(1, WIRE_OBJECT), buf_bytes(&object)));
	buf_release(&object);
	buf_release(&text);
	node_remove(dir);
}
END_TEST

START_TEST(an_error_comes_back_with_its_status_but_not_its_text)
{
	static const char text[] =
		"# 1 \"x.c\"\nint f(void) { return nosuch; }\n";

	play_text(&node.c, 1, WIRE_LANG_C, bytes_str(text), plain);
	ck_assert_int_eq(WEXITSTATUS(result(1)->wait_status), 1);
	ck_assert_uint_eq(node.c.job[1].result.len[WIRE_OBJECT], 0);
	ck_assert_uint_gt(node.c.job[1].result.len[WIRE_STDERR], 20);
	ck_assert_uint_eq(stream(1, WIRE_STDERR).len, 0);
}
END_TEST

START_TEST(an_empty_text_is_compiled_at_once)
{
	play_text(&node.c, 1, WIRE_LANG_ASM, bytes_of("", 0), plain);
	ck_assert_int_eq(result(1)->wait_status, 0);
	ck_assert_uint_gt(stream(1, WIRE_OBJECT).len, 100);
}
END_TEST

static const struct foreign {
	enum wire_lang lang;
	const char *text;
	const char *says;
} foreign[] = {
	{ WIRE_LANG_C, "# 1 \"x.c\"\n#include \"" ROOT "/a.h\"\n",
	  "includes files" },
	{ WIRE_LANG_C,
	  "# 1 \"x.c\"\n%: /* */ include \"" ROOT "/a.h\"\nint x;\n",
	  "includes files" },
	{ WIRE_LANG_C, "__asm__(\".incbin \\\"" ROOT "/a.h\\\"\");\n",
	  "assembler read" },
	{ WIRE_LANG_C, "__asm__(\".incbin \\\"in.i\\\"\");\n",
	  "assembler read" },
	{ WIRE_LANG_ASM, ".incbin \"" ROOT "/a.h\"\n", "assembler read" },
	{ WIRE_LANG_ASM, ".include \"/dev/null\"\n", "assembler read" },
};

START_TEST(a_text_that_reads_anything_else_is_void)
{
	const struct foreign *t = &foreign[_i];

	play_put(&node.c, 0, ROOT "/a.h", "\n");
	play_text(&node.c, 1, t->lang, bytes_str(t->text), plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	ck_assert_msg(strstr(failure(1)->reason, t->says), "it said: %s",
		      failure(1)->reason);
	ck_assert_uint_eq(stream(1, WIRE_OBJECT).len, 0);
}
END_TEST

static const struct foreign located[] = {
	{ WIRE_LANG_C,
	  "# 1 \"x.c\"\n__asm__(\".file 1 \\\"x.c\\\"\\n.loc 1 7\\nnop\");\n",
	  NULL },
	{ WIRE_LANG_ASM, ".text\n.file 1 \"x.S\"\n.loc 1 7\nnop\n", NULL },
};

START_TEST(an_object_that_names_the_nodes_directory_is_void)
{
	const struct foreign *t = &located[_i];

	play_text(&node.c, 1, t->lang, bytes_str(t->text), plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	ck_assert_str_eq(failure(1)->reason,
			 "the answer names a directory of the node");
	ck_assert_uint_eq(stream(1, WIRE_OBJECT).len, 0);
}
END_TEST

START_TEST(a_text_that_is_cut_short_is_never_compiled)
{
	struct wire_job m = play_job(&node.c, 1, WIRE_MODE_TEXT, WIRE_LANG_C,
				     plain);

	m.text_len = 100;
	play_send_job(&node.c, &m);
	play_send_text(&node.c, 1, bytes_str(tiny));
	play_text(&node.c, 2, WIRE_LANG_C, bytes_str(tiny), plain);
	ck_assert_int_eq(result(2)->wait_status, 0);
	client_idle(100);
	ck_assert_uint_eq(count_workers(&node), 0);
	ck_assert(!node.c.job[1].has_result && !node.c.job[1].has_fail);
}
END_TEST

START_TEST(a_text_may_come_in_any_pieces)
{
	struct wire_job m = play_job(&node.c, 1, WIRE_MODE_TEXT, WIRE_LANG_C,
				     o2);

	m.text_len = sizeof(tiny) - 1;
	play_send_job(&node.c, &m);
	for (size_t i = 0; i < sizeof(tiny) - 1; i++)
		play_send_text(&node.c, 1, bytes_of(tiny + i, 1));
	ck_assert_int_eq(result(1)->wait_status, 0);
}
END_TEST

static const char misleading[] =
	"# 1 \"x.c\"\n# 1 \"<built-in>\"\n# 1 \"x.c\"\n"
	"void g(void);\nvoid f(int a)\n{\n\tif (a)\n\t\tg();\n\t\tg();\n}\n";

static const struct indent {
	bool speaks;
	const char *flags[4];
} indents[] = {
	{ true, { "-W all" } },
	{ true, { "-W all", "-W error" } },
	{ true, { "-W error=misleading-indentation" } },
	{ false, { NULL } },
	{ false, { "-W all", "-w" } },
	{ false, { "-W no-misleading-indentation", "-W all" } },
};

START_TEST(misleading_indentation_is_not_passed_over)
{
	const struct indent *t = &indents[_i];

	play_text(&node.c, 1, WIRE_LANG_C, bytes_str(misleading), t->flags);
	ck_assert_int_eq(result(1)->wait_status, 0);
	ck_assert_int_eq(node.c.job[1].result.len[WIRE_STDERR] > 0, t->speaks);
	ck_assert_uint_gt(stream(1, WIRE_OBJECT).len, 100);
}
END_TEST

/* A text that takes cc1 itself, before any optimization, some time. */
static struct buf long_text(void)
{
	struct buf text = { 0 };

	buf_add_str(&text, "# 1 \"long.c\"\n");
	for (int i = 0; i < 200000; i++)
		buf_printf(&text, "int f%d(int a);\n", i);
	return text;
}

START_TEST(a_long_text_is_checked_without_a_word)
{
	static const char *const all[] = { "-W all", NULL };
	struct buf text = long_text();

	play_text(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), all);
	ck_assert_int_eq(result(1)->wait_status, 0);
	ck_assert_uint_eq(node.c.job[1].result.len[WIRE_STDERR], 0);
	buf_release(&text);
}
END_TEST

START_TEST(a_job_can_be_cancelled_at_any_time)
{
	static const char *const all[] = { "-W all", NULL };
	struct buf text = long_text();

	for (unsigned i = 1; i < 12; i++) {
		play_text(&node.c, i, WIRE_LANG_C, buf_bytes(&text), all);
		client_idle(40 * i);
		play_cancel(&node.c, i);
	}
	wait_workers(&node, false);
	play_text(&node.c, 20, WIRE_LANG_C, bytes_str(tiny), plain);
	ck_assert_int_eq(result(20)->wait_status, 0);
	buf_release(&text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("text");

	tcase_add_checked_fixture(t, one_set_up, one_tear_down);
	tcase_add_loop_test(t, an_object_is_the_one_that_a_local_compile_makes,
			    0, sizeof(locals) / sizeof(*locals));
	tcase_add_test(t, an_error_comes_back_with_its_status_but_not_its_text);
	tcase_add_test(t, an_empty_text_is_compiled_at_once);
	tcase_add_loop_test(t, a_text_that_reads_anything_else_is_void, 0,
			    sizeof(foreign) / sizeof(*foreign));
	tcase_add_loop_test(t, an_object_that_names_the_nodes_directory_is_void,
			    0, sizeof(located) / sizeof(*located));
	tcase_add_test(t, a_text_that_is_cut_short_is_never_compiled);
	tcase_add_test(t, a_text_may_come_in_any_pieces);
	tcase_add_loop_test(t, misleading_indentation_is_not_passed_over, 0,
			    sizeof(indents) / sizeof(*indents));
	tcase_add_test(t, a_long_text_is_checked_without_a_word);
	tcase_add_test(t, a_job_can_be_cancelled_at_any_time);
	return one_run("agent/job-text", t);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire toolchain */
/*
 * Texts that a node does not trust, or does not trust its compiler with.
 */
#include "agent-client.h"

static const char *const plain[] = { NULL };

static struct node node;

static void set_up(void)
{
	client_set_up();
	node_start(&node, NULL);
}

static void tear_down(void)
{
	node_end(&node);
	client_tear_down();
}

static const struct wire_fail *failure(unsigned job)
{
	client_wait_job(&node.c, job);
	ck_assert(node.c.job[job].has_fail);
	return &node.c.job[job].fail;
}

static const struct wire_result *result(unsigned job)
{
	client_wait_job(&node.c, job);
	ck_assert_msg(node.c.job[job].has_result, "failed: %s",
		      node.c.job[job].fail.reason);
	return &node.c.job[job].result;
}

static const struct included {
	enum wire_lang lang;
	const char *text;
} included[] = {
	{ WIRE_LANG_C, "# 1 \"x.c\"\n#include \"/etc/hostname\"\n" },
	{ WIRE_LANG_C, "int x;\n # \t embed \"/etc/hostname\"\n" },
	{ WIRE_LANG_C, "#pragma GCC pch_preprocess \"../1/in.i\"\n" },
	{ WIRE_LANG_C, "gpchC013 and an image" },
	{ WIRE_LANG_ASM, "gpchC013 and an image" },
};

/* Also when each byte comes alone. */
START_TEST(a_text_that_includes_files_is_void)
{
	const struct included *t = &included[_i];
	struct bytes text = bytes_str(t->text);
	struct wire_job m = client_job(2, t->lang, text.len, plain);

	client_compile(&node.c, 1, t->lang, text, plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	ck_assert_str_eq(failure(1)->reason, "the text includes files");
	client_send_job(&node.c, &m);
	for (size_t i = 0; i < text.len; i++)
		client_send_text(&node.c, 2, bytes_of(text.data + i, 1));
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_VOID);
	ck_assert_uint_eq(count_entries(node.work, true), 0);
}
END_TEST

static const struct included located[] = {
	{ WIRE_LANG_C,
	  "# 1 \"x.c\"\n__asm__(\".file 1 \\\"x.c\\\"\\n.loc 1 7\\nnop\");\n" },
	{ WIRE_LANG_ASM, ".text\n.file 1 \"x.S\"\n.loc 1 7\nnop\n" },
};

START_TEST(an_object_that_names_the_nodes_directory_is_void)
{
	const struct included *t = &located[_i];

	client_compile(&node.c, 1, t->lang, bytes_str(t->text), plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	ck_assert_str_eq(failure(1)->reason,
			 "the object names the node's directory");
	ck_assert_uint_eq(node.c.job[1].stream[WIRE_OBJECT].len, 0);
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

	client_compile(&node.c, 1, WIRE_LANG_C, bytes_str(misleading),
		       t->flags);
	ck_assert_int_eq(result(1)->wait_status, 0);
	ck_assert_int_eq(node.c.job[1].result.stderr_len > 0, t->speaks);
	ck_assert_uint_gt(node.c.job[1].result.object_len, 100);
}
END_TEST

/* A text that takes cc1 itself, before any optimization, some seconds. */
static struct buf long_text(void)
{
	struct buf text = { 0 };

	buf_add_str(&text, "# 1 \"long.c\"\n");
	for (int i = 0; i < 400000; i++)
		buf_printf(&text, "int f%d(int a);\n", i);
	return text;
}

/* A compile alone, then one that has a little more time for the check, too. */
static bool check_is_cut_off(unsigned first, struct bytes text)
{
	static const char *const all[] = { "-W all", NULL };
	struct wire_job m = client_job(first + 1, WIRE_LANG_C, text.len, all);

	client_compile(&node.c, first, WIRE_LANG_C, text, plain);
	ck_assert_int_eq(result(first)->wait_status, 0);
	m.deadline_ms = node.c.job[first].result.wall_ms * 5 / 4;
	client_send_job(&node.c, &m);
	client_send_text(&node.c, first + 1, text);
	client_wait_job(&node.c, first + 1);
	return node.c.job[first + 1].has_fail &&
	       node.c.job[first + 1].fail.class == WIRE_FAIL_DEADLINE;
}

/* On a machine whose load changes the first try may prove nothing. */
START_TEST(the_check_has_the_rest_of_the_deadline)
{
	static const char *const all[] = { "-W all", NULL };
	struct buf text = long_text();
	unsigned job = 1;

	while (job < 9 && !check_is_cut_off(job, buf_bytes(&text)))
		job += 2;
	ck_assert_uint_lt(job, 9);
	client_compile(&node.c, 10, WIRE_LANG_C, buf_bytes(&text), all);
	ck_assert_int_eq(result(10)->wait_status, 0);
	ck_assert_uint_eq(node.c.job[10].result.stderr_len, 0);
	ck_assert_uint_gt(node.c.job[10].result.cpu_ms,
			  node.c.job[job].result.cpu_ms * 5 / 4);
	buf_release(&text);
}
END_TEST

START_TEST(a_job_can_be_cancelled_during_its_check)
{
	static const char *const all[] = { "-W all", NULL };
	struct buf text = long_text();

	client_compile(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), plain);
	client_compile(&node.c, 2, WIRE_LANG_C, buf_bytes(&text), all);
	client_wait_job(&node.c, 1);
	client_idle(node.c.job[1].result.wall_ms / 3);
	client_cancel(&node.c, 2);
	wait_workers(node.work, false);
	client_idle(200);
	ck_assert(!node.c.job[2].has_result && !node.c.job[2].has_fail);
	ck_assert_uint_eq(count_entries(node.work, true), 0);
	buf_release(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/job-text");
	TCase *t = tcase_create("text");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, a_text_that_includes_files_is_void, 0,
			    sizeof(included) / sizeof(*included));
	tcase_add_loop_test(t, an_object_that_names_the_nodes_directory_is_void,
			    0, sizeof(located) / sizeof(*located));
	tcase_add_loop_test(t, misleading_indentation_is_not_passed_over, 0,
			    sizeof(indents) / sizeof(*indents));
	tcase_add_test(t, the_check_has_the_rest_of_the_deadline);
	tcase_add_test(t, a_job_can_be_cancelled_during_its_check);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

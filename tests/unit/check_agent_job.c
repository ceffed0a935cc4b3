/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire toolchain */
#include "agent-client.h"

static const char *const o2[] = { "-O 2", NULL };
static const char *const plain[] = { NULL };
static const char tiny[] = "# 1 \"tiny.c\"\nint x;\n";

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

/* Does the answer fit its question, as a coordinator checks it? */
static void check_answer(unsigned job, struct wire_job *m, struct bytes text)
{
	const struct wire_result *r = result(job);
	const struct heard *h = &node.c.job[job];
	struct digest of_text, key, answer;

	ck_assert_uint_eq(r->object_len, h->stream[WIRE_OBJECT].len);
	ck_assert_uint_eq(h->stream[WIRE_STDOUT].len, 0);
	ck_assert_uint_eq(h->stream[WIRE_STDERR].len, 0);
	ck_assert(digest_equal(&r->toolchain, &client_gcc.id));
	digest_of(text, &of_text);
	wire_job_key(m, &of_text, &key);
	wire_answer_digest(&key, buf_bytes(&h->stream[WIRE_OBJECT]), &answer);
	ck_assert(digest_equal(&answer, &r->answer));
	wire_job_release(m);
}

static const char c_source[] =
	"#include <stddef.h>\n"
	"#define TWICE(x) ((x) + (x))\n"
	"static const char name[] = __FILE__;\n"
	"const char *where(void) { return name + TWICE(__LINE__ > 900); }\n"
	"int sum(const int *p, size_t n)\n"
	"{\n\tint s = 0;\n\twhile (n--)\n\t\ts += TWICE(*p++);\n"
	"\treturn s;\n}\n"
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
	struct buf said;

	ck_assert_int_eq(fs_write(file, bytes_str(l->source), 0600, &err), 0);
	strv_add(&argv, GCC);
	for (const char *const *f = l->flags; *f; f++)
		strv_addf(&argv, "%.*s%s", (int)strcspn(*f, " "), *f,
			  strchr(*f, ' ') ? strchr(*f, ' ') + 1 : "");
	strv_add(&argv, "-c");
	strv_add(&argv, file);
	strv_add(&argv, "-o");
	strv_add(&argv, out);
	said = output_of(argv.v);
	buf_release(&said);
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
	char *dir = work_new();
	struct buf text, object = { 0 };
	const struct heard *h = &node.c.job[1];
	struct wire_job m;
	struct err err;

	compile_here(l, dir, &text, &object);
	m = client_job(1, l->lang, text.len, l->flags);
	client_compile(&node.c, 1, l->lang, buf_bytes(&text), l->flags);
	ck_assert_int_eq(result(1)->wait_status, 0);
	check_answer(1, &m, buf_bytes(&text));
	ck_assert_uint_eq(h->result.stdout_len + h->result.stderr_len, 0);
	ck_assert(bytes_equal(buf_bytes(&h->stream[WIRE_OBJECT]),
			      buf_bytes(&object)));
	ck_assert_uint_gt(h->result.peak_kib, 1000);

	buf_release(&object);
	buf_release(&text);
	ck_assert_int_eq(fs_remove(dir, &err), 0);
	free(dir);
}
END_TEST

START_TEST(an_error_comes_back_with_its_status_but_not_its_text)
{
	const char *text = "# 1 \"x.c\"\nint f(void) { return nosuch; }\n";
	struct wire_job m = client_job(1, WIRE_LANG_C, strlen(text), plain);

	client_compile(&node.c, 1, WIRE_LANG_C, bytes_str(text), plain);
	ck_assert_int_eq(WEXITSTATUS(result(1)->wait_status), 1);
	check_answer(1, &m, bytes_str(text));
	ck_assert_uint_eq(node.c.job[1].result.object_len, 0);
	ck_assert_uint_gt(node.c.job[1].result.stderr_len, 20);
}
END_TEST

START_TEST(an_empty_text_is_compiled_at_once)
{
	client_compile(&node.c, 1, WIRE_LANG_ASM, bytes_of("", 0), plain);
	ck_assert_int_eq(result(1)->wait_status, 0);
	ck_assert_uint_gt(node.c.job[1].result.object_len, 100);
}
END_TEST

START_TEST(many_jobs_at_once_are_all_answered)
{
	for (unsigned i = 1; i <= 8; i++) {
		char *text = xasprintf("# 1 \"x.c\"\nint f%u;\n", i);

		client_compile(&node.c, i, WIRE_LANG_C, bytes_str(text), o2);
		free(text);
	}
	for (unsigned i = 1; i <= 8; i++)
		ck_assert_int_eq(result(i)->wait_status, 0);
	ck_assert_uint_eq(count_entries(node.work, true), 0);
}
END_TEST

START_TEST(a_beat_tells_the_cpu_time_of_a_job)
{
	struct buf text = slow_text();

	client_compile(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), o2);
	for (unsigned i = 0; i < 20 && !node.c.most_cpu; i++)
		client_idle(500);
	ck_assert_uint_gt(node.c.most_cpu, 100);
	ck_assert_uint_eq(node.c.most_running, 1);
	buf_release(&text);
}
END_TEST

START_TEST(a_cancelled_job_is_killed_and_not_heard_of_again)
{
	struct buf text = slow_text();

	client_compile(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), o2);
	wait_workers(node.work, true);
	client_idle(200); /* so that cc1 is there */
	client_cancel(&node.c, 1);
	wait_workers(node.work, false);
	client_idle(200);
	ck_assert(!node.c.job[1].has_result && !node.c.job[1].has_fail);
	ck_assert_uint_eq(count_entries(node.work, true), 0);
	client_compile(&node.c, 2, WIRE_LANG_C, bytes_str(tiny), o2);
	ck_assert_int_eq(result(2)->wait_status, 0);
	buf_release(&text);
}
END_TEST

/* tear_down checks that nothing is left. */
START_TEST(the_end_of_the_conversation_kills_the_compilers)
{
	struct buf text = slow_text();

	client_compile(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), o2);
	client_compile(&node.c, 2, WIRE_LANG_C, buf_bytes(&text), o2);
	wait_workers(node.work, true);
	client_idle(200);
	buf_release(&text);
}
END_TEST

START_TEST(a_job_is_killed_at_its_deadline)
{
	struct buf text = slow_text();
	struct wire_job m = client_job(1, WIRE_LANG_C, text.len, o2);

	m.deadline_ms = 300;
	client_send_job(&node.c, &m);
	client_send_text(&node.c, 1, buf_bytes(&text));
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_DEADLINE);
	ck_assert_uint_eq(count_workers(node.work), 0);
	buf_release(&text);
}
END_TEST

START_TEST(a_killed_compiler_is_the_nodes_fault)
{
	struct buf text = slow_text();
	char *name = xasprintf("/proc/%d/task/%d/children", node.pid, node.pid);
	struct buf children = { 0 };
	struct err err;

	client_compile(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), o2);
	wait_workers(node.work, true);
	client_idle(200);
	ck_assert_int_eq(fs_read(name, 4096, &children, &err), 0);
	kill(atoi(buf_str(&children)), SIGKILL);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_NODE);
	ck_assert_uint_eq(count_workers(node.work), 0);
	buf_release(&children);
	buf_release(&text);
	free(name);
}
END_TEST

static const char *const refused[] = {
	"-fplugin= /tmp/x.so", "-wrapper true", "-B /tmp", "-specs= /tmp/x",
	"-o /tmp/x",           "-I /etc",       "-nosuch", "-O ../x",
	"-Wa, -al=/tmp/x",     "@/etc/passwd",  "-E",      "in.c",
};

START_TEST(an_option_that_is_not_in_the_table_is_refused)
{
	const char *const flags[] = { "-O 2", refused[_i], NULL };

	client_compile(&node.c, 1, WIRE_LANG_C, bytes_str(tiny), flags);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	ck_assert_uint_eq(count_entries(node.work, true), 0);
}
END_TEST

START_TEST(a_variable_that_is_not_for_nodes_is_refused)
{
	struct wire_job m = client_job(1, WIRE_LANG_C, 0, plain);

	strv_add(&m.env, "COMPILER_PATH=/tmp");
	client_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	m = client_job(2, WIRE_LANG_ASM, 0, plain);
	strv_add(&m.env, "LC_ALL=C");
	client_send_job(&node.c, &m);
	ck_assert_int_eq(result(2)->wait_status, 0);
}
END_TEST

START_TEST(an_unknown_toolchain_is_refused)
{
	struct wire_job m = client_job(1, WIRE_LANG_C, 0, plain);

	m.toolchain.b[0] ^= 1;
	client_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_TOOLCHAIN);
}
END_TEST

/* 60,000 warnings of some 90 bytes. */
START_TEST(too_many_diagnostics_make_a_job_void)
{
	static const char *const flags[] = { "-W unused-function", NULL };
	struct buf text = { 0 };

	for (int i = 0; i < 60000; i++)
		buf_printf(&text, "static void a_function_%d(void) {}\n", i);
	client_compile(&node.c, 1, WIRE_LANG_C, buf_bytes(&text), flags);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	buf_release(&text);
}
END_TEST

static const char *const reads[] = {
	"__asm__(\".incbin \\\"/etc/hostname\\\"\");\n",
	"__asm__(\".incbin \\\"in.i\\\"\");\n",
	"__asm__(\".include \\\"/dev/null\\\"\");\n",
};

START_TEST(a_text_that_reads_files_of_the_node_is_void)
{
	client_compile(&node.c, 1, WIRE_LANG_C, bytes_str(reads[_i]), plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	ck_assert_uint_eq(node.c.job[1].stream[WIRE_OBJECT].len, 0);
}
END_TEST

START_TEST(a_text_that_is_cut_short_is_never_compiled)
{
	struct wire_job m = client_job(1, WIRE_LANG_C, 100, plain);

	client_send_job(&node.c, &m);
	client_send_text(&node.c, 1, bytes_str(tiny));
	client_idle(300);
	ck_assert_uint_eq(count_workers(node.work), 0);
	ck_assert(!node.c.job[1].has_result && !node.c.job[1].has_fail);
	ck_assert_uint_eq(count_entries(node.work, true), 1);
}
END_TEST

/* Random words do not pack: the answer is larger than what may wait. */
START_TEST(a_large_object_comes_whole_to_a_slow_reader)
{
	struct buf text = { 0 };
	struct wire_job m;
	uint64_t x = 88172645463325252ull;

	for (int i = 0; i < 1000000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf_printf(&text, ".quad %llu\n", (unsigned long long)x);
	}
	m = client_job(1, WIRE_LANG_ASM, text.len, plain);
	client_compile(&node.c, 1, WIRE_LANG_ASM, buf_bytes(&text), plain);
	wait_workers(node.work, true);
	wire_stream_pause(node.c.stream, true);
	client_idle(3000);
	ck_assert(!node.c.job[1].has_result);
	wire_stream_pause(node.c.stream, false);
	check_answer(1, &m, buf_bytes(&text));
	ck_assert_uint_gt(node.c.job[1].result.object_len, 8000000);
	buf_release(&text);
}
END_TEST

/* A gcc of our own, with another identity, in `dir`: its driver's path. */
static char *copy_gcc(const char *dir)
{
	char *driver = xasprintf("%s/bin/gcc", dir), *bin = str_dir(driver);
	char *const argv[] = { (char *)GCC, (char *)"-print-prog-name=cc1",
			       NULL };
	struct buf cc1 = output_of(argv), elf = { 0 };
	char *libs = str_dir(buf_str(&cc1)), *link, *parent;
	struct err err;

	ck_assert(str_starts(libs, "/usr/"));
	link = xasprintf("%s/%s", dir, libs + strlen("/usr/"));
	parent = str_dir(link);
	ck_assert_int_eq(fs_mkdirs(bin, 0700, &err), 0);
	ck_assert_int_eq(fs_mkdirs(parent, 0700, &err), 0);
	ck_assert_int_eq(symlink(libs, link), 0);
	ck_assert_int_eq(fs_read(GCC, 64u << 20, &elf, &err), 0);
	buf_add_str(&elf, "ours");
	ck_assert_int_eq(fs_write(driver, buf_bytes(&elf), 0755, &err), 0);
	buf_release(&elf);
	buf_release(&cc1);
	free(parent);
	free(link);
	free(libs);
	free(bin);
	return driver;
}

/* As a package manager's upgrade does, between two jobs. */
START_TEST(a_compiler_that_changed_runs_no_more_jobs)
{
	char *dir = work_new(), *driver = copy_gcc(dir);
	const char *const more[] = { "--toolchain", driver, NULL };
	struct node other;
	struct err err;

	toolchain_ident_release(&client_gcc);
	ck_assert_int_eq(toolchain_identify(&client_gcc, driver, &err), 0);
	node_start(&other, more);
	client_compile(&other.c, 1, WIRE_LANG_C, bytes_str(tiny), o2);
	client_wait_job(&other.c, 1);
	ck_assert(other.c.job[1].has_result);
	ck_assert_int_eq(fs_copy(GCC, driver, &err), 0);
	client_idle(1100);
	client_compile(&other.c, 2, WIRE_LANG_C, bytes_str(tiny), o2);
	client_wait_job(&other.c, 2);
	ck_assert(other.c.job[2].has_fail);
	ck_assert_uint_eq(other.c.job[2].fail.class, WIRE_FAIL_TOOLCHAIN);
	client_ask(&other.c, "gcc", &client_gcc.id);
	ck_assert_uint_eq(other.c.have.state, WIRE_HAVE_OTHER);
	node_end(&other);
	ck_assert_int_eq(fs_remove(dir, &err), 0);
	free(driver);
	free(dir);
}
END_TEST

/* The same while it runs: whose object is it? */
START_TEST(a_compiler_that_changes_during_a_job_voids_it)
{
	char *dir = work_new(), *driver = copy_gcc(dir);
	const char *const more[] = { "--toolchain", driver, NULL };
	struct buf text = slow_text();
	struct node other;
	struct err err;

	toolchain_ident_release(&client_gcc);
	ck_assert_int_eq(toolchain_identify(&client_gcc, driver, &err), 0);
	node_start(&other, more);
	client_compile(&other.c, 1, WIRE_LANG_C, buf_bytes(&text), plain);
	wait_workers(other.work, true);
	ck_assert_int_eq(fs_copy(GCC, driver, &err), 0);
	client_wait_job(&other.c, 1);
	ck_assert(other.c.job[1].has_fail);
	ck_assert_uint_eq(other.c.job[1].fail.class, WIRE_FAIL_TOOLCHAIN);
	node_end(&other);
	ck_assert_int_eq(fs_remove(dir, &err), 0);
	buf_release(&text);
	free(driver);
	free(dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/job");
	TCase *t = tcase_create("job");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, an_object_is_the_one_that_a_local_compile_makes,
			    0, sizeof(locals) / sizeof(*locals));
	tcase_add_test(t, an_error_comes_back_with_its_status_but_not_its_text);
	tcase_add_test(t, an_empty_text_is_compiled_at_once);
	tcase_add_test(t, many_jobs_at_once_are_all_answered);
	tcase_add_test(t, a_beat_tells_the_cpu_time_of_a_job);
	tcase_add_test(t, a_cancelled_job_is_killed_and_not_heard_of_again);
	tcase_add_test(t, the_end_of_the_conversation_kills_the_compilers);
	tcase_add_test(t, a_job_is_killed_at_its_deadline);
	tcase_add_test(t, a_killed_compiler_is_the_nodes_fault);
	tcase_add_loop_test(t, an_option_that_is_not_in_the_table_is_refused, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(t, a_variable_that_is_not_for_nodes_is_refused);
	tcase_add_test(t, an_unknown_toolchain_is_refused);
	tcase_add_test(t, too_many_diagnostics_make_a_job_void);
	tcase_add_loop_test(t, a_text_that_reads_files_of_the_node_is_void, 0,
			    sizeof(reads) / sizeof(*reads));
	tcase_add_test(t, a_text_that_is_cut_short_is_never_compiled);
	tcase_add_test(t, a_large_object_comes_whole_to_a_slow_reader);
	tcase_add_test(t, a_compiler_that_changed_runs_no_more_jobs);
	tcase_add_test(t, a_compiler_that_changes_during_a_job_voids_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
/*
 * Jobs, from the JOB message to the result.
 */
#include "../lib/test.h"
#include "kfarmd-single.h"

#include <sched.h>
#include <sys/mount.h>

static const char *const o2[] = { "-O 2", NULL };
static const char tiny[] = "int x;\n";

static const char header[] = "#define TWICE(x) ((x) + (x))\n";

static const char c_source[] =
	"#include <stddef.h>\n"
	"#include \"inc/twice.h\"\n"
	"static const char name[] = __FILE__;\n"
	"const char *where(void) { return name + TWICE(__LINE__ > 900); }\n"
	"int sum(const int *p, size_t n)\n"
	"{\n\tint s = 0, unused;\n\twhile (n--)\n\t\ts += TWICE(*p++);\n"
	"\treturn s;\n}\n"
	"__asm__(\".section .note.x,\\\"a\\\"\\n\\t.long 7\\n\\t.previous\");\n";

static const char asm_source[] =
	"#include \"inc/twice.h\"\n"
	"\t.text\n\t.globl f\nf:\n\tnop\n\t.long TWICE(21)\n"
	"\t.section .rodata\n\t.asciz \"hello\"\n";

static const char bare_source[] =
	"\t.file \"x.c\"\n\t.text\n\t.globl f\nf:\n\tnop\n"
	"\t.incbin \"inc/twice.h\"\n#define X\n";

static const struct local {
	const char *file;
	const char *source;
	const char *flags[5];
} locals[] = {
	{ "a.c", c_source, { "-O 2" } },
	{ "a.c", c_source, { "-O s", "-fno-common", "-g" } },
	{ "a.c", c_source, { "-D NAME=\"x y\"", "-W all", "-I inc" } },
	{ "b.S", asm_source, { NULL } },
	{ "b.S", asm_source, { "-g", "-D __ASSEMBLY__" } },
	{ "c.s", bare_source, { NULL } },
	{ "c.s", bare_source, { "-g", "-O 2", "-I inc" } },
};

static void write_file(const char *dir, const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct err err = { 0 };

	must(fs_write(path, bytes_str(content), 0644, &err));
	free(path);
}

/*
 * Create the tree at ROOT in a private mount namespace of this process.
 * Returns false without permission.
 */
static bool make_local_tree(const struct local *l)
{
	struct err err = { 0 };

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/home", "tmpfs", 0, "size=20m"))
		return false;
	must(fs_mkdirs(ROOT "/inc", 0755, &err));
	write_file(ROOT, l->file, l->source);
	write_file(ROOT, "inc/twice.h", header);
	return true;
}

static void read_file(const char *path, struct buf *out)
{
	struct err err = { 0 };

	must(fs_read(path, 1u << 20, out, &err));
}

/* Run gcc FLAGS -c FILE -o local.o in ROOT, with stderr in local.err. */
static void compile_locally(const struct local *l)
{
	struct buf line = { 0 };
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", NULL, NULL };
	struct buf out;

	buf_add_str(&line, "cd " ROOT " && LC_ALL=C " GCC);
	for (const char *const *f = l->flags; *f; f++)
		buf_printf(&line, " '%.*s%s'", (int)strcspn(*f, " "), *f,
			   strchr(*f, ' ') ? strchr(*f, ' ') + 1 : "");
	buf_printf(&line, " -c %s -o local.o 2>local.err", l->file);
	argv[2] = buf_steal(&line);
	out = output_of(argv);
	buf_release(&out);
	free(argv[2]);
}

static void send_tree(const struct local *l)
{
	struct play_view view = { 0 };
	char *path = xasprintf(ROOT "/%s", l->file);

	play_file(&node.c, &view, path, bytes_str(l->source));
	play_file(&node.c, &view, ROOT "/inc/twice.h", bytes_str(header));
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	free(path);
}

FIXTURE(one_set_up, one_tear_down);

TEST_EACH(object_and_diagnostics_equal_those_of_a_local_compile, locals)
{
	enum wire_lang lang = play_lang(row->file);
	enum wire_output list = lang == WIRE_LANG_PLAIN_ASM ?
					WIRE_OUTPUT_AS_DEPS :
					WIRE_OUTPUT_DEPS;
	struct buf object = { 0 }, words = { 0 };
	struct wire_job m;

	send_tree(row);
	m = play_job(&node.c, 1, lang, row->flags);
	free(m.source);
	m.source = xstrdup(row->file);
	play_remote(&node.c, 1, row->file, row->flags);
	ck_assert_msg(result(1)->wait_status == 0, "%s", diagnostics(1));
	check_answer(&m, row->flags);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_STDOUT).len, 0);
	text_has(buf_str(&node.c.job[1].stream[list]), " inc/twice.h");
	ck_assert_uint_gt(stream(1, WIRE_OUTPUT_AS_DEPS).len, 10);
	ck_assert_int_eq(!stream(1, WIRE_OUTPUT_DEPS).len,
			 (list != WIRE_OUTPUT_DEPS));
	ck_assert_uint_gt(node.c.job[1].result.peak_kib, 1000);
	if (!make_local_tree(row))
		SKIP("no private mounts: no local compile to compare with");
	compile_locally(row);
	read_file(ROOT "/local.o", &object);
	read_file(ROOT "/local.err", &words);
	ck_assert(
		bytes_equal(stream(1, WIRE_OUTPUT_OBJECT), buf_bytes(&object)));
	ck_assert_str_eq(diagnostics(1), buf_str(&words));
	buf_release(&object);
	buf_release(&words);
}

/* Compile one file, which becomes ROOT/a.c. */
static void compile(unsigned job, const char *source, const char *const *flags)
{
	play_put(&node.c, 0, ROOT "/a.c", source);
	play_remote(&node.c, job, "a.c", flags);
}

static void compile_slowly(unsigned job)
{
	struct buf text = slow_source();

	compile(job, buf_str(&text), o2);
	buf_release(&text);
}

TEST(a_compile_error_returns_its_status_and_diagnostics)
{
	compile(1, "int f(void) { return nosuch; }\n", plain);
	ck_assert_int_eq(WEXITSTATUS(result(1)->wait_status), 1);
	text_starts(diagnostics(1), "a.c: In function");
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_OBJECT).len, 0);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_DEPS).len, 0);
}

TEST(eight_concurrent_jobs_all_return_results)
{
	play_put(&node.c, 0, ROOT "/a.c", tiny);
	for (unsigned i = 1; i <= 8; i++)
		play_remote(&node.c, i, "a.c", o2);
	for (unsigned i = 1; i <= 8; i++)
		ck_assert_int_eq(result(i)->wait_status, 0);
	ck_assert_uint_eq(count_workers(&node), 0);
}

TEST(an_input_update_affects_later_jobs)
{
	play_put(&node.c, 0, ROOT "/v.h", "#define V 1\n");
	compile(1, "#include \"v.h\"\n_Static_assert(V == 1, \"\");\n", plain);
	ck_assert_int_eq(result(1)->wait_status, 0);
	play_put(&node.c, 0, ROOT "/v.h", "#define V 2\n");
	play_remote(&node.c, 2, "a.c", plain);
	ck_assert_int_ne(result(2)->wait_status, 0);
	text_has(diagnostics(2), "static assertion failed");
}

TEST(a_heartbeat_reports_the_cpu_time_of_a_job)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	compile_slowly(1);
	while (!node.c.most_cpu && clock_ms() < deadline)
		client_idle(100);
	ck_assert_uint_gt(node.c.most_cpu, 0);
	ck_assert_uint_eq(node.c.most_running, 1);
}

TEST(a_cancelled_job_is_killed_and_returns_no_result)
{
	compile_slowly(1);
	wait_workers(&node, true);
	client_idle(100); /* enough time for cc1 to start */
	play_cancel(&node.c, 1);
	wait_workers(&node, false);
	compile(2, tiny, o2);
	ck_assert_int_eq(result(2)->wait_status, 0);
	ck_assert(!node.c.job[1].has_result && !node.c.job[1].has_fail);
}

TEST(the_end_of_the_session_kills_the_compilers)
{
	pid_t pid = node.pid;
	unsigned before;

	compile_slowly(1);
	play_remote(&node.c, 2, "a.c", o2);
	wait_workers(&node, true);
	before = count_below(pid, 1);
	ck_assert_uint_ge(before, 2);
	/* tear_down() checks that kfarmd exits without child processes. */
}

TEST(a_job_is_killed_at_its_deadline)
{
	struct buf text = slow_source();
	struct wire_job m;

	play_put(&node.c, 0, ROOT "/a.c", buf_str(&text));
	m = play_job(&node.c, 1, WIRE_LANG_C, o2);
	m.deadline_ms = 300;
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_DEADLINE);
	wait_workers(&node, false);
	buf_release(&text);
}

/* Find the first process of a job, a grandchild of kfarmd. */
static pid_t find_worker(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (!found && (e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		if (pid > 1 && parent_of(parent_of(pid)) == node.pid)
			found = pid;
	}
	closedir(d);
	ck_assert_int_gt(found, 1);
	return found;
}

TEST(a_killed_compiler_is_reported_as_a_node_fault)
{
	compile_slowly(1);
	wait_workers(&node, true);
	client_idle(100);
	ck_assert_int_eq(kill(find_worker(), SIGKILL), 0);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_NODE);
	wait_workers(&node, false);
}

/* Kill the sandbox init: the sandbox is lost, and the node reports that. */
TEST(a_sandbox_is_lost_when_its_init_is_killed)
{
	pid_t init_pid;

	compile_slowly(1);
	play_remote(&node.c, 2, "a.c", o2);
	wait_workers(&node, true);
	init_pid = parent_of(find_worker());
	ck_assert_int_gt(init_pid, 1);
	ck_assert_int_eq(kill(init_pid, SIGKILL), 0);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_TOOLCHAIN);
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_TOOLCHAIN);
	ck_assert_uint_eq(client_wait_have(&node.c, 0, 2)->state,
			  WIRE_HAVE_LOST);
	play_remote(&node.c, 3, "a.c", o2);
	ck_assert_uint_eq(failure(3)->class, WIRE_FAIL_TOOLCHAIN);
	/* The client can request another sandbox. */
	play_cell(&node.c, 1);
}

static const char *const disallowed_options[] = {
	"-fplugin= /tmp/x.so",
	"-wrapper true",
	"-B /tmp",
	"-specs= /tmp/x",
	"-o /tmp/x",
	"-nosuch",
	"-O ../x",
	"-Wa, -al=/tmp/x",
	"@/etc/passwd",
	"-E",
	"in.c",
	"-MF x",
};

TEST_EACH(an_option_outside_the_allowlist_is_rejected, disallowed_options)
{
	const char *const flags[] = { "-O 2", *row, NULL };

	compile(1, tiny, flags);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	ck_assert_uint_eq(count_workers(&node), 0);
}

static const char *const sources[] = { "-o", "-wrapper", "@x", "-" };

TEST_EACH(a_source_name_that_looks_like_an_option_is_rejected, sources)
{
	play_remote(&node.c, 1, *row, plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
}

TEST(a_disallowed_environment_variable_is_rejected)
{
	struct wire_job m;

	play_put(&node.c, 0, ROOT "/a.c", tiny);
	m = play_job(&node.c, 1, WIRE_LANG_C, plain);
	strv_add(&m.env, "COMPILER_PATH=/tmp");
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	m = play_job(&node.c, 2, WIRE_LANG_C, plain);
	strv_add(&m.env, "LC_ALL=C");
	play_send_job(&node.c, &m);
	ck_assert_int_eq(result(2)->wait_status, 0);
}

/* Each variable is within its limit; the sandbox accepts 128 KiB in total. */
TEST(arguments_that_the_sandbox_does_not_accept_are_no_node_fault)
{
	char pwd[4000] = "PWD=/";
	struct wire_job m;

	memset(pwd + 5, 'x', sizeof(pwd) - 6);
	play_put(&node.c, 0, ROOT "/a.c", tiny);
	m = play_job(&node.c, 1, WIRE_LANG_C, plain);
	for (int i = 0; i < 40; i++)
		strv_add(&m.env, pwd);
	play_send_job(&node.c, &m);
	ck_assert_str_eq(failure(1)->reason,
			 "start " GCC ": argument list too long");
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
}

/* 60,000 warnings of about 90 bytes each. */
TEST(too_many_diagnostics_make_a_job_void)
{
	static const char *const flags[] = { "-W unused-function", NULL };
	struct buf text = { 0 };

	for (int i = 0; i < 60000; i++)
		buf_printf(&text, "static void a_function_%d(void) {}\n", i);
	compile(1, buf_str(&text), flags);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	text_has(failure(1)->reason, "diagnostics");
	buf_release(&text);
}

static const struct missing_headers {
	const char *source;
	const char *file;
} missing_headers[] = {
	{ "#include \"nosuch.h\"\n", "nosuch.h" },
	{ "#include <linux/nosuch.h>\n", "linux/nosuch.h" },
	{ "#include \"/etc/hostname\"\n", "/etc/hostname" },
	{ "#include \"/proc/sys/kernel/ostype\"\n", "/proc/sys/kernel/ostype" },
};

TEST_EACH(an_input_failure_names_the_missing_header, missing_headers)
{
	compile(1, row->source, plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_INPUT);
	ck_assert_str_eq(failure(1)->reason, row->file);
}

TEST(an_input_failure_names_the_missing_source_or_directory)
{
	struct wire_job m;

	play_remote(&node.c, 1, "nosuch.c", plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_INPUT);
	ck_assert_str_eq(failure(1)->reason, "nosuch.c");
	play_put(&node.c, 0, ROOT "/a.c", tiny);
	m = play_job(&node.c, 2, WIRE_LANG_C, plain);
	m.cwd = play_path(&node.c, ROOT "/nosuch");
	play_send_paths(&node.c);
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_INPUT);
	ck_assert_str_eq(failure(2)->reason, ROOT "/nosuch");
	m = play_job(&node.c, 3, WIRE_LANG_C, plain);
	m.cwd = play_path(&node.c, ROOT "/a.c");
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(3)->class, WIRE_FAIL_INPUT);
}

/* Files that exist on every node but were not sent. */
static const char *const node_file_readers[] = {
	"__asm__(\".incbin \\\"/etc/passwd\\\"\");\n",
	"__asm__(\".incbin \\\"/proc/version\\\"\");\n",
	"__asm__(\".include \\\"/etc/passwd\\\"\");\n",
};

TEST_EACH(a_source_cannot_read_files_of_the_node, node_file_readers)
{
	compile(1, *row, plain);
	/* The assembler's message names its input, a private path. */
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	for (unsigned i = 0; i < WIRE_N_OUTPUTS; i++)
		ck_assert_uint_eq(stream(1, i).len, 0);
}

TEST(a_result_that_contains_a_sandbox_path_is_void)
{
	compile(1, "const char s[] = \"/.kfarm/out\";\n", plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	compile(2, "#warning /.kfarm/tmp/x.s\nint x;\n", plain);
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_VOID);
	ck_assert_uint_eq(stream(2, WIRE_OUTPUT_OBJECT).len, 0);
}

/* Random words do not compress, so the result exceeds the output queue. */
TEST(a_slow_client_receives_a_large_object_completely)
{
	struct buf text = { 0 };
	uint64_t x = 88172645463325252ull;

	for (int i = 0; i < 1000000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf_printf(&text, ".quad %llu\n", (unsigned long long)x);
	}
	play_put(&node.c, 0, ROOT "/b.S", buf_str(&text));
	play_remote(&node.c, 1, "b.S", plain);
	wait_workers(&node, true);
	wire_stream_set_paused(node.c.stream, true);
	wait_workers(&node, false);
	client_idle(300);
	ck_assert(!node.c.job[1].has_result);
	wire_stream_set_paused(node.c.stream, false);
	ck_assert_uint_eq(result(1)->wait_status, 0);
	ck_assert_uint_gt(stream(1, WIRE_OUTPUT_OBJECT).len, 8000000);
	ck_assert_uint_eq(
		stream(1, WIRE_OUTPUT_OBJECT).len,
		node.c.job[1].result.output_bytes[WIRE_OUTPUT_OBJECT]);
	buf_release(&text);
}

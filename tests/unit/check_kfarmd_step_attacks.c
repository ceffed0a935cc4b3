/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd toolchain */
/*
 * Hostile tools and compilers, and clients that send messages in the wrong
 * order.
 */
#include "kfarmd/argv.h"

#include "../lib/test.h"
#include "kfarmd-step.h"

/* Run a SYMBOLS job and an OBJECT job with the tool in this mode. */
static void run_both(const char *words, unsigned ms)
{
	step_job(1, WIRE_STEP_SYMBOLS, TOOL, words, ms);
	step_job(2, WIRE_STEP_OBJECT, TOOL, words, ms);
}

/* The node is unaffected: no process is left, and a job succeeds. */
static void check_node_works(void)
{
	wait_workers(&node, false);
	object(9, "append");
	ck_assert_int_eq(result(9)->wait_status, 0);
}

FIXTURE(step_set_up, one_tear_down);

TEST(a_tool_that_hangs_is_killed_at_the_deadline)
{
	run_both("hang", 3000);
	for (uint32_t job = 1; job < 3; job++)
		ck_assert_uint_eq(failure(job)->class, WIRE_FAIL_DEADLINE);
	check_node_works();
}

/* Wait until `samples` consecutive checks have found `n` processes. */
static void wait_processes(unsigned n, unsigned samples)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;
	unsigned n_equal = 0;

	while (n_equal < samples && clock_ms() < deadline) {
		n_equal = count_workers(&node) == n ? n_equal + 1 : 0;
		client_idle(10);
	}
	ck_assert_uint_eq(n_equal, samples);
}

/* A node with one core runs the two jobs in sequence. */
static bool has_one_core(void)
{
	return node.c.hello.inventory.cores == 1;
}

/*
 * Wait until the tools of both jobs run, as far as the cores permit.  A
 * compiler writes to its pipe and exits.
 */
static void wait_tools(void)
{
	wait_processes(has_one_core() ? 1 : 2, 20);
}

/* Wait until `first`, the tool of job 1, has exited and job 2 runs. */
static void wait_next_tool(pid_t first)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (is_below(first, node.pid, 2) && clock_ms() < deadline)
		client_idle(10);
	ck_assert(!is_below(first, node.pid, 2));
	wait_processes(1, 20);
}

TEST_RANGE(a_tool_is_killed_with_its_canceled_job_or_its_session, 0, 2)
{
	pid_t tool = 2;

	run_both("hang", 60000);
	wait_tools();
	while (!is_below(tool, node.pid, 2))
		tool++;
	play_cancel(&node.c, 1);
	if (has_one_core())
		wait_next_tool(tool);
	else
		wait_processes(1, 1);
	if (_i)
		play_cancel(&node.c, 2);
	if (_i)
		check_node_works();
	ck_assert(!node.c.job[1].has_result && !node.c.job[1].has_fail);
	/* tear_down() checks that kfarmd exits without child processes. */
}

TEST(jobs_of_a_lost_sandbox_fail_and_the_sandbox_is_reported_lost)
{
	run_both("hang", 60000);
	wait_tools();
	/* The only child of kfarmd is the sandbox init. */
	for (pid_t pid = 2; pid < 1 << 22; pid++) {
		if (parent_of(pid) == node.pid) {
			ck_assert_int_eq(kill(pid, SIGKILL), 0);
			break;
		}
	}
	for (uint32_t job = 1; job < 3; job++)
		ck_assert_uint_eq(failure(job)->class, WIRE_FAIL_TOOLCHAIN);
	ck_assert_uint_eq(client_wait_have(&node.c, 0, 2)->state,
			  WIRE_HAVE_LOST);
}

TEST(processes_left_by_a_tool_are_killed)
{
	object(1, "leave");
	ck_assert_int_eq(result(1)->wait_status, 0);
	check_node_works();
}

/* A tool can fill 32 MiB in each directory, which are freed with the job. */
TEST(directories_filled_by_a_tool_are_emptied_after_the_job)
{
	for (uint32_t job = 1; job < 4; job++) {
		object(job, "fill");
		ck_assert_int_eq(result(job)->wait_status, 0);
	}
	check_node_works();
}

TEST(a_tool_cannot_access_other_jobs_or_change_the_input_root)
{
	object(1, "look");
	ck_assert_int_eq(result(1)->wait_status, 0);
	object(2, "harm " ROOT "/a.c");
	ck_assert_int_eq(result(2)->wait_status, 0);
	object(3, "harm " TOOL);
	ck_assert_int_eq(result(3)->wait_status, 0);
	check_node_works();
}

/* Either program can fail; the node itself must not. */
TEST_RANGE(a_tool_that_stops_reading_fails_only_its_job, 0, 2)
{
	struct buf text = { 0 };

	for (int i = 0; i < 40000; i++)
		buf_printf(&text, "int a_name_%d;\n", i);
	play_put(&node.c, 0, ROOT "/a.c", buf_str(&text));
	symbols(1, _i ? "closed" : "early 0");
	symbols(2, "early 5");
	ck_assert_int_ne(result(1)->wait_status, 0);
	ck_assert_int_ne(result(2)->wait_status, 0);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_OBJECT).len, 0);
	check_node_works();
	buf_release(&text);
}

static const char *const floods[] = { "stdout 5", "stderr 5" };

TEST_EACH(excessive_tool_output_makes_the_job_void, floods)
{
	symbols(1, *row);
	object(2, *row);
	for (uint32_t job = 1; job < 3; job++) {
		ck_assert_uint_eq(failure(job)->class, WIRE_FAIL_VOID);
		text_has(failure(job)->reason, "diagnostics");
	}
	check_node_works();
}

/* The warnings of the compiler and 3 MiB of the tool exceed the limit. */
TEST(the_diagnostics_limit_covers_compiler_and_tool_together)
{
	struct buf text = { 0 };

	for (int i = 0; i < 250; i++)
		buf_printf(&text, "#warning %05000d\n", i);
	play_put(&node.c, 0, ROOT "/a.c", buf_str(&text));
	object(1, "stderr 3");
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	buf_release(&text);
}

TEST(stdout_or_private_paths_of_an_object_tool_make_the_job_void)
{
	object(1, "print");
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	object(2, "betray");
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_VOID);
	text_has(failure(2)->reason, "directory");
	check_node_works();
}

static const char *const bad_objects[] = { "remove", "link", "fifo", "empty",
					   "second" };

TEST_EACH(a_tool_that_leaves_no_valid_object_makes_the_job_void, bad_objects)
{
	object(1, *row);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_OBJECT).len, 0);
	check_node_works();
}

/* The file at the tool's path, and the failure class. */
static const struct bad_tool {
	const char *path;
	enum wire_fail_class class;
} bad_tools[] = {
	{ ROOT "/nosuch", WIRE_FAIL_INPUT },
	{ ROOT "/a.c/tool", WIRE_FAIL_INPUT },
	{ ROOT "/tools", WIRE_FAIL_UNSUPPORTED }, /* a directory */
	{ ROOT "/a.c", WIRE_FAIL_UNSUPPORTED }, /* not executable */
	{ ROOT "/text", WIRE_FAIL_UNSUPPORTED }, /* not a program */
	{ ROOT "/hollow", WIRE_FAIL_INPUT }, /* a dangling link */
	{ ROOT "/round", WIRE_FAIL_UNSUPPORTED }, /* a link to itself */
	{ "/etc/passwd", WIRE_FAIL_INPUT },
	{ "/bin/sh", WIRE_FAIL_INPUT },
};

TEST_EACH(an_invalid_tool_fails_only_its_job, bad_tools)
{
	struct play_view view = { 0 };

	step_put_program(ROOT "/text", bytes_str("no program\n"), true);
	play_link(&node.c, &view, ROOT "/hollow", "nosuch");
	play_link(&node.c, &view, ROOT "/round", "round");
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	for (uint32_t job = 1; job < 3; job++) {
		step_job(job, job == 1 ? WIRE_STEP_SYMBOLS : WIRE_STEP_OBJECT,
			 row->path, "cat", 60000);
		ck_assert_uint_eq(failure(job)->class, row->class);
		text_starts(failure(job)->reason, row->path);
	}
	check_node_works();
}

/* The depfile of dtc is a symbolic link or too large, or dtc hangs. */
TEST(a_devicetree_job_fails_with_a_bad_depfile_or_a_hung_tool)
{
	step_job(1, WIRE_STEP_DEVICETREE, TOOL, "list-link", 60000);
	step_job(2, WIRE_STEP_DEVICETREE, TOOL, "list-long", 60000);
	step_job(3, WIRE_STEP_DEVICETREE, TOOL, "hang", 3000);
	for (uint32_t job = 1; job < 3; job++)
		ck_assert_uint_eq(failure(job)->class, WIRE_FAIL_VOID);
	ck_assert_uint_eq(failure(3)->class, WIRE_FAIL_DEADLINE);
	check_node_works();
}

/* Make sandbox 1 with a compiler that consists of the tool alone. */
static void make_sandbox_of_tool(const char *path)
{
	const struct compiler_manifest gcc = client_gcc;
	struct compiler_entry e = {
		.path = (char *)path,
		.kind = COMPILER_ENTRY_FILE,
		.executable = true,
		.size_bytes = step_content.len,
		.digest = play_blob(buf_bytes(&step_content)),
	};

	client_gcc = (struct compiler_manifest){ .driver = (char *)path,
						 .is_clang = true,
						 .entries = { &e, 1 } };
	ck_assert_int_eq(
		compiler_manifest_id(&e, 1, path, true, &client_gcc.id), 0);
	play_cell(&node.c, 1);
	client_gcc = gcc;
}

static const char *const bad_side_outputs[] = { "/opt/bin/side-directory",
						"/opt/bin/side-symlink",
						"/opt/bin/side-link" };

TEST_EACH(a_side_output_that_is_not_a_plain_file_makes_the_job_void,
	  bad_side_outputs)
{
	struct wire_job m = play_job(&node.c, 1, WIRE_LANG_C, plain);

	make_sandbox_of_tool(*row);
	m.cell = 1;
	m.view = node.c.last_view[1];
	m.output_named = 1;
	m.n_sides = 1;
	/* The compiler does not see the directory of the sources. */
	m.cwd = play_path(&node.c, "/opt/bin");
	play_send_paths(&node.c);
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	text_starts(failure(1)->reason, "side.0: ");
	check_node_works();
}

TEST(the_tool_path_can_be_a_symbolic_link)
{
	struct play_view view = { 0 };

	play_link(&node.c, &view, ROOT "/to", "tools/tool");
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
	step_job(1, WIRE_STEP_OBJECT, ROOT "/to", "append", 60000);
	ck_assert_int_eq(result(1)->wait_status, 0);
}

TEST(a_failure_names_the_missing_working_directory)
{
	for (uint32_t job = 1; job < 3; job++) {
		struct wire_job m = play_job(&node.c, job, WIRE_LANG_C, plain);
		struct wire_step step = step_of(
			job, WIRE_STEP_SYMBOLS,
			job == 1 ? TOOL : ROOT "/nosuch-tool", "cat");

		m.cwd = play_path(&node.c, ROOT "/nosuch");
		step_send(&step);
		play_send_job(&node.c, &m);
		wire_step_release(&step);
		ck_assert_uint_eq(failure(job)->class, WIRE_FAIL_INPUT);
		ck_assert_str_eq(failure(job)->reason, ROOT "/nosuch");
	}
}

TEST(tool_arguments_beyond_the_limit_of_a_job_are_rejected)
{
	struct wire_job m = play_job(&node.c, 1, WIRE_LANG_C, plain);
	struct wire_step step = step_of(1, WIRE_STEP_SYMBOLS, TOOL, "cat");
	char *word = xcalloc(WIRE_PATH_MAX + 1, 1);

	memset(word, 'x', WIRE_PATH_MAX);
	while (step.args.n < WIRE_STEP_ARGS_MAX)
		strv_add(&step.args, word);
	step_send(&step);
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	check_node_works();
	free(word);
	wire_step_release(&step);
}

TEST_RANGE(a_rejected_job_consumes_its_tool_step, 0, 2)
{
	static const char *const bad[] = { "-fplugin= /tmp/x.so", NULL };
	static const char *const placed[] = { "-c", "-o", NULL };
	struct wire_step step = step_of(1, WIRE_STEP_SYMBOLS, TOOL, "cat");
	struct wire_job m = play_job(&node.c, 1, WIRE_LANG_C,
				     _i ? placed : bad);

	step_send(&step);
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	step.job = 2;
	m = play_job(&node.c, 2, WIRE_LANG_C, plain);
	m.cell = 7; /* an unknown sandbox */
	step_send(&step);
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_TOOLCHAIN);
	play_remote(&node.c, 3, "a.c", plain);
	ck_assert_uint_gt(stream(result(3)->job, WIRE_OUTPUT_OBJECT).len, 100);
	check_node_works();
	wire_step_release(&step);
}

/* ---------------------------------------------------- order of messages */

TEST(two_consecutive_steps_end_the_session)
{
	struct wire_step step = step_of(1, WIRE_STEP_SYMBOLS, TOOL, "cat");

	step_send(&step);
	step_send(&step);
	client_expect_bye(&node.c, "STEP: previous STEP has no JOB");
	wire_step_release(&step);
}

/* The job and the tool step that follow, and a part of the error message. */
static const struct mismatch {
	unsigned job, kind;
	uint8_t lang, named;
	uint32_t tool; /* added to the path index of the tool */
	const char *word;
} mismatches[] = {
	{ 2, 0, WIRE_LANG_C, 0, 0, "STEP for job 1 is followed by JOB 2" },
	{ 1, 0, WIRE_LANG_PLAIN_ASM, 0, 0, "does not match the job" },
	{ 1, 0, WIRE_LANG_C, 1, 0, "does not match the job" },
	{ 1, 1, WIRE_LANG_C, 0, 1000, "undefined path" },
	{ 1, 2, WIRE_LANG_PLAIN_ASM, 0, 0, "does not match the job" },
	{ 1, 2, WIRE_LANG_ASM, 1, 0, "does not match the job" },
	{ 1, 3, WIRE_LANG_C, 0, 0, "malformed" },
};

TEST_EACH(a_step_that_does_not_match_its_job_ends_the_session, mismatches)
{
	struct wire_job m = play_job(&node.c, row->job, WIRE_LANG_C, plain);
	struct wire_step step = step_of(1, row->kind, TOOL, "cat");

	m.lang = row->lang;
	m.output_named = row->named;
	step.tool += row->tool;
	step_send(&step);
	play_send_job(&node.c, &m);
	client_expect_bye(&node.c, row->word);
	wire_step_release(&step);
}

TEST(a_step_with_too_many_arguments_ends_the_session)
{
	struct wire_step step = step_of(1, WIRE_STEP_OBJECT, TOOL, "none");

	while (step.args.n <= WIRE_STEP_ARGS_MAX)
		strv_add(&step.args, "x");
	step_send(&step);
	client_expect_bye(&node.c, "malformed STEP");
	wire_step_release(&step);
}

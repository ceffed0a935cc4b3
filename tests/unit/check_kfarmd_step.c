/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd toolchain */
#include "kfarmd/argv.h"

#include "../lib/test.h"
#include "kfarmd-step.h"
#include "sandbox/sandbox.h"

static void expect_status(uint32_t job, int status)
{
	ck_assert_int_eq(WEXITSTATUS(result(job)->wait_status), status);
}

static void expect_output(uint32_t job, enum wire_output which,
			  const char *words)
{
	ck_assert_msg(strstr(buf_str(&node.c.job[job].stream[which]), words),
		      "%s", buf_str(&node.c.job[job].stream[which]));
}

FIXTURE(step_set_up, one_tear_down);

TEST(a_symbols_tool_reads_the_preprocessed_source)
{
	symbols(1, "cat");
	expect_status(1, 0);
	expect_output(1, WIRE_OUTPUT_STDOUT, "# 1 \"a.c\"\n");
	expect_output(1, WIRE_OUTPUT_STDOUT, "\nint f(void) { return 42; }\n");
	expect_output(1, WIRE_OUTPUT_DEPS, " a.c");
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_OBJECT).len, 0);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_STDERR).len, 0);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_AS_DEPS).len, 0);
	ck_assert_uint_gt(result(1)->peak_kib, 1000);
}

static void check_result_digest(enum wire_step_kind kind, const char *words)
{
	struct wire_step step = step_of(1, kind, TOOL, words);
	struct wire_job m = play_job(&node.c, 1, WIRE_LANG_C, plain);

	step_job(1, kind, TOOL, words, m.deadline_ms);
	check_step_answer(&step, &m, plain);
	wire_step_release(&step);
}

TEST_RANGE(the_result_digest_covers_the_tool_step, 0, 3)
{
	static const char *const words[] = {
		[WIRE_STEP_SYMBOLS] = "cat",
		[WIRE_STEP_OBJECT] = "append",
		[WIRE_STEP_DEVICETREE] = "tree",
	};

	check_result_digest((enum wire_step_kind)_i, words[_i]);
}

TEST(an_object_tool_modifies_the_compiled_object)
{
	struct bytes plain_object, modified_object;

	play_remote(&node.c, 1, "a.c", plain);
	object(2, "append");
	expect_status(1, 0);
	expect_status(2, 0);
	plain_object = stream(1, WIRE_OUTPUT_OBJECT);
	modified_object = stream(2, WIRE_OUTPUT_OBJECT);
	ck_assert_uint_eq(modified_object.len, plain_object.len + 4);
	ck_assert_mem_eq(modified_object.data, plain_object.data,
			 plain_object.len);
	ck_assert_mem_eq(modified_object.data + plain_object.len, "tool", 4);
	ck_assert(bytes_equal(stream(1, WIRE_OUTPUT_DEPS),
			      stream(2, WIRE_OUTPUT_DEPS)));
	ck_assert_uint_gt(stream(2, WIRE_OUTPUT_AS_DEPS).len, 10);
	ck_assert_uint_eq(stream(2, WIRE_OUTPUT_STDOUT).len, 0);
}

TEST(an_object_replaced_by_the_tool_is_sent)
{
	object(1, "replace");
	expect_status(1, 0);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_OBJECT).len, 3);
	ck_assert_mem_eq(stream(1, WIRE_OUTPUT_OBJECT).data, "new", 3);
}

TEST(compiler_diagnostics_precede_those_of_the_tool)
{
	play_put(&node.c, 0, ROOT "/a.c", "#warning careful\nint a;\n");
	for (uint32_t job = 1; job < 3; job++) {
		const char *messages;

		step_job(job, job == 1 ? WIRE_STEP_SYMBOLS : WIRE_STEP_OBJECT,
			 TOOL, "say hello", 60000);
		expect_status(job, 0);
		messages = diagnostics(job);
		text_has(messages, "careful");
		text_ends(messages, "\ntool: hello\n");
		ck_assert_ptr_eq(strstr(messages, "tool:"),
				 strstr(messages, "tool: hello\n"));
	}
}

TEST(a_sandbox_path_in_a_tool_message_is_translated_or_fails_the_job)
{
	play_put(&node.c, 0, ROOT "/a.c", "#warning careful\nint a;\n");
	object(1, "tell");
	expect_status(1, 0);
	expect_output(1, WIRE_OUTPUT_STDERR, "careful");
	text_ends(diagnostics(1), "\na.o: warning: tool: odd\n");
	ck_assert_uint_gt(stream(1, WIRE_OUTPUT_OBJECT).len, 0);
	symbols(2, "say /.kfarm/out/out.o");
	ck_assert_uint_eq(failure(2)->class, WIRE_FAIL_VOID);
}

TEST(the_exit_status_of_the_tool_is_that_of_the_job)
{
	symbols(1, "status 7");
	object(2, "fail");
	expect_status(1, 7);
	expect_status(2, 3);
	ck_assert_uint_eq(stream(2, WIRE_OUTPUT_OBJECT).len, 0);
	ck_assert_uint_eq(stream(2, WIRE_OUTPUT_DEPS).len, 0);
}

/* Job 1 can also report the compiler's error of writing to a closed pipe. */
TEST(a_tool_that_dies_by_a_signal_is_a_result_not_a_node_fault)
{
	symbols(1, "abort");
	object(2, "abort");
	ck_assert_int_ne(result(1)->wait_status, 0);
	ck_assert(WIFSIGNALED(result(2)->wait_status));
}

TEST(compiler_errors_take_precedence_over_tool_errors)
{
	play_put(&node.c, 0, ROOT "/a.c", "#error no\n");
	symbols(1, "status 0");
	symbols(2, "status 9");
	object(3, "append");
	for (uint32_t job = 1; job < 4; job++) {
		expect_status(job, 1);
		text_has(diagnostics(job), "#error no");
		ck_assert_uint_eq(stream(job, WIRE_OUTPUT_STDOUT).len, 0);
		ck_assert_uint_eq(stream(job, WIRE_OUTPUT_OBJECT).len, 0);
	}
	play_put(&node.c, 0, ROOT "/a.c", "#include \"nosuch.h\"\n");
	symbols(4, "cat");
	object(5, "append");
	for (uint32_t job = 4; job < 6; job++) {
		ck_assert_uint_eq(failure(job)->class, WIRE_FAIL_INPUT);
		ck_assert_str_eq(failure(job)->reason, "nosuch.h");
	}
}

TEST(a_tool_sees_the_environment_and_the_files_of_the_job)
{
	struct wire_job m = play_job(&node.c, 1, WIRE_LANG_C, plain);
	struct wire_step step = step_of(1, WIRE_STEP_SYMBOLS, TOOL, "env LANG");

	strv_add(&m.env, "LANG=xx");
	step_send(&step);
	play_send_job(&node.c, &m);
	expect_status(1, 0);
	ck_assert(
		bytes_equal(stream(1, WIRE_OUTPUT_STDOUT), bytes_str("xx\n")));
	wire_step_release(&step);
	symbols(2, "read a.c");
	expect_status(2, 0);
	ck_assert(bytes_equal(stream(2, WIRE_OUTPUT_STDOUT), bytes_str(tiny)));
	symbols(3, "read /dev/null");
	expect_status(3, 0);
}

TEST(a_tool_step_applies_to_one_job_only)
{
	symbols(1, "cat");
	play_remote(&node.c, 2, "a.c", plain);
	object(3, "append");
	play_remote(&node.c, 4, "a.c", plain);
	for (uint32_t job = 1; job < 5; job++)
		expect_status(job, 0);
	ck_assert_uint_eq(stream(1, WIRE_OUTPUT_OBJECT).len, 0);
	ck_assert(bytes_equal(stream(2, WIRE_OUTPUT_OBJECT),
			      stream(4, WIRE_OUTPUT_OBJECT)));
	ck_assert_uint_eq(count_workers(&node), 0);
}

static void devicetree(uint32_t job, const char *words)
{
	step_job(job, WIRE_STEP_DEVICETREE, TOOL, words, 60000);
}

/* "spoil" truncates the preprocessed text; the result has it nevertheless. */
TEST(a_devicetree_result_has_blob_depfile_and_preprocessed_text)
{
	devicetree(1, "tree");
	devicetree(2, "spoil");
	for (uint32_t job = 1; job < 3; job++) {
		expect_status(job, 0);
		expect_output(job, WIRE_OUTPUT_OBJECT, "# 1 \"a.c\"\n");
		expect_output(job, WIRE_OUTPUT_OBJECT,
			      "\nint f(void) { return 42; }\n");
		expect_output(job, WIRE_OUTPUT_STDOUT, "blob\n");
		expect_output(job, WIRE_OUTPUT_DEPS, " a.c");
		expect_output(job, WIRE_OUTPUT_AS_DEPS,
			      "-: /.kfarm/out/out.o\n");
		ck_assert_uint_eq(stream(job, WIRE_OUTPUT_STDERR).len, 0);
	}
}

TEST(a_devicetree_job_fails_without_a_depfile_or_on_an_error)
{
	devicetree(1, "print");
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_VOID);
	devicetree(2, "fail");
	expect_status(2, 3);
	play_put(&node.c, 0, ROOT "/a.c", "#error no\n");
	devicetree(3, "tree");
	expect_status(3, 1);
	ck_assert_uint_eq(stream(3, WIRE_OUTPUT_STDOUT).len, 0);
}

/* Each job has a PIN, before or after its STEP. */
TEST(a_job_can_have_both_a_step_and_a_pin)
{
	for (uint32_t job = 1; job < 3; job++) {
		struct wire_job m = play_job(&node.c, job, WIRE_LANG_C, plain);
		struct wire_step step = step_of(job, WIRE_STEP_OBJECT, TOOL,
						"append");
		struct wire_pin pin = { .job = job };
		struct buf body = { 0 };

		wire_pin_encode(&body, &pin);
		if (job == 1)
			step_send(&step);
		client_send(&node.c, WIRE_PIN, &body);
		if (job == 2)
			step_send(&step);
		play_send_job(&node.c, &m);
		wire_step_release(&step);
		expect_status(job, 0);
	}
	ck_assert(bytes_equal(stream(1, WIRE_OUTPUT_OBJECT),
			      stream(2, WIRE_OUTPUT_OBJECT)));
}

/* --------------------------------------------------------- without a node */

static struct buf encode_step(uint32_t job, enum wire_step_kind kind)
{
	struct wire_step m = { .job = job, .kind = (uint8_t)kind };
	struct buf body = { 0 };

	strv_add(&m.args, "-r");
	wire_step_encode(&body, &m);
	wire_step_release(&m);
	return body;
}

TEST(a_second_step_without_a_job_in_between_is_rejected)
{
	struct buf body = encode_step(5, WIRE_STEP_OBJECT);
	struct kfarmd_steps s = { 0 };
	struct err err;

	ck_assert_int_eq(kfarmd_argv_receive_step(&s, buf_bytes(&body),
						  WIRE_VERSION, &err),
			 0);
	ck_assert_int_eq(kfarmd_argv_receive_step(&s, buf_bytes(&body),
						  WIRE_VERSION, &err),
			 -EPROTO);
	ck_assert_str_eq(err.text, "STEP: previous STEP has no JOB");
	kfarmd_argv_release_steps(&s);
	kfarmd_argv_release_steps(&s);
	buf_release(&body);
}

TEST(a_devicetree_step_requires_version_11)
{
	struct buf body = encode_step(5, WIRE_STEP_DEVICETREE);
	struct kfarmd_steps s = { 0 };
	struct err err;

	ck_assert_int_eq(
		kfarmd_argv_receive_step(&s, buf_bytes(&body), 10, &err),
		-EPROTO);
	ck_assert_str_eq(err.text, "malformed STEP");
	kfarmd_argv_release_steps(&s);
	ck_assert_int_eq(
		kfarmd_argv_receive_step(&s, buf_bytes(&body), 11, &err), 0);
	kfarmd_argv_release_steps(&s);
	buf_release(&body);
}

TEST(a_step_belongs_to_the_job_with_its_number)
{
	struct buf body = encode_step(5, WIRE_STEP_OBJECT);
	struct wire_job m = { .job = 5 };
	struct kfarmd_steps s = { 0 };
	struct wire_step *step;
	struct err err;

	ck_assert_int_eq(kfarmd_argv_receive_step(&s, buf_bytes(&body),
						  WIRE_VERSION, &err),
			 0);
	ck_assert_int_eq(kfarmd_argv_take_step(&s, &m, &step, &err), 0);
	ck_assert_ptr_nonnull(step);
	ck_assert_str_eq(step->args.v[0], "-r");
	wire_step_release(step);
	free(step);
	must(kfarmd_argv_take_step(&s, &m, &step, &err));
	ck_assert_ptr_null(step);
	ck_assert_int_eq(kfarmd_argv_receive_step(&s, buf_bytes(&body),
						  WIRE_VERSION, &err),
			 0);
	m.job = 6;
	ck_assert_int_eq(kfarmd_argv_take_step(&s, &m, &step, &err), -EPROTO);
	ck_assert_ptr_null(step);
	kfarmd_argv_release_steps(&s);
	buf_release(&body);
}

TEST(a_tool_command_line_depends_on_the_kind_and_has_a_size_limit)
{
	struct wire_step m = { .kind = WIRE_STEP_OBJECT };
	struct strv argv = { 0 }, env = { 0 };
	char *words, *long_word = xcalloc(WIRE_PATH_MAX + 1, 1);
	struct err err;

	strv_add(&m.args, "--orc");
	must(kfarmd_argv_build_step(&argv, &m, "/o", "/b", &env, &err));
	words = strv_join(&argv, " ");
	ck_assert_str_eq(words,
			 "/o --orc " SANDBOX_OUT_DIR "/" KFARMD_ARGV_OBJECT);
	strv_release(&argv);
	free(words);
	m.kind = WIRE_STEP_DEVICETREE;
	must(kfarmd_argv_build_step(&argv, &m, "/o", "/b", &env, &err));
	words = strv_join(&argv, " ");
	ck_assert_str_eq(words,
			 "/o --orc -d " SANDBOX_OUT_DIR "/" KFARMD_ARGV_AS_DEPS
			 " " SANDBOX_OUT_DIR "/" KFARMD_ARGV_OBJECT);
	strv_release(&argv);
	m.kind = WIRE_STEP_SYMBOLS;
	must(kfarmd_argv_build_step(&argv, &m, "/o", "/b", &env, &err));
	ck_assert_uint_eq(argv.n, 2);
	strv_release(&argv);
	memset(long_word, 'x', WIRE_PATH_MAX);
	for (int i = 0; i < SANDBOX_ARGS_MAX / WIRE_PATH_MAX; i++)
		strv_add(&m.args, long_word);
	ck_assert_int_eq(
		kfarmd_argv_build_step(&argv, &m, "/o", "/b", &env, &err),
		-ENOTSUP);
	strv_release(&argv);
	wire_step_release(&m);
	free(long_word);
	free(words);
}

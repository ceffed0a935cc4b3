/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/cc.h"

#include "wire/frame.h"
#include "wire/msg.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buf body;
static struct wire_cc_job job;

static void set_up(void)
{
	body = (struct buf){ 0 };
	job = (struct wire_cc_job){
		.pid = 4321,
		.tty_stderr = true,
		.root = xstrdup("1:2:3"),
		.cwd = xstrdup("/src/linux"),
		.compiler = xstrdup("/usr/bin/gcc"),
	};
	strv_add(&job.argv, "gcc");
	strv_add(&job.argv, "-c");
	strv_add(&job.argv, "");
	strv_add(&job.env, "PATH=/bin");
}

static void tear_down(void)
{
	buf_release(&body);
	wire_cc_job_release(&job);
}

static int round_trip(void)
{
	struct wire_cc_job got = { .pid = 42 };
	int ret;

	buf_reset(&body);
	wire_cc_job_encode(&body, &job);
	ret = wire_cc_job_decode(&got, buf_bytes(&body));
	if (ret)
		ck_assert_uint_eq(got.pid, 42); /* unchanged */
	else
		wire_cc_job_release(&got);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(a_decoded_job_equals_the_encoded_one)
{
	struct wire_cc_job got = { 0 };

	wire_cc_job_encode(&body, &job);
	ck_assert_int_eq(wire_cc_job_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.pid, 4321);
	ck_assert(got.tty_stderr && !got.restricted);
	ck_assert_str_eq(got.root, "1:2:3");
	ck_assert_str_eq(got.cwd, "/src/linux");
	ck_assert_str_eq(got.compiler, "/usr/bin/gcc");
	ck_assert_uint_eq(got.argv.n, 3);
	ck_assert_str_eq(got.argv.v[1], "-c");
	ck_assert_str_eq(got.argv.v[2], "");
	ck_assert_ptr_null(got.argv.v[3]);
	ck_assert_uint_eq(got.env.n, 1);
	ck_assert_str_eq(got.env.v[0], "PATH=/bin");
	wire_cc_job_release(&got);
}

TEST(a_truncated_or_extended_job_is_rejected)
{
	struct wire_cc_job got = { .pid = 42 };

	wire_cc_job_encode(&body, &job);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_cc_job_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_cc_job_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.pid, 42);
}

TEST(a_job_has_four_flag_bits)
{
	struct wire_cc_job got = { 0 };

	wire_cc_job_encode(&body, &job);
	for (int flags = 0; flags < 16; flags++) {
		body.data[8] = (uint8_t)flags;
		ck_assert_int_eq(wire_cc_job_decode(&got, buf_bytes(&body)), 0);
		ck_assert_int_eq(got.tty_stderr, flags & 1);
		ck_assert_int_eq(got.restricted, flags >> 1 & 1);
		ck_assert_int_eq(got.launched, flags >> 2 & 1);
		ck_assert_int_eq(got.linked, flags >> 3);
		wire_cc_job_release(&got);
	}
	body.data[8] = 16;
	ck_assert_int_eq(wire_cc_job_decode(&got, buf_bytes(&body)), -EPROTO);
}

TEST(a_job_with_a_relative_path_or_no_arguments_is_rejected)
{
	job.cwd[0] = 's';
	ck_assert_int_eq(round_trip(), -EPROTO);
	job.cwd[0] = '/';
	job.compiler[0] = 'u';
	ck_assert_int_eq(round_trip(), -EPROTO);
	job.compiler[0] = '/';
	ck_assert_int_eq(round_trip(), 0);
	strv_release(&job.argv);
	ck_assert_int_eq(round_trip(), -EPROTO);
}

TEST(the_total_size_of_arguments_and_environment_is_limited)
{
	size_t left = WIRE_CC_COMMAND_MAX - strlen("gcc-cPATH=/bin");

	strv_addf(&job.argv, "%*s", (int)left, "");
	ck_assert_int_eq(round_trip(), 0);
	ck_assert_uint_le(body.len, WIRE_BODY_MAX);
	strv_add(&job.env, "x");
	ck_assert_int_eq(round_trip(), -EPROTO);
}

TEST(the_number_of_arguments_is_limited)
{
	while (job.argv.n < WIRE_CC_WORDS_MAX)
		strv_add(&job.argv, "");
	ck_assert_int_eq(round_trip(), 0);
	strv_add(&job.argv, "");
	ck_assert_int_eq(round_trip(), -EPROTO);
}

TEST(the_number_of_environment_variables_is_limited)
{
	while (job.env.n < WIRE_ENV_MAX)
		strv_add(&job.env, "A=");
	ck_assert_int_eq(round_trip(), 0);
	strv_add(&job.env, "A=");
	ck_assert_int_eq(round_trip(), -EPROTO);
}

TEST(a_huge_count_without_strings_is_rejected)
{
	static const uint8_t argv[] = { 3, 0, 0, 0, 3, 0, 0, 0, 'g', 'c', 'c' };
	struct wire_cc_job got;
	uint8_t *count;

	wire_cc_job_encode(&body, &job);
	count = memmem(body.data, body.len, argv, sizeof(argv));
	ck_assert_ptr_nonnull(count);
	put_le32(count, UINT32_MAX);
	body.len = (size_t)(count - body.data) + 4;
	ck_assert_int_eq(wire_cc_job_decode(&got, buf_bytes(&body)), -EPROTO);
}

static int done_round_trip(const struct wire_cc_done *m,
			   struct wire_cc_done *got)
{
	buf_reset(&body);
	wire_cc_done_encode(&body, m);
	return wire_cc_done_decode(got, buf_bytes(&body));
}

TEST(a_done_round_trips_and_a_truncated_one_is_rejected)
{
	struct wire_cc_done m = {
		.status = 0,
		.dep_tmp = (char *)".x.o.d.kfarm.7",
		.dep = (char *)".x.o.d",
		.object_tmp = (char *)".x.o.kfarm.7",
		.object = (char *)"x.o",
		.err = bytes_str("x.c:1: warning: y\n"),
	};
	struct wire_cc_done got = { 0 };

	ck_assert_int_eq(done_round_trip(&m, &got), 0);
	ck_assert_uint_eq(got.status, 0);
	ck_assert_str_eq(got.dep_tmp, m.dep_tmp);
	ck_assert_str_eq(got.dep, m.dep);
	ck_assert_str_eq(got.object_tmp, m.object_tmp);
	ck_assert_str_eq(got.object, m.object);
	ck_assert_uint_eq(got.out.len, 0);
	ck_assert(bytes_equal(got.err, m.err));
	wire_cc_done_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_cc_done_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
}

TEST(a_done_has_a_limited_number_of_named_side_outputs)
{
	struct wire_cc_rename side[WIRE_SIDES_MAX + 1] = {
		{ (char *)".x.su.kfarm.7", (char *)"x.su" },
		{ (char *)"d/.x.ci.kfarm.7", (char *)"d/x.ci" },
	};
	struct wire_cc_done m = { .n_sides = 2, .sides = side };
	struct wire_cc_done got = { .status = 42 };

	ck_assert_int_eq(done_round_trip(&m, &got), 0);
	ck_assert_uint_eq(got.n_sides, 2);
	ck_assert_str_eq(got.sides[0].tmp, ".x.su.kfarm.7");
	ck_assert_str_eq(got.sides[0].to, "x.su");
	ck_assert_str_eq(got.sides[1].to, "d/x.ci");
	wire_cc_done_release(&got);
	got.status = 42;
	side[1].to = (char *)"";
	ck_assert_int_eq(done_round_trip(&m, &got), -EPROTO);
	for (int i = 0; i < WIRE_SIDES_MAX + 1; i++)
		side[i] = side[0];
	m.n_sides = WIRE_SIDES_MAX + 1;
	ck_assert_int_eq(done_round_trip(&m, &got), -EPROTO);
	ck_assert_uint_eq(got.status, 42);
}

TEST(a_done_of_a_failed_compile_has_no_files)
{
	struct wire_cc_done m = { .status = 1 };
	struct wire_cc_done got = { 0 };

	ck_assert_int_eq(done_round_trip(&m, &got), 0);
	ck_assert_uint_eq(got.status, 1);
	ck_assert_str_eq(got.object, "");
	wire_cc_done_release(&got);
}

TEST_RANGE(a_rename_with_only_one_name_is_rejected, 0, 4)
{
	struct wire_cc_done got = { .status = 42 };
	struct wire_cc_done bad[] = {
		{ .dep = (char *)"x" },
		{ .dep_tmp = (char *)"x" },
		{ .object = (char *)"x" },
		{ .object_tmp = (char *)"x" },
	};

	ck_assert_int_eq(done_round_trip(&bad[_i], &got), -EPROTO);
	ck_assert_uint_eq(got.status, 42);
}

TEST(diagnostics_are_limited_and_the_largest_done_fits_a_frame)
{
	uint8_t *text = calloc(1, WIRE_CC_DIAG_MAX + 1);
	struct wire_cc_done m = { .out = bytes_of(text, WIRE_CC_DIAG_MAX),
				  .err = bytes_of(text, WIRE_CC_DIAG_MAX) };
	struct wire_cc_rename side[WIRE_SIDES_MAX];
	char *path = xasprintf("%*s", WIRE_PATH_MAX, "");
	struct wire_cc_done got = { 0 };

	m.dep = m.dep_tmp = m.object = m.object_tmp = path;
	for (int i = 0; i < WIRE_SIDES_MAX; i++)
		side[i] = (struct wire_cc_rename){ path, path };
	m.n_sides = WIRE_SIDES_MAX;
	m.sides = side;
	ck_assert_int_eq(done_round_trip(&m, &got), 0);
	ck_assert_uint_le(body.len, WIRE_BODY_MAX);
	wire_cc_done_release(&got);
	m.err.len++;
	ck_assert_int_eq(done_round_trip(&m, &got), -EPROTO);
	m.err.len--;
	m.out.len++;
	ck_assert_int_eq(done_round_trip(&m, &got), -EPROTO);
	free(path);
	free(text);
}

TEST(a_child_process_has_the_same_root)
{
	char *root = wire_cc_root();
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(strcmp(root, wire_cc_root()) != 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(root);
}

/* Changes of the root that require no privilege. */
static const struct other_root {
	int namespaces;
	const char *dir; /* argument of chroot(2), or NULL */
} other_roots[] = {
	{ CLONE_NEWUSER | CLONE_NEWNS, NULL },
	{ CLONE_NEWUSER, "/proc" },
	{ CLONE_NEWUSER, "/usr" },
};

TEST_EACH(another_mount_namespace_or_chroot_is_another_root, other_roots)
{
	char *root = wire_cc_root();
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (unshare(row->namespaces) || (row->dir && chroot(row->dir)))
			_exit(2);
		_exit(!strcmp(root, wire_cc_root()));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	free(root);
	if (WEXITSTATUS(status) == 2)
		SKIP("no user namespaces");
	ck_assert_int_eq(status, 0);
}

TEST(fixdep_requests_and_results_round_trip)
{
	struct wire_cc_fixdep request = {
		.root = (char *)"1:2:3",
		.cwd = (char *)"/b",
		.program = (char *)"scripts/basic/fixdep",
		.depfile = (char *)"a/.x.o.d",
		.target = (char *)"a/x.o",
	};
	struct wire_cc_fixdep got = { 0 };
	struct wire_cc_fixed fixed = { bytes_str("cmd_a/x.o := "),
				       bytes_str("\n\n") };
	struct wire_cc_fixed got_fixed = { 0 };

	wire_cc_fixdep_encode(&body, &request);
	ck_assert_int_eq(wire_cc_fixdep_decode(&got, buf_bytes(&body)), 0);
	ck_assert_str_eq(got.root, request.root);
	ck_assert_str_eq(got.cwd, request.cwd);
	ck_assert_str_eq(got.program, request.program);
	ck_assert_str_eq(got.depfile, request.depfile);
	ck_assert_str_eq(got.target, request.target);
	wire_cc_fixdep_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_cc_fixdep_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	buf_reset(&body);
	request.cwd = (char *)"b";
	wire_cc_fixdep_encode(&body, &request);
	ck_assert_int_eq(wire_cc_fixdep_decode(&got, buf_bytes(&body)),
			 -EPROTO);
	buf_reset(&body);
	wire_cc_fixed_encode(&body, &fixed);
	ck_assert_int_eq(wire_cc_fixed_decode(&got_fixed, buf_bytes(&body)), 0);
	ck_assert(bytes_equal(got_fixed.before_command, fixed.before_command));
	ck_assert(bytes_equal(got_fixed.after_command, fixed.after_command));
}

/* The program, the number and the length of the arguments, and the kind. */
static const struct step_case {
	const char *program;
	size_t n, len;
	uint8_t kind;
	bool accepted;
} step_cases[] = {
	{ "/b/scripts/genksyms/genksyms", 2, 5, WIRE_STEP_SYMBOLS, true },
	{ "/o", WIRE_STEP_ARGS_MAX, WIRE_PATH_MAX, WIRE_STEP_OBJECT, true },
	{ "/o", 0, 0, WIRE_STEP_OBJECT, true },
	{ "o", 0, 0, WIRE_STEP_OBJECT, false },
	{ "", 0, 0, WIRE_STEP_OBJECT, false },
	{ "/dtc", 20, 9, WIRE_STEP_DEVICETREE, true },
	{ "/o", 0, 0, WIRE_STEP_DEVICETREE + 1, false },
	{ "/o", WIRE_STEP_ARGS_MAX + 1, 1, WIRE_STEP_OBJECT, false },
	{ "/o", 1, WIRE_PATH_MAX + 1, WIRE_STEP_OBJECT, false },
};

/* The length of the text and the kind of the step. */
static const struct text_case {
	size_t len;
	uint8_t kind;
	bool accepted;
} text_cases[] = {
	{ 1, WIRE_STEP_SYMBOLS, true },
	{ WIRE_CC_TEXT_MAX, WIRE_STEP_SYMBOLS, true },
	{ WIRE_CC_TEXT_MAX + 1, WIRE_STEP_SYMBOLS, false },
	{ 1, WIRE_STEP_OBJECT, false },
	{ 1, WIRE_STEP_DEVICETREE, false },
};

TEST_EACH(only_a_symbols_step_may_have_a_text, text_cases)
{
	struct wire_cc_step m = { .kind = row->kind, .program = xstrdup("/o") };
	struct wire_cc_step got = { 0 };

	m.text = xcalloc(row->len + 1, 1);
	memset(m.text, 'x', row->len);
	wire_cc_step_encode(&body, &m);
	ck_assert_int_eq(wire_cc_step_decode(&got, buf_bytes(&body)),
			 row->accepted ? 0 : -EPROTO);
	if (row->accepted) {
		ck_assert_str_eq(got.text, m.text);
		wire_cc_step_release(&got);
	}
	wire_cc_step_release(&m);
}

TEST_EACH(a_step_needs_an_absolute_program_and_is_limited_in_size, step_cases)
{
	struct wire_cc_step m = { .kind = row->kind,
				  .program = xstrdup(row->program) };
	struct wire_cc_step got = { 0 };
	char *word = xcalloc(row->len + 1, 1);

	memset(word, 'x', row->len);
	for (size_t i = 0; i < row->n; i++)
		strv_add(&m.args, word);
	wire_cc_step_encode(&body, &m);
	ck_assert_int_eq(wire_cc_step_decode(&got, buf_bytes(&body)),
			 row->accepted ? 0 : -EPROTO);
	if (row->accepted) {
		ck_assert_uint_eq(got.kind, row->kind);
		ck_assert_str_eq(got.program, row->program);
		ck_assert_uint_eq(got.args.n, row->n);
		for (size_t i = 0; i < row->n; i++)
			ck_assert_str_eq(got.args.v[i], word);
		wire_cc_step_release(&got);
		for (size_t n = 0; n < body.len; n += 1 + n / 64)
			ck_assert_int_eq(wire_cc_step_decode(
						 &got, bytes_of(body.data, n)),
					 -EPROTO);
	}
	free(word);
	wire_cc_step_release(&m);
}

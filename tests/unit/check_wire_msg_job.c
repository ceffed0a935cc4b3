/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/msg.h"

static struct buf body;
static struct wire_job job;

static void fresh(void)
{
	body = (struct buf){ 0 };
	job = (struct wire_job){
		.job = 77,
		.cell = 5,
		.view = 6,
		.lang = WIRE_LANG_ASM,
		.deadline_ms = 30000,
		.cwd = 12,
	};
	job.source = xstrdup("a.S");
	job.object = xstrdup("lib/a.o");
}

static void add_run(uint32_t first, uint16_t count)
{
	job.flag_ranges = xrealloc(job.flag_ranges,
				   (job.n_flag_ranges + 1) *
					   sizeof(*job.flag_ranges));
	job.flag_ranges[job.n_flag_ranges++] = (struct wire_run){ first,
								  count };
}

static void done(void)
{
	buf_release(&body);
	wire_job_release(&job);
}

static int through(struct wire_job *got)
{
	buf_reset(&body);
	wire_job_encode(&body, &job);
	return wire_job_decode(got, buf_bytes(&body));
}

static void ck_refused(void)
{
	struct wire_job got = { .job = 42 };

	ck_assert(!wire_job_fits(&job));
	ck_assert_int_eq(through(&got), -EPROTO);
	ck_assert_uint_eq(got.job, 42);
}

static void ck_taken(void)
{
	struct wire_job got = { 0 };

	ck_assert(wire_job_fits(&job));
	ck_assert_int_eq(through(&got), 0);
	wire_job_release(&got);
}

FIXTURE(fresh, done);

TEST(a_job_comes_back_with_its_runs_in_order)
{
	struct wire_job got = { 0 };

	add_run(9, 100);
	add_run(3, 1);
	add_run(WIRE_FLAGS_TABLE_MAX - 2, 2);
	strv_add(&job.env, "SOURCE_DATE_EPOCH=0");
	strv_add(&job.env, "LANG=");
	ck_assert_int_eq(through(&got), 0);
	ck_assert_uint_eq(got.job, 77);
	ck_assert_uint_eq(got.cell, 5);
	ck_assert_uint_eq(got.view, 6);
	ck_assert_uint_eq(got.lang, WIRE_LANG_ASM);
	ck_assert_uint_eq(got.deadline_ms, 30000);
	ck_assert_uint_eq(got.cwd, 12);
	ck_assert_str_eq(got.source, "a.S");
	ck_assert_str_eq(got.object, "lib/a.o");
	ck_assert_uint_eq(got.n_flag_ranges, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(got.flag_ranges[i].first,
				  job.flag_ranges[i].first);
		ck_assert_uint_eq(got.flag_ranges[i].n_flags,
				  job.flag_ranges[i].n_flags);
	}
	ck_assert_uint_eq(got.env.n, 2);
	ck_assert_str_eq(got.env.v[1], "LANG=");
	wire_job_release(&got);
}

TEST(a_job_cut_or_prolonged_is_refused)
{
	struct wire_job got = { .job = 42 };

	add_run(1, 2);
	strv_add(&job.env, "LANG=C");
	wire_job_encode(&body, &job);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_job_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_job_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.job, 42);
}

TEST(flags_are_bounded_in_number)
{
	for (int i = 0; i < WIRE_FLAGS_MAX / 2; i++)
		add_run(7, 2);
	ck_taken();
	add_run(1, 1);
	ck_refused();
}

TEST(runs_are_bounded_in_number)
{
	for (int i = 0; i < WIRE_FLAGS_MAX; i++)
		add_run(7, 1);
	ck_taken();
	add_run(7, 1);
	ck_refused();
}

/* first, count; after a run of 3 and 4. */
static const struct wire_run bad_runs[] = {
	{ 9, 0 },
	{ 5, 1 }, /* 3, 4 and 5 must form one run */
	{ WIRE_FLAGS_TABLE_MAX, 1 },
	{ WIRE_FLAGS_TABLE_MAX - 1, 2 },
	{ UINT32_MAX, 1 },
	{ 9, WIRE_FLAGS_MAX - 1 },
	{ 9, UINT16_MAX },
};

TEST_EACH(a_run_that_is_none_is_refused, bad_runs)
{
	add_run(3, 2);
	ck_taken();
	add_run(row->first, row->n_flags);
	ck_refused();
}

TEST_RANGE(a_job_has_names, 0, 4)
{
	char **name = _i & 1 ? &job.source : &job.object;

	free(*name);
	*name = _i & 2 ? xasprintf("%*s", WIRE_PATH_MAX + 1, "") : xstrdup("");
	ck_refused();
	free(*name);
	*name = xasprintf("%*s", WIRE_PATH_MAX, "");
	ck_taken();
	job.cwd = WIRE_PATHS_TABLE_MAX;
	ck_refused();
}

TEST_RANGE(the_environment_is_bounded_and_holds_assignments, 0, 6)
{
	static const char *const bad[] = { "", "=", "=x", "PATH" };

	if (_i == 4) {
		for (int i = 0; i < WIRE_ENV_MAX; i++)
			strv_add(&job.env, "A=");
		ck_taken();
		strv_add(&job.env, "A=");
	} else if (_i == 5) {
		strv_addf(&job.env, "A=%*s", WIRE_PATH_MAX - 2, "");
		ck_taken();
		strv_addf(&job.env, "B=%*s", WIRE_PATH_MAX - 1, "");
	} else {
		strv_add(&job.env, bad[_i]);
	}
	ck_refused();
}

/* Offsets in a job of the first version with one run and no variables. */
static const struct spoil {
	size_t offset;
	uint8_t value;
} spoiled[] = {
	{ 12, WIRE_LANG_PLAIN_ASM + 1 }, /* lang */
	{ 21, 0 }, /* the source's length */
	{ 25, 0 }, /* a NUL within it */
	{ 39, 2 }, /* named: neither 0 nor 1 */
	{ 40, 1 }, /* sides of a job that is not named */
	{ 42, 0x11 }, /* n_runs, high byte: beyond WIRE_FLAGS_MAX */
	{ 41, 2 }, /* n_runs: more than there are */
	{ 41, 0 },
	{ 47, 0 }, /* an empty run */
	{ 49, 1 }, /* env: more than there are */
	{ 50, 1 },
};

TEST(a_job_says_how_many_files_it_writes_beside_its_object)
{
	struct wire_job got = { 0 };

	job.output_named = 1;
	job.n_sides = WIRE_SIDES_MAX;
	ck_assert_int_eq(through(&got), 0);
	ck_assert_uint_eq(got.output_named, 1);
	ck_assert_uint_eq(got.n_sides, WIRE_SIDES_MAX);
	wire_job_release(&got);
	job.n_sides++;
	ck_refused();
	job.n_sides = 1;
	job.output_named = 0;
	ck_refused();
}

TEST_EACH(a_job_with_a_spoiled_byte_is_refused, spoiled)
{
	struct wire_job got = { .job = 42 };

	add_run(4, 1);
	wire_job_encode_at(&body, &job, WIRE_VERSION_MIN);
	ck_assert_uint_eq(body.len, 51);
	body.data[row->offset] = row->value;
	ck_assert_int_eq(
		wire_job_decode_at(&got, buf_bytes(&body), WIRE_VERSION_MIN),
		-EPROTO);
	ck_assert_uint_eq(got.job, 42);
}

TEST(a_piece_borrows_its_bytes)
{
	struct wire_piece m = {
		.job = 5,
		.stream = WIRE_OUTPUT_STDERR,
		.data = bytes_str("x.c:1: warning"),
	};
	struct wire_piece got = { 0 };

	wire_piece_encode(&body, &m);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.job, 5);
	ck_assert_uint_eq(got.stream, WIRE_OUTPUT_STDERR);
	ck_assert(bytes_equal(got.data, m.data));
	ck_assert_ptr_eq(got.data.data, body.data + 5);
	for (size_t n = 0; n < 5; n++)
		ck_assert_int_eq(
			wire_piece_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	ck_assert_int_eq(wire_piece_decode(&got, bytes_of(body.data, 5)), 0);
	ck_assert_uint_eq(got.data.len, 0);
}

TEST(a_piece_is_bounded_and_of_a_known_stream)
{
	uint8_t *chunk = calloc(1, WIRE_CHUNK_MAX + 1);
	struct wire_piece m = { .data = bytes_of(chunk, WIRE_CHUNK_MAX) };
	struct wire_piece got = { 0 };

	wire_piece_encode(&body, &m);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), 0);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), -EPROTO);

	buf_reset(&body);
	m = (struct wire_piece){ .stream = WIRE_N_OUTPUTS };
	wire_piece_encode(&body, &m);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), -EPROTO);
	free(chunk);
}

TEST(a_cancel_names_its_job)
{
	uint32_t got = 42;

	wire_number_encode(&body, 0xdeadbeef);
	ck_assert_int_eq(wire_number_decode(&got, bytes_of(body.data, 3)),
			 -EPROTO);
	ck_assert_uint_eq(got, 42);
	ck_assert_int_eq(wire_number_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got, 0xdeadbeef);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_number_decode(&got, buf_bytes(&body)), -EPROTO);
}

static const struct wire_result result = {
	.job = 1,
	.wait_status = 256,
	.cpu_ms = 3,
	.wall_ms = 4,
	.peak_kib = 5,
	.toolchain = { .b = { 6 } },
	.output_bytes = { WIRE_OBJECT_MAX, WIRE_DIAG_MAX, WIRE_DIAG_MAX,
			  WIRE_DEPS_MAX, WIRE_DEPS_MAX, WIRE_SIDE_MAX,
			  WIRE_SIDE_MAX, WIRE_SIDE_MAX, WIRE_SIDE_MAX,
			  WIRE_SIDE_MAX, WIRE_SIDE_MAX },
	.n_sides = WIRE_SIDES_MAX,
	.digest = { .b = { 7 } },
};

TEST(a_result_comes_back_as_it_was)
{
	struct wire_result got = { 0 };

	wire_result_encode(&body, &result);
	ck_assert_int_eq(wire_result_decode(&got, buf_bytes(&body)), 0);
	ck_assert_mem_eq(&got, &result, sizeof(got));
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(
			wire_result_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
}

TEST_RANGE(a_result_with_a_length_beyond_its_limit_is_refused, 0, 11)
{
	static const size_t offsets[] = { 52, 56, 60, 64, 68, 73,
					  77, 81, 85, 89, 93 };
	struct wire_result got = { 0 };
	uint8_t *p;

	wire_result_encode(&body, &result);
	p = body.data + offsets[_i];
	put_le32(p, get_le32(p) + 1);
	ck_assert_int_eq(wire_result_decode(&got, buf_bytes(&body)), -EPROTO);
	put_le32(p, get_le32(p) - 1);
	body.data[72]++;
	ck_assert_int_eq(wire_result_decode(&got, buf_bytes(&body)), -EPROTO);
}

TEST(a_fail_has_a_class_and_a_line)
{
	struct wire_fail m = { .job = 8, .class = WIRE_FAIL_INPUT };
	struct wire_fail got = { 0 };
	char reason[2000];

	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	m.reason = reason;
	wire_fail_encode(&body, &m);
	ck_assert_int_eq(wire_fail_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.job, 8);
	ck_assert_uint_eq(got.class, WIRE_FAIL_INPUT);
	ck_assert_uint_eq(strlen(got.reason), WIRE_REASON_MAX);
	wire_fail_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_fail_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	body.data[4] = WIRE_FAIL_INPUT + 1;
	ck_assert_int_eq(wire_fail_decode(&got, buf_bytes(&body)), -EPROTO);
}

/* Make a tool step of `n` arguments, of which the first has `len` bytes. */
static struct wire_step make_step(size_t n, size_t len)
{
	struct wire_step m = { .job = 77,
			       .kind = WIRE_STEP_OBJECT,
			       .tool = WIRE_PATHS_TABLE_MAX - 1 };
	char *word = xcalloc(len + 1, 1);

	memset(word, 'x', len);
	for (size_t i = 0; i < n; i++)
		strv_add(&m.args, i ? "" : word);
	free(word);
	return m;
}

static int step_through(struct wire_step *m, struct wire_step *got)
{
	buf_reset(&body);
	wire_step_encode(&body, m);
	return wire_step_decode(got, buf_bytes(&body));
}

TEST(a_step_comes_back_as_it_was)
{
	struct wire_step m = make_step(2, 3), got = { 0 };

	ck_assert_int_eq(step_through(&m, &got), 0);
	ck_assert_uint_eq(got.job, 77);
	ck_assert_uint_eq(got.kind, WIRE_STEP_OBJECT);
	ck_assert_uint_eq(got.tool, WIRE_PATHS_TABLE_MAX - 1);
	ck_assert_uint_eq(got.args.n, 2);
	ck_assert_str_eq(got.args.v[0], "xxx");
	ck_assert_str_eq(got.args.v[1], "");
	wire_step_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_step_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_step_decode(&got, buf_bytes(&body)), -EPROTO);
	wire_step_release(&m);
}

/* Arguments, length of the first one, increments of kind and tool; accepted? */
static const struct step_limit {
	size_t n, len;
	uint8_t kind;
	uint32_t tool;
	bool taken;
} step_limits[] = {
	{ 0, 0, 0, 0, true },
	{ WIRE_STEP_ARGS_MAX, WIRE_PATH_MAX, 0, 0, true },
	{ WIRE_STEP_ARGS_MAX + 1, 1, 0, 0, false },
	{ 1, WIRE_PATH_MAX + 1, 0, 0, false },
	{ 1, 1, 1, 0, true },
	{ 1, 1, 2, 0, false },
	{ 1, 1, 0, 1, false },
};

TEST_EACH(a_step_is_bounded, step_limits)
{
	struct wire_step m = make_step(row->n, row->len), got = { .job = 42 };

	m.kind += row->kind;
	m.tool += row->tool;
	ck_assert_int_eq(step_through(&m, &got), row->taken ? 0 : -EPROTO);
	ck_assert_uint_eq(got.job, row->taken ? 77 : 42);
	if (!row->kind)
		ck_assert_int_eq(wire_step_fits(&m), row->taken);
	if (row->taken)
		wire_step_release(&got);
	wire_step_release(&m);
}

TEST(symbols_are_of_a_preprocessed_source_without_named_files)
{
	struct wire_step m = { .job = 77, .kind = WIRE_STEP_SYMBOLS };

	for (unsigned lang = 0; lang <= WIRE_LANG_PLAIN_ASM; lang++) {
		job.lang = (uint8_t)lang;
		m.kind = WIRE_STEP_SYMBOLS;
		ck_assert_int_eq(wire_step_fits_job(&m, &job),
				 (lang != WIRE_LANG_PLAIN_ASM));
		m.kind = WIRE_STEP_DEVICETREE;
		ck_assert_int_eq(wire_step_fits_job(&m, &job),
				 (lang != WIRE_LANG_PLAIN_ASM));
		m.kind = WIRE_STEP_OBJECT;
		ck_assert(wire_step_fits_job(&m, &job));
	}
	job.lang = WIRE_LANG_C;
	job.output_named = 1;
	ck_assert(wire_step_fits_job(&m, &job));
	m.kind = WIRE_STEP_SYMBOLS;
	ck_assert(!wire_step_fits_job(&m, &job));
	m.kind = WIRE_STEP_DEVICETREE;
	ck_assert(!wire_step_fits_job(&m, &job));
	job.output_named = 0;
	m.job++;
	ck_assert(!wire_step_fits_job(&m, &job));
}

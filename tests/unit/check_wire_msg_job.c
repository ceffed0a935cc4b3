/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/msg.h"

static struct buf body;
static struct wire_job job;

static void set_up(void)
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

static void add_flag_range(uint32_t first, uint16_t count)
{
	job.flag_ranges = xrealloc(job.flag_ranges,
				   (job.n_flag_ranges + 1) *
					   sizeof(*job.flag_ranges));
	job.flag_ranges[job.n_flag_ranges++] = (struct wire_run){ first,
								  count };
}

static void tear_down(void)
{
	buf_release(&body);
	wire_job_release(&job);
}

static int round_trip(struct wire_job *got)
{
	buf_reset(&body);
	wire_job_encode(&body, &job);
	return wire_job_decode(got, buf_bytes(&body));
}

static void ck_rejected(void)
{
	struct wire_job got = { .job = 42 };

	ck_assert(!wire_job_fits(&job));
	ck_assert_int_eq(round_trip(&got), -EPROTO);
	ck_assert_uint_eq(got.job, 42);
}

static void ck_accepted(void)
{
	struct wire_job got = { 0 };

	ck_assert(wire_job_fits(&job));
	ck_assert_int_eq(round_trip(&got), 0);
	wire_job_release(&got);
}

FIXTURE(set_up, tear_down);

TEST(a_job_round_trips_with_its_flag_ranges_in_order)
{
	struct wire_job got = { 0 };

	add_flag_range(9, 100);
	add_flag_range(3, 1);
	add_flag_range(WIRE_FLAGS_TABLE_MAX - 2, 2);
	strv_add(&job.env, "SOURCE_DATE_EPOCH=0");
	strv_add(&job.env, "LANG=");
	ck_assert_int_eq(round_trip(&got), 0);
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

TEST(a_truncated_or_extended_job_is_rejected)
{
	struct wire_job got = { .job = 42 };

	add_flag_range(1, 2);
	strv_add(&job.env, "LANG=C");
	wire_job_encode(&body, &job);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_job_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_job_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.job, 42);
}

TEST(a_job_with_too_many_flags_is_rejected)
{
	for (int i = 0; i < WIRE_FLAGS_MAX / 2; i++)
		add_flag_range(7, 2);
	ck_accepted();
	add_flag_range(1, 1);
	ck_rejected();
}

TEST(a_job_with_too_many_flag_ranges_is_rejected)
{
	for (int i = 0; i < WIRE_FLAGS_MAX; i++)
		add_flag_range(7, 1);
	ck_accepted();
	add_flag_range(7, 1);
	ck_rejected();
}

/* Ranges that must not follow a range of the flags 3 and 4. */
static const struct wire_run bad_flag_ranges[] = {
	{ 9, 0 },
	{ 5, 1 }, /* 3, 4 and 5 must form one range */
	{ WIRE_FLAGS_TABLE_MAX, 1 },
	{ WIRE_FLAGS_TABLE_MAX - 1, 2 },
	{ UINT32_MAX, 1 },
	{ 9, WIRE_FLAGS_MAX - 1 },
	{ 9, UINT16_MAX },
};

TEST_EACH(an_invalid_flag_range_is_rejected, bad_flag_ranges)
{
	add_flag_range(3, 2);
	ck_accepted();
	add_flag_range(row->first, row->n_flags);
	ck_rejected();
}

TEST_RANGE(a_job_with_an_invalid_name_or_directory_is_rejected, 0, 4)
{
	char **name = _i & 1 ? &job.source : &job.object;

	free(*name);
	*name = _i & 2 ? xasprintf("%*s", WIRE_PATH_MAX + 1, "") : xstrdup("");
	ck_rejected();
	free(*name);
	*name = xasprintf("%*s", WIRE_PATH_MAX, "");
	ck_accepted();
	job.cwd = WIRE_PATHS_TABLE_MAX;
	ck_rejected();
}

TEST_RANGE(an_invalid_or_oversized_environment_is_rejected, 0, 6)
{
	static const char *const bad[] = { "", "=", "=x", "PATH" };

	if (_i == 4) {
		for (int i = 0; i < WIRE_ENV_MAX; i++)
			strv_add(&job.env, "A=");
		ck_accepted();
		strv_add(&job.env, "A=");
	} else if (_i == 5) {
		strv_addf(&job.env, "A=%*s", WIRE_PATH_MAX - 2, "");
		ck_accepted();
		strv_addf(&job.env, "B=%*s", WIRE_PATH_MAX - 1, "");
	} else {
		strv_add(&job.env, bad[_i]);
	}
	ck_rejected();
}

/*
 * Offsets in a job of the oldest version with one flag range and no environment
 * variables.
 */
static const struct corruption {
	size_t offset;
	uint8_t value;
} corruptions[] = {
	{ 12, WIRE_LANG_PLAIN_ASM + 1 }, /* lang */
	{ 21, 0 }, /* the source's length */
	{ 25, 0 }, /* a NUL in the source */
	{ 39, 2 }, /* output_named: neither 0 nor 1 */
	{ 40, 1 }, /* n_sides without output_named */
	{ 42, 0x11 }, /* n_flag_ranges, high byte: beyond WIRE_FLAGS_MAX */
	{ 41, 2 }, /* n_flag_ranges: more than present */
	{ 41, 0 },
	{ 47, 0 }, /* an empty flag range */
	{ 49, 1 }, /* env: more than present */
	{ 50, 1 },
};

TEST(side_outputs_are_limited_and_need_a_named_output)
{
	struct wire_job got = { 0 };

	job.output_named = 1;
	job.n_sides = WIRE_SIDES_MAX;
	ck_assert_int_eq(round_trip(&got), 0);
	ck_assert_uint_eq(got.output_named, 1);
	ck_assert_uint_eq(got.n_sides, WIRE_SIDES_MAX);
	wire_job_release(&got);
	job.n_sides++;
	ck_rejected();
	job.n_sides = 1;
	job.output_named = 0;
	ck_rejected();
}

TEST_EACH(a_job_with_a_corrupt_byte_is_rejected, corruptions)
{
	struct wire_job got = { .job = 42 };

	add_flag_range(4, 1);
	wire_job_encode_at(&body, &job, WIRE_VERSION_MIN);
	ck_assert_uint_eq(body.len, 51);
	body.data[row->offset] = row->value;
	ck_assert_int_eq(
		wire_job_decode_at(&got, buf_bytes(&body), WIRE_VERSION_MIN),
		-EPROTO);
	ck_assert_uint_eq(got.job, 42);
}

TEST(a_decoded_output_piece_borrows_its_bytes)
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

TEST(an_oversized_piece_or_an_unknown_stream_is_rejected)
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

TEST(a_cancel_round_trips_and_one_of_another_size_is_rejected)
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

TEST(a_result_round_trips_and_a_truncated_one_is_rejected)
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

TEST_RANGE(a_result_with_a_length_or_count_beyond_its_limit_is_rejected, 0, 11)
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

TEST(a_fail_has_a_known_class_and_a_reason_of_limited_length)
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

static int step_round_trip(struct wire_step *m, struct wire_step *got)
{
	buf_reset(&body);
	wire_step_encode(&body, m);
	return wire_step_decode(got, buf_bytes(&body));
}

TEST(a_step_round_trips_and_a_truncated_one_is_rejected)
{
	struct wire_step m = make_step(2, 3), got = { 0 };

	ck_assert_int_eq(step_round_trip(&m, &got), 0);
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

/* The arguments of make_step(), and increments of the kind and the tool. */
static const struct step_limit {
	size_t n, len;
	uint8_t kind;
	uint32_t tool;
	bool accepted;
} step_limits[] = {
	{ 0, 0, 0, 0, true },
	{ WIRE_STEP_ARGS_MAX, WIRE_PATH_MAX, 0, 0, true },
	{ WIRE_STEP_ARGS_MAX + 1, 1, 0, 0, false },
	{ 1, WIRE_PATH_MAX + 1, 0, 0, false },
	{ 1, 1, 1, 0, true },
	{ 1, 1, 2, 0, false },
	{ 1, 1, 0, 1, false },
};

TEST_EACH(a_step_beyond_a_limit_is_rejected, step_limits)
{
	struct wire_step m = make_step(row->n, row->len), got = { .job = 42 };

	m.kind += row->kind;
	m.tool += row->tool;
	ck_assert_int_eq(step_round_trip(&m, &got),
			 row->accepted ? 0 : -EPROTO);
	ck_assert_uint_eq(got.job, row->accepted ? 77 : 42);
	if (!row->kind)
		ck_assert_int_eq(wire_step_fits(&m), row->accepted);
	if (row->accepted)
		wire_step_release(&got);
	wire_step_release(&m);
}

TEST(only_an_object_step_fits_plain_assembly_and_named_outputs)
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base wire */
#include "wire/msg.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct buf body;
static struct wire_job job;

static void fresh(void)
{
	body = (struct buf){ 0 };
	job = (struct wire_job){
		.job = 77,
		.lang = WIRE_LANG_ASM,
		.text_len = WIRE_TEXT_MAX,
		.check_indent = 1,
		.deadline_ms = 30000,
	};
	memset(job.toolchain.b, 0x11, sizeof(job.toolchain.b));
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

START_TEST(a_job_comes_back_with_its_flags_in_order)
{
	struct wire_job got = { 0 };

	wire_job_add_flag(&job, "-O", "2");
	wire_job_add_flag(&job, "-fno-common", NULL);
	wire_job_add_flag(&job, "-DX=", "");
	strv_add(&job.env, "SOURCE_DATE_EPOCH=0");
	strv_add(&job.env, "LANG=");
	ck_assert_int_eq(through(&got), 0);
	ck_assert_uint_eq(got.job, 77);
	ck_assert(digest_equal(&got.toolchain, &job.toolchain));
	ck_assert_uint_eq(got.lang, WIRE_LANG_ASM);
	ck_assert_uint_eq(got.text_len, WIRE_TEXT_MAX);
	ck_assert_uint_eq(got.check_indent, 1);
	ck_assert_uint_eq(got.deadline_ms, 30000);
	ck_assert_uint_eq(got.n_flags, 3);
	ck_assert_str_eq(got.flags[0].name, "-O");
	ck_assert_str_eq(got.flags[0].value, "2");
	ck_assert_str_eq(got.flags[1].name, "-fno-common");
	ck_assert_ptr_null(got.flags[1].value); /* none is not empty */
	ck_assert_str_eq(got.flags[2].value, "");
	ck_assert_uint_eq(got.env.n, 2);
	ck_assert_str_eq(got.env.v[1], "LANG=");
	wire_job_release(&got);
}
END_TEST

START_TEST(a_job_cut_or_prolonged_is_refused)
{
	struct wire_job got = { .job = 42 };

	wire_job_add_flag(&job, "-O", "2");
	wire_job_add_flag(&job, "-fno-common", NULL);
	strv_add(&job.env, "LANG=C");
	wire_job_encode(&body, &job);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_job_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_job_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.job, 42);
}
END_TEST

START_TEST(flags_are_bounded_in_number)
{
	for (int i = 0; i < WIRE_FLAGS_MAX; i++)
		wire_job_add_flag(&job, "-DA=", i % 2 ? "1" : NULL);
	ck_taken();
	for (int i = 0; i < 70000; i++)
		wire_job_add_flag(&job, "-DA=", NULL);
	ck_refused();
}
END_TEST

START_TEST(flags_are_bounded_in_bytes)
{
	char *half = malloc(WIRE_ARGV_MAX / 2 + 1);

	memset(half, 'x', WIRE_ARGV_MAX / 2);
	half[WIRE_ARGV_MAX / 2] = '\0';
	wire_job_add_flag(&job, half, half);
	ck_taken();
	wire_job_add_flag(&job, "y", NULL);
	ck_refused();
	free(half);
}
END_TEST

START_TEST(a_text_is_bounded)
{
	ck_taken();
	job.text_len = WIRE_TEXT_MAX + 1;
	ck_refused();
}
END_TEST

START_TEST(the_environment_is_bounded_and_holds_assignments)
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
END_TEST

/* Offsets within a job with one flag "-O" of value "2". */
static const struct spoil {
	size_t offset;
	uint8_t value;
} spoiled[] = {
	{ 36, WIRE_LANG_ASM + 1 }, /* lang */
	{ 41, 2 }, /* check_indent: yes or no */
	{ 47, 0x11 }, /* n_flags, high byte: beyond WIRE_FLAGS_MAX */
	{ 46, 2 }, /* n_flags: more than there are */
	{ 48, 0 }, /* the name's length */
	{ 50, 0xff },
	{ 52, 0 }, /* a NUL within the name */
	{ 54, 2 }, /* neither with nor without a value */
	{ 54, 0 },
	{ 59, 0 }, /* a NUL within the value */
	{ 60, 1 }, /* env: more than there are */
	{ 61, 1 },
};

START_TEST(a_job_with_a_spoiled_byte_is_refused)
{
	struct wire_job got = { .job = 42 };

	wire_job_add_flag(&job, "-O", "2");
	wire_job_encode(&body, &job);
	ck_assert_uint_eq(body.len, 62);
	body.data[spoiled[_i].offset] = spoiled[_i].value;
	ck_assert_int_eq(wire_job_decode(&got, buf_bytes(&body)), -EPROTO);
	ck_assert_uint_eq(got.job, 42);
}
END_TEST

START_TEST(a_piece_borrows_its_bytes)
{
	struct wire_piece m = {
		.job = 5,
		.stream = WIRE_STDERR,
		.data = bytes_str("x.c:1: warning"),
	};
	struct wire_piece got = { 0 };

	wire_piece_encode(&body, &m);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.job, 5);
	ck_assert_uint_eq(got.stream, WIRE_STDERR);
	ck_assert(bytes_equal(got.data, m.data));
	ck_assert_ptr_eq(got.data.data, body.data + 5);
	for (size_t n = 0; n < 5; n++)
		ck_assert_int_eq(
			wire_piece_decode(&got, bytes_of(body.data, n)),
			-EPROTO);
	ck_assert_int_eq(wire_piece_decode(&got, bytes_of(body.data, 5)), 0);
	ck_assert_uint_eq(got.data.len, 0);
}
END_TEST

START_TEST(a_piece_is_bounded_and_of_a_known_stream)
{
	uint8_t *chunk = calloc(1, WIRE_CHUNK_MAX + 1);
	struct wire_piece m = { .data = bytes_of(chunk, WIRE_CHUNK_MAX) };
	struct wire_piece got = { 0 };

	wire_piece_encode(&body, &m);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), 0);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), -EPROTO);

	buf_reset(&body);
	m = (struct wire_piece){ .stream = WIRE_STDERR + 1 };
	wire_piece_encode(&body, &m);
	ck_assert_int_eq(wire_piece_decode(&got, buf_bytes(&body)), -EPROTO);
	free(chunk);
}
END_TEST

START_TEST(a_cancel_names_its_job)
{
	uint32_t got = 42;

	wire_cancel_encode(&body, 0xdeadbeef);
	ck_assert_int_eq(wire_cancel_decode(&got, bytes_of(body.data, 3)),
			 -EPROTO);
	ck_assert_uint_eq(got, 42);
	ck_assert_int_eq(wire_cancel_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got, 0xdeadbeef);
	buf_put_u8(&body, 0);
	ck_assert_int_eq(wire_cancel_decode(&got, buf_bytes(&body)), -EPROTO);
}
END_TEST

static const struct wire_result result = {
	.job = 1,
	.wait_status = 256,
	.cpu_ms = 3,
	.wall_ms = 4,
	.peak_kib = 5,
	.toolchain = { .b = { 6 } },
	.object_len = WIRE_OBJECT_MAX,
	.stdout_len = WIRE_DIAG_MAX,
	.stderr_len = WIRE_DIAG_MAX,
	.answer = { .b = { 7 } },
};

START_TEST(a_result_comes_back_as_it_was)
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
END_TEST

START_TEST(a_result_with_a_length_beyond_its_limit_is_refused)
{
	static const size_t offsets[] = { 52, 56, 60 };
	struct wire_result got = { 0 };
	uint8_t *p;

	wire_result_encode(&body, &result);
	p = body.data + offsets[_i];
	put_le32(p, get_le32(p) + 1);
	ck_assert_int_eq(wire_result_decode(&got, buf_bytes(&body)), -EPROTO);
}
END_TEST

START_TEST(a_fail_has_a_class_and_a_line)
{
	struct wire_fail m = { .job = 8, .class = WIRE_FAIL_BUSY };
	struct wire_fail got = { 0 };
	char reason[2000];

	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	m.reason = reason;
	wire_fail_encode(&body, &m);
	ck_assert_int_eq(wire_fail_decode(&got, buf_bytes(&body)), 0);
	ck_assert_uint_eq(got.job, 8);
	ck_assert_uint_eq(got.class, WIRE_FAIL_BUSY);
	ck_assert_uint_eq(strlen(got.reason), WIRE_REASON_MAX);
	wire_fail_release(&got);
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(wire_fail_decode(&got, bytes_of(body.data, n)),
				 -EPROTO);
	body.data[4] = WIRE_FAIL_BUSY + 1;
	ck_assert_int_eq(wire_fail_decode(&got, buf_bytes(&body)), -EPROTO);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, a_job_comes_back_with_its_flags_in_order);
	tcase_add_test(tc, a_job_cut_or_prolonged_is_refused);
	tcase_add_test(tc, flags_are_bounded_in_number);
	tcase_add_test(tc, flags_are_bounded_in_bytes);
	tcase_add_test(tc, a_text_is_bounded);
	tcase_add_loop_test(
		tc, the_environment_is_bounded_and_holds_assignments, 0, 6);
	tcase_add_loop_test(tc, a_job_with_a_spoiled_byte_is_refused, 0,
			    sizeof(spoiled) / sizeof(*spoiled));
	tcase_add_test(tc, a_piece_borrows_its_bytes);
	tcase_add_test(tc, a_piece_is_bounded_and_of_a_known_stream);
	tcase_add_test(tc, a_cancel_names_its_job);
	tcase_add_test(tc, a_result_comes_back_as_it_was);
	tcase_add_loop_test(
		tc, a_result_with_a_length_beyond_its_limit_is_refused, 0, 3);
	tcase_add_test(tc, a_fail_has_a_class_and_a_line);
}

int main(void)
{
	Suite *suite = suite_create("wire/msg-job");
	TCase *tc = tcase_create("msg-job");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, fresh, done);
	add_tests(tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

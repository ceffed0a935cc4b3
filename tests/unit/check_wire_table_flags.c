/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/table.h"

#include "wire/msg.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct buf body;

static void fresh(void)
{
	body = (struct buf){ 0 };
}

static void done(void)
{
	buf_release(&body);
}

static const struct wire_flag sample[] = {
	{ "-O", "2" },   { "-fno-common", NULL }, { "-D", "" },
	{ "-D", "X=1" }, { "-O", NULL },
};

static void put(uint32_t first, const struct wire_flag *v, uint32_t n)
{
	buf_reset(&body);
	buf_put_u32(&body, first);
	buf_put_u32(&body, n);
	for (uint32_t i = 0; i < n; i++)
		wire_flags_put(&body, &v[i]);
}

static struct wire_intern *sent, *known;

/* Pass a body to a new table. */
static int take_first(struct bytes in)
{
	struct wire_intern *t = wire_flags_new();
	int ret = wire_flags_receive(t, in);

	wire_intern_free(t);
	return ret;
}

FIXTURE(fresh, done);

TEST(flags_come_back_as_they_were_and_cut_are_refused)
{
	struct wire_run run = { 0, LENGTH(sample) };
	struct wire_job job = { .n_flag_ranges = 1, .flag_ranges = &run };
	struct wire_flag *got;
	size_t n_got;

	put(0, sample, LENGTH(sample));
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(take_first(bytes_of(body.data, n)), -EPROTO);
	known = wire_flags_new();
	ck_assert_int_eq(wire_flags_receive(known, buf_bytes(&body)), 0);
	ck_assert_int_eq(wire_flags_decode_job(known, &job, &got, &n_got), 0);
	ck_assert_uint_eq(n_got, LENGTH(sample));
	for (size_t i = 0; i < LENGTH(sample); i++) {
		ck_assert_str_eq(got[i].name, sample[i].name);
		ck_assert_pstr_eq(got[i].value, sample[i].value);
	}
	free(got);
	wire_intern_free(known);
}

TEST_RANGE(spoiled_flags_are_refused, 0, 7)
{
	struct wire_flag v[] = { { "-O", "2" }, { "-w", NULL } };
	char *half = xasprintf("%*s", WIRE_ARGV_MAX / 2 + 1, "");

	if (_i == 0)
		v[1].name = "";
	else if (_i == 1)
		v[0] = (struct wire_flag){ half, half };
	put(_i == 2 ? WIRE_FLAGS_TABLE_MAX - 1 : 0, v, _i == 6 ? 0 : 2);
	if (_i == 3)
		put_le32(body.data + 4, UINT32_MAX);
	else if (_i == 4)
		put_le32(body.data + 4, 1); /* with an extra entry */
	else if (_i == 5)
		body.data[8 + 4 + 2] = 2; /* has_value */
	ck_assert_int_eq(take_first(buf_bytes(&body)), -EPROTO);
	free(half);
}

static void through(const struct wire_flag *v, size_t n, size_t runs)
{
	struct wire_job job = { 0 };
	struct wire_flag *got;
	size_t n_got;

	ck_assert_int_eq(wire_flags_encode_job(sent, &job, v, n), 0);
	ck_assert_uint_eq(job.n_flag_ranges, runs);
	for (buf_reset(&body); wire_flags_put_new(sent, &body);
	     buf_reset(&body))
		ck_assert_int_eq(wire_flags_receive(known, buf_bytes(&body)),
				 0);
	ck_assert_int_eq(wire_flags_decode_job(known, &job, &got, &n_got), 0);
	ck_assert_uint_eq(n_got, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(got[i].name, v[i].name);
		ck_assert_pstr_eq(got[i].value, v[i].value);
	}
	free(got);
	wire_job_release(&job);
}

TEST(both_ends_agree_on_the_flags)
{
	static const struct wire_flag second[] = {
		{ "-O", "2" },   { "-fno-common", NULL }, { "-D", "Y" },
		{ "-D", "X=1" }, { "-O", NULL },          { "-O", "2" },
	};

	sent = wire_flags_new();
	known = wire_flags_new();
	through(sample, LENGTH(sample), 1);
	through(sample, LENGTH(sample), 1);
	through(second, LENGTH(second), 4);
	through(NULL, 0, 0);
	ck_assert(!wire_flags_put_new(sent, &body));
	wire_intern_free(sent);
	wire_intern_free(known);
}

/* The size of a kernel unit after another one: mostly names. */
TEST(a_warm_job_is_small)
{
	struct wire_flag v[110];
	char text[110][32];
	struct wire_job job = { 0 };

	sent = wire_flags_new();
	for (int unit = 0; unit < 3; unit++) {
		for (int i = 0; i < 110; i++) {
			snprintf(text[i], sizeof(text[i]), "value-%d-%d", i,
				 i >= 106 ? unit : 0);
			v[i] = (struct wire_flag){ "-f", text[i] };
		}
		wire_job_release(&job);
		ck_assert_int_eq(wire_flags_encode_job(sent, &job, v, 110), 0);
	}
	ck_assert_uint_eq(job.n_flag_ranges, 2);
	job.source = xstrdup("/src/linux/drivers/net/ethernet/intel/x.c");
	job.object = xstrdup("drivers/net/ethernet/intel/x.o");
	strv_add(&job.env, "LC_ALL=C");
	wire_job_encode(&body, &job);
	ck_assert_uint_lt(body.len, 160);
	wire_job_release(&job);
	wire_intern_free(sent);
}

TEST(a_job_of_too_many_flags_is_not_sent)
{
	struct wire_flag *v = xcalloc(WIRE_FLAGS_MAX + 1, sizeof(*v));
	char *half = xasprintf("%*s", WIRE_ARGV_MAX / 2, "");
	struct wire_job job = { 0 };

	sent = wire_flags_new();
	for (int i = 0; i <= WIRE_FLAGS_MAX; i++)
		v[i].name = "-w";
	ck_assert_int_eq(
		wire_flags_encode_job(sent, &job, v, WIRE_FLAGS_MAX + 1),
		-E2BIG);
	ck_assert_int_eq(wire_flags_encode_job(sent, &job, v, WIRE_FLAGS_MAX),
			 0);
	v[0] = (struct wire_flag){ "-D", half };
	v[1] = (struct wire_flag){ "-U", half };
	ck_assert_int_eq(wire_flags_encode_job(sent, &job, v, 2), -E2BIG);
	wire_job_release(&job);
	wire_intern_free(sent);
	free(half);
	free(v);
}

TEST(a_gap_a_flag_twice_and_unknown_numbers_are_refused)
{
	struct wire_run run[2] = { { 0, 5 }, { 3, 3 } };
	struct wire_job job = { .n_flag_ranges = 2, .flag_ranges = run };
	struct wire_flag *got = NULL;
	size_t n;

	known = wire_flags_new();
	put(1, sample, 1);
	ck_assert_int_eq(wire_flags_receive(known, buf_bytes(&body)), -EPROTO);
	put(0, sample, LENGTH(sample));
	ck_assert_int_eq(wire_flags_receive(known, buf_bytes(&body)), 0);
	put(5, sample, 1);
	ck_assert_int_eq(wire_flags_receive(known, buf_bytes(&body)), -EPROTO);
	ck_assert_int_eq(wire_flags_decode_job(known, &job, &got, &n), -EPROTO);
	run[1].n_flags = 2;
	ck_assert_int_eq(wire_flags_decode_job(known, &job, &got, &n), 0);
	ck_assert_uint_eq(n, 7);
	ck_assert_str_eq(got[5].name, "-D");
	free(got);
	run[1].first = UINT32_MAX;
	ck_assert_int_eq(wire_flags_decode_job(known, &job, &got, &n), -EPROTO);
	wire_intern_free(known);
}

/* Runs can repeat, so the sum of their bytes is bounded like a job's. */
TEST(runs_cannot_multiply_bytes)
{
	char *half = xasprintf("%*s", WIRE_ARGV_MAX / 2, "");
	struct wire_flag big = { "-D", half };
	struct wire_run run[3] = { { 0, 1 }, { 0, 1 }, { 0, 1 } };
	struct wire_job job = { .n_flag_ranges = 3, .flag_ranges = run };
	struct wire_flag *got;
	size_t n;

	known = wire_flags_new();
	put(0, &big, 1);
	ck_assert_int_eq(wire_flags_receive(known, buf_bytes(&body)), 0);
	ck_assert_int_eq(wire_flags_decode_job(known, &job, &got, &n), -EPROTO);
	wire_intern_free(known);
	free(half);
}

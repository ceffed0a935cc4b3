/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/table.h"

#include "wire/msg.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct buf body;

static void set_up(void)
{
	body = (struct buf){ 0 };
}

static void tear_down(void)
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

static struct wire_intern *sender, *receiver;

/* Receive a message in a new table. */
static int receive_in_new_table(struct bytes in)
{
	struct wire_intern *t = wire_flags_new();
	int ret = wire_flags_receive(t, in);

	wire_intern_free(t);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(flags_round_trip_and_a_truncated_message_is_rejected)
{
	struct wire_run run = { 0, LENGTH(sample) };
	struct wire_job job = { .n_flag_ranges = 1, .flag_ranges = &run };
	struct wire_flag *got;
	size_t n_got;

	put(0, sample, LENGTH(sample));
	for (size_t n = 0; n < body.len; n++)
		ck_assert_int_eq(receive_in_new_table(bytes_of(body.data, n)),
				 -EPROTO);
	receiver = wire_flags_new();
	ck_assert_int_eq(wire_flags_receive(receiver, buf_bytes(&body)), 0);
	ck_assert_int_eq(wire_flags_decode_job(receiver, &job, &got, &n_got),
			 0);
	ck_assert_uint_eq(n_got, LENGTH(sample));
	for (size_t i = 0; i < LENGTH(sample); i++) {
		ck_assert_str_eq(got[i].name, sample[i].name);
		ck_assert_pstr_eq(got[i].value, sample[i].value);
	}
	free(got);
	wire_intern_free(receiver);
}

TEST_RANGE(an_invalid_flags_message_is_rejected, 0, 7)
{
	struct wire_flag v[] = { { "-O", "2" }, { "-w", NULL } };
	char *half = xasprintf("%*s", WIRE_ARGV_MAX / 2 + 1, "");

	if (_i == 0)
		v[1].name = "";
	else if (_i == 1)
		v[0] = (struct wire_flag){ half, half };
	put(_i == 2, v, _i == 6 ? 0 : 2); /* 2: a gap */
	if (_i == 3)
		put_le32(body.data + 4, UINT32_MAX);
	else if (_i == 4)
		put_le32(body.data + 4, 1); /* with an extra entry */
	else if (_i == 5)
		body.data[8 + 4 + 2] = 2; /* has_value */
	ck_assert_int_eq(receive_in_new_table(buf_bytes(&body)), -EPROTO);
	free(half);
}

/* Transfer the flags of a job, which form this number of flag ranges. */
static void round_trip(const struct wire_flag *v, size_t n, size_t runs)
{
	struct wire_job job = { 0 };
	struct wire_flag *got;
	size_t n_got;

	ck_assert_int_eq(wire_flags_encode_job(sender, &job, v, n), 0);
	ck_assert_uint_eq(job.n_flag_ranges, runs);
	for (buf_reset(&body); wire_flags_put_new(sender, &body);
	     buf_reset(&body))
		ck_assert_int_eq(wire_flags_receive(receiver, buf_bytes(&body)),
				 0);
	ck_assert_int_eq(wire_flags_decode_job(receiver, &job, &got, &n_got),
			 0);
	ck_assert_uint_eq(n_got, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(got[i].name, v[i].name);
		ck_assert_pstr_eq(got[i].value, v[i].value);
	}
	free(got);
	wire_job_release(&job);
}

TEST(sender_and_receiver_have_the_same_flags)
{
	static const struct wire_flag second[] = {
		{ "-O", "2" },   { "-fno-common", NULL }, { "-D", "Y" },
		{ "-D", "X=1" }, { "-O", NULL },          { "-O", "2" },
	};

	sender = wire_flags_new();
	receiver = wire_flags_new();
	round_trip(sample, LENGTH(sample), 1);
	round_trip(sample, LENGTH(sample), 1);
	round_trip(second, LENGTH(second), 4);
	round_trip(NULL, 0, 0);
	ck_assert(!wire_flags_put_new(sender, &body));
	wire_intern_free(sender);
	wire_intern_free(receiver);
}

/* A kernel unit that follows a similar one; names take most of its bytes. */
TEST(a_job_of_mostly_known_flags_has_less_than_160_bytes)
{
	struct wire_flag v[110];
	char text[110][32];
	struct wire_job job = { 0 };

	sender = wire_flags_new();
	for (int unit = 0; unit < 3; unit++) {
		for (int i = 0; i < 110; i++) {
			snprintf(text[i], sizeof(text[i]), "value-%d-%d", i,
				 i >= 106 ? unit : 0);
			v[i] = (struct wire_flag){ "-f", text[i] };
		}
		wire_job_release(&job);
		ck_assert_int_eq(wire_flags_encode_job(sender, &job, v, 110),
				 0);
	}
	ck_assert_uint_eq(job.n_flag_ranges, 2);
	job.source = xstrdup("/src/linux/drivers/net/ethernet/intel/x.c");
	job.object = xstrdup("drivers/net/ethernet/intel/x.o");
	strv_add(&job.env, "LC_ALL=C");
	wire_job_encode(&body, &job);
	ck_assert_uint_lt(body.len, 160);
	wire_job_release(&job);
	wire_intern_free(sender);
}

TEST(a_job_with_too_many_or_too_large_flags_is_rejected)
{
	struct wire_flag *v = xcalloc(WIRE_FLAGS_MAX + 1, sizeof(*v));
	char *half = xasprintf("%*s", WIRE_ARGV_MAX / 2, "");
	struct wire_job job = { 0 };

	sender = wire_flags_new();
	for (int i = 0; i <= WIRE_FLAGS_MAX; i++)
		v[i].name = "-w";
	ck_assert_int_eq(
		wire_flags_encode_job(sender, &job, v, WIRE_FLAGS_MAX + 1),
		-E2BIG);
	ck_assert_int_eq(wire_flags_encode_job(sender, &job, v, WIRE_FLAGS_MAX),
			 0);
	v[0] = (struct wire_flag){ "-D", half };
	v[1] = (struct wire_flag){ "-U", half };
	ck_assert_int_eq(wire_flags_encode_job(sender, &job, v, 2), -E2BIG);
	wire_job_release(&job);
	wire_intern_free(sender);
	free(half);
	free(v);
}

TEST(gaps_duplicates_and_unknown_flag_numbers_are_rejected)
{
	struct wire_run run[2] = { { 0, 5 }, { 3, 3 } };
	struct wire_job job = { .n_flag_ranges = 2, .flag_ranges = run };
	struct wire_flag *got = NULL;
	size_t n;

	receiver = wire_flags_new();
	put(1, sample, 1);
	ck_assert_int_eq(wire_flags_receive(receiver, buf_bytes(&body)),
			 -EPROTO);
	put(0, sample, LENGTH(sample));
	ck_assert_int_eq(wire_flags_receive(receiver, buf_bytes(&body)), 0);
	put(5, sample, 1);
	ck_assert_int_eq(wire_flags_receive(receiver, buf_bytes(&body)),
			 -EPROTO);
	ck_assert_int_eq(wire_flags_decode_job(receiver, &job, &got, &n),
			 -EPROTO);
	run[1].n_flags = 2;
	ck_assert_int_eq(wire_flags_decode_job(receiver, &job, &got, &n), 0);
	ck_assert_uint_eq(n, 7);
	ck_assert_str_eq(got[5].name, "-D");
	free(got);
	run[1].first = UINT32_MAX;
	ck_assert_int_eq(wire_flags_decode_job(receiver, &job, &got, &n),
			 -EPROTO);
	wire_intern_free(receiver);
}

/* Flag ranges can repeat, so the limit applies to the sum of their bytes. */
TEST(the_total_size_of_repeated_flag_ranges_is_limited)
{
	char *half = xasprintf("%*s", WIRE_ARGV_MAX / 2, "");
	struct wire_flag big = { "-D", half };
	struct wire_run run[3] = { { 0, 1 }, { 0, 1 }, { 0, 1 } };
	struct wire_job job = { .n_flag_ranges = 3, .flag_ranges = run };
	struct wire_flag *got;
	size_t n;

	receiver = wire_flags_new();
	put(0, &big, 1);
	ck_assert_int_eq(wire_flags_receive(receiver, buf_bytes(&body)), 0);
	ck_assert_int_eq(wire_flags_decode_job(receiver, &job, &got, &n),
			 -EPROTO);
	wire_intern_free(receiver);
	free(half);
}

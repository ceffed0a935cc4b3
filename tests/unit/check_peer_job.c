/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "peer/job.h"

#include "suite.h"
#include "wire/key.h"

#include <errno.h>
#include <string.h>

static struct peer_farm farm;
static const struct node_entry entry = { .name = (char *)"node0" };
static struct peer_link l;

static void setup(void)
{
	peer_link_init(&l, &farm, &entry, NULL);
}

/* What a node would have to say of it. */
static void sign(struct peer_answer *a)
{
	struct bytes streams[WIRE_STREAMS];

	for (int i = 0; i < WIRE_STREAMS; i++)
		streams[i] = buf_bytes(&a->stream[i]);
	wire_answer_digest(&a->key, streams, &a->result.answer);
}

static int check_signed(struct peer_answer *a)
{
	struct err err;

	sign(a);
	return peer_answer_check(a, &err);
}

START_TEST(all_that_is_told_of_has_to_come)
{
	struct peer_answer a = {
		.result.len = { [WIRE_OBJECT] = 4, [WIRE_STDERR] = 2 }
	};

	buf_add_str(&a.stream[WIRE_OBJECT], "abcd");
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	buf_add_str(&a.stream[WIRE_STDERR], "xy");
	ck_assert_int_eq(check_signed(&a), 0);
	a.result.len[WIRE_STDOUT] = 7;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	peer_answer_release(&a);
}
END_TEST

START_TEST(as_many_files_have_to_come_as_were_asked_for)
{
	struct peer_answer a = { .sides = 2, .result.sides = 2 };

	/* An empty one is one. */
	ck_assert_int_eq(check_signed(&a), 0);
	a.result.sides = 1;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	a.result.sides = 3;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	a.result.sides = 2;
	buf_add_str(&a.stream[WIRE_SIDE + 1], "s");
	a.result.len[WIRE_SIDE + 1] = 1;
	ck_assert_int_eq(check_signed(&a), 0);
	buf_add_str(&a.stream[WIRE_SIDE + 2], "s");
	a.result.len[WIRE_SIDE + 2] = 1;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	peer_answer_release(&a);
	/* A compile that failed has none. */
	a = (struct peer_answer){ .sides = 2, .result.wait_status = 256 };
	ck_assert_int_eq(check_signed(&a), 0);
}
END_TEST

START_TEST(another_jobs_answer_and_another_toolchains_are_refused)
{
	struct peer_answer a = { .result.len = { 0 } };
	struct err err;

	sign(&a);
	a.key.b[3] ^= 1;
	ck_assert_int_eq(peer_answer_check(&a, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "digest"));
	a.toolchain.b[0] ^= 1;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	a.result.toolchain.b[0] ^= 1;
	ck_assert_int_eq(check_signed(&a), 0);
}
END_TEST

START_TEST(a_number_is_never_used_twice)
{
	struct peer_job *a, *b;
	uint32_t first;

	a = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	first = a->number;
	peer_job_free(&l, a);
	ck_assert_ptr_null(peer_job_find(&l, first));
	a = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	b = peer_job_new(&l, PEER_JOB_PROBE, NULL);
	ck_assert_uint_ne(a->number, first);
	ck_assert_ptr_eq(peer_job_find(&l, b->number), b);
	ck_assert_uint_eq(l.n_jobs, 2);
	ck_assert_uint_eq(l.n_others, 1);
	peer_job_free_all(&l);
	ck_assert_uint_eq(l.n_jobs, 0);
	ck_assert_uint_eq(l.n_others, 0);
}
END_TEST

START_TEST(output_has_a_limit)
{
	uint32_t most = wire_output_max(WIRE_STDERR);
	struct peer_job *job = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .stream = WIRE_STDERR };
	struct buf big = { 0 };
	struct err err;

	ck_assert_int_eq(buf_reserve(&big, most), 0);
	memset(big.data, 'x', most);
	m.data = bytes_of(big.data, most);
	ck_assert_int_eq(peer_job_output(job, &m, &err), 0);
	m.data.len = 1;
	ck_assert_int_eq(peer_job_output(job, &m, &err), -EMSGSIZE);
	m.stream = WIRE_STDOUT;
	ck_assert_int_eq(peer_job_output(job, &m, &err), 0);
	buf_release(&big);
	peer_job_free_all(&l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer/job");
	TCase *tc = tcase_create("job");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, all_that_is_told_of_has_to_come);
	tcase_add_test(tc, as_many_files_have_to_come_as_were_asked_for);
	tcase_add_test(tc,
		       another_jobs_answer_and_another_toolchains_are_refused);
	tcase_add_test(tc, a_number_is_never_used_twice);
	tcase_add_test(tc, output_has_a_limit);
	suite_add_tcase(s, tc);
	return suite_run(s);
}

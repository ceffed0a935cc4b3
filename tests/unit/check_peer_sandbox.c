/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "../lib/test.h"

#include "peer/sandbox.h"

#include "wire/msg.h"

static struct peer_shared farm;
static const struct node_entry entry = { .name = (char *)"node0" };
static struct peer_conn l;

static void setup(void)
{
	peer_conn_init(&l, &farm, &entry, NULL);
}

/* Compute the digest that a node must send. */
static void sign(struct peer_job_result *a)
{
	struct bytes streams[WIRE_N_OUTPUTS];

	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		streams[i] = buf_bytes(&a->streams[i]);
	wire_result_digest(&a->job_digest, streams, &a->wire.digest);
}

static int check_signed(struct peer_job_result *a)
{
	struct err err;

	sign(a);
	return peer_job_result_check(a, &err);
}

FIXTURE(setup, NULL);

TEST(all_that_is_told_of_has_to_come)
{
	struct peer_job_result a = { .wire.output_bytes = {
					     [WIRE_OUTPUT_OBJECT] = 4,
					     [WIRE_OUTPUT_STDERR] = 2 } };

	buf_add_str(&a.streams[WIRE_OUTPUT_OBJECT], "abcd");
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	buf_add_str(&a.streams[WIRE_OUTPUT_STDERR], "xy");
	ck_assert_int_eq(check_signed(&a), 0);
	a.wire.output_bytes[WIRE_OUTPUT_STDOUT] = 7;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	peer_job_result_release(&a);
}

TEST(as_many_files_have_to_come_as_were_asked_for)
{
	struct peer_job_result a = { .n_side_outputs = 2, .wire.n_sides = 2 };

	/* An empty result is valid. */
	ck_assert_int_eq(check_signed(&a), 0);
	a.wire.n_sides = 1;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	a.wire.n_sides = 3;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	a.wire.n_sides = 2;
	buf_add_str(&a.streams[WIRE_OUTPUT_SIDE + 1], "s");
	a.wire.output_bytes[WIRE_OUTPUT_SIDE + 1] = 1;
	ck_assert_int_eq(check_signed(&a), 0);
	buf_add_str(&a.streams[WIRE_OUTPUT_SIDE + 2], "s");
	a.wire.output_bytes[WIRE_OUTPUT_SIDE + 2] = 1;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	peer_job_result_release(&a);
	/* A failed compile has no side outputs. */
	a = (struct peer_job_result){ .n_side_outputs = 2,
				      .wire.wait_status = 256 };
	ck_assert_int_eq(check_signed(&a), 0);
}

TEST(another_jobs_answer_and_another_toolchains_are_refused)
{
	struct peer_job_result a = { .wire.output_bytes = { 0 } };
	struct err err;

	sign(&a);
	a.job_digest.b[3] ^= 1;
	err_is(peer_job_result_check(&a, &err), -EBADMSG,
	       "result digest mismatch");
	a.toolchain.b[0] ^= 1;
	ck_assert_int_eq(check_signed(&a), -EBADMSG);
	a.wire.toolchain.b[0] ^= 1;
	ck_assert_int_eq(check_signed(&a), 0);
}

TEST(a_number_is_never_used_twice)
{
	struct peer_job *a, *b;
	uint32_t first;

	a = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	first = a->number;
	peer_job_free(&l, a);
	ck_assert_ptr_null(peer_job_find(&l, first));
	a = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	b = peer_job_new(&l, PEER_JOB_KNOWN_ANSWER, NULL);
	ck_assert_uint_ne(a->number, first);
	ck_assert_ptr_eq(peer_job_find(&l, b->number), b);
	ck_assert_uint_eq(l.n_jobs, 2);
	ck_assert_uint_eq(l.n_test_jobs, 1);
	peer_job_free_all(&l);
	ck_assert_uint_eq(l.n_jobs, 0);
	ck_assert_uint_eq(l.n_test_jobs, 0);
}

TEST(output_has_a_limit)
{
	uint32_t most = wire_output_max(WIRE_OUTPUT_STDERR);
	struct peer_job *job = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .stream = WIRE_OUTPUT_STDERR };
	struct buf big = { 0 };
	struct err err;

	ck_assert_int_eq(buf_reserve(&big, most), 0);
	memset(big.data, 'x', most);
	m.data = bytes_of(big.data, most);
	must(peer_job_add_output(job, &m, &err));
	m.data.len = 1;
	ck_assert_int_eq(peer_job_add_output(job, &m, &err), -EMSGSIZE);
	m.stream = WIRE_OUTPUT_STDOUT;
	must(peer_job_add_output(job, &m, &err));
	buf_release(&big);
	peer_job_free_all(&l);
}

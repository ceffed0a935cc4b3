/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "../lib/test.h"

#include "peer/sandbox.h"

#include "base/pool.h"
#include "store/packed-cache.h"
#include "wire/msg.h"

#include <event2/event.h>
#include <sys/socket.h>

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
	must(peer_job_add_output(&l, job, &m, &err));
	m.data.len = 1;
	ck_assert_int_eq(peer_job_add_output(&l, job, &m, &err), -EMSGSIZE);
	m.stream = WIRE_OUTPUT_STDOUT;
	must(peer_job_add_output(&l, job, &m, &err));
	buf_release(&big);
	peer_job_free_all(&l);
}

TEST(unrequested_side_outputs_are_dropped)
{
	struct peer_job *job = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .stream = WIRE_OUTPUT_SIDE + 1,
				.data = bytes_str("side") };
	struct err err;

	job->result.n_side_outputs = 1;
	must(peer_job_add_output(&l, job, &m, &err));
	ck_assert_uint_eq(l.output_bytes, 0);
	ck_assert_uint_eq(job->result.streams[m.stream].len, 0);
	job->result.wire.n_sides = 1;
	job->result.wire.output_bytes[m.stream] = m.data.len;
	ck_assert_int_eq(peer_job_result_check(&job->result, &err), -EBADMSG);
	ck_assert_str_eq(err.text, "unexpected data in stream 6");
	peer_job_free_all(&l);
}

TEST(the_outputs_of_all_jobs_have_a_limit)
{
	struct peer_job *a = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	struct peer_job *b = peer_job_new(&l, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .data = bytes_str("object") };
	struct peer_job_result taken;
	struct err err;

	must(peer_job_add_output(&l, a, &m, &err));
	must(peer_job_add_output(&l, b, &m, &err));
	ck_assert_uint_eq(l.output_bytes, 12);
	ck_assert_uint_eq(farm.output_bytes, 12);
	l.output_bytes += PEER_NODE_OUTPUT_MAX - 13;
	ck_assert_int_eq(peer_job_add_output(&l, b, &m, &err), -ENOBUFS);
	l.output_bytes -= PEER_NODE_OUTPUT_MAX - 13;
	farm.output_bytes += PEER_ALL_OUTPUT_MAX - 13;
	ck_assert_int_eq(peer_job_add_output(&l, b, &m, &err), -EBUSY);
	farm.output_bytes -= PEER_ALL_OUTPUT_MAX - 13;

	/* A result takes memory until its owner releases it. */
	taken = a->result;
	a->result = (struct peer_job_result){ 0 };
	peer_job_free_all(&l);
	ck_assert_uint_eq(l.output_bytes, 0);
	ck_assert_uint_eq(farm.output_bytes, 6);
	peer_job_result_release(&taken);
	peer_job_result_release(&taken);
	ck_assert_uint_eq(farm.output_bytes, 0);
}

static unsigned n_stale;

static void on_sandbox_stale(void *ctx, struct inputs_toolchain *tc)
{
	(void)ctx;
	(void)tc;
	n_stale++;
}

static void on_wake_requested(void *ctx)
{
	(void)ctx;
}

static int node_hears(void *ctx, uint16_t type, struct bytes body,
		      struct err *err)
{
	(void)ctx;
	(void)type;
	(void)body;
	(void)err;
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	(void)ctx;
	ck_abort_msg("closed: %s", why->text);
}

/*
 * The sandboxes of two toolchains wait for a file that was removed, and the
 * node has requested it for the first one only.
 */
TEST(a_lost_file_replaces_all_sandboxes_that_wait_for_it)
{
	static const struct wire_stream_ops stream_ops = {
		.on_msg = node_hears, .on_close = on_close
	};
	static const struct peer_ops ops = {
		.on_sandbox_stale = on_sandbox_stale,
		.on_wake_requested = on_wake_requested,
	};
	struct event_base *base = event_base_new();
	struct inputs_paths *paths = inputs_paths_new();
	enum wire_codec codec = WIRE_PLAIN;
	struct inputs_toolchain tc[2] = { { .driver = (char *)"/gcc" },
					  { .driver = (char *)"/clang" } };
	struct peer_sandboxes all = { .conn = &l };
	struct store_file_digest id = { .stamp.size = 4 };
	const struct inputs_entry *e;
	struct wire_need need = { .indices = (uint32_t[]){ 0 },
				  .n_indices = 1 };
	struct peer_sandbox *sandbox;
	struct wire_stream *node;
	struct err err;
	int fd[2];

	farm.ops = &ops;
	farm.pool = pool_new(base, 1);
	farm.packed = peer_blob_upload_new_cache(&codec);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	node = wire_stream_new(base, fd[1], fd[1], &stream_ops, NULL);
	l.stream = wire_stream_new(base, fd[0], fd[0], &stream_ops, NULL);
	l.version = WIRE_VERSION;
	l.paths = wire_paths_new();
	l.upload = peer_blob_upload_new(l.stream, farm.pool, farm.packed);
	TAILQ_INIT(&all.list);
	e = inputs_path_set_file(paths, inputs_paths_get(paths, "/missing/a.h"),
				 &id);
	for (int i = 0; i < 2; i++) {
		peer_sandbox_request(&all, &tc[i], NULL);
		sandbox = peer_sandbox_find(&all, &tc[i]);
		must(peer_input_sync_add_entries(&sandbox->input_sync, &e, 1,
						 &need.view));
	}
	must(peer_input_updates_handle_need(&sandbox->input_sync.updates, &need,
					    &l, &err));
	while (n_stale < 2)
		event_base_loop(base, EVLOOP_ONCE);
	for (int i = 0; i < 2; i++) {
		sandbox = peer_sandbox_find(&all, &tc[i]);
		ck_assert_int_eq(sandbox->state, PEER_SANDBOX_REQUESTED);
		sandbox = TAILQ_NEXT(TAILQ_NEXT(sandbox, list_entry),
				     list_entry);
		ck_assert_int_eq(sandbox->state, PEER_SANDBOX_CLOSED);
		ck_assert_str_eq(sandbox->detail, "/missing/a.h");
	}
	while ((sandbox = TAILQ_FIRST(&all.list))) {
		TAILQ_REMOVE(&all.list, sandbox, list_entry);
		peer_input_sync_release(&sandbox->input_sync);
		free(sandbox->detail);
		free(sandbox);
	}
	peer_blob_upload_free(l.upload);
	wire_intern_free(l.paths);
	wire_stream_free(l.stream);
	wire_stream_free(node);
	pool_free(farm.pool);
	store_packed_cache_free(farm.packed);
	inputs_paths_free(paths);
	event_base_free(base);
}

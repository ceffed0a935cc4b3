/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: peer */
#include "../lib/test.h"

#include "peer/sandbox.h"

#include "base/clock.h"
#include "base/pool.h"
#include "store/packed-cache.h"
#include "wire/msg.h"

#include <event2/event.h>
#include <sys/socket.h>

static struct peer_shared shared;
static const struct node_entry entry = { .name = (char *)"node0" };
static struct peer_conn conn;

static void setup(void)
{
	peer_conn_init(&conn, &shared, &entry, NULL);
}

/* Compute the digest that a node must send. */
static void set_digest(struct peer_job_result *a)
{
	struct bytes streams[WIRE_N_OUTPUTS];

	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		streams[i] = buf_bytes(&a->streams[i]);
	wire_result_digest(&a->job_digest, streams, &a->wire.digest);
}

static int check_with_digest(struct peer_job_result *a)
{
	struct err err;

	set_digest(a);
	return peer_job_result_check(a, &err);
}

FIXTURE(setup, NULL);

TEST(a_result_without_all_announced_output_is_rejected)
{
	struct peer_job_result a = { .wire.output_bytes = {
					     [WIRE_OUTPUT_OBJECT] = 4,
					     [WIRE_OUTPUT_STDERR] = 2 } };

	buf_add_str(&a.streams[WIRE_OUTPUT_OBJECT], "abcd");
	ck_assert_int_eq(check_with_digest(&a), -EBADMSG);
	buf_add_str(&a.streams[WIRE_OUTPUT_STDERR], "xy");
	ck_assert_int_eq(check_with_digest(&a), 0);
	a.wire.output_bytes[WIRE_OUTPUT_STDOUT] = 7;
	ck_assert_int_eq(check_with_digest(&a), -EBADMSG);
	peer_job_result_release(&a);
}

TEST(a_result_must_have_the_requested_number_of_side_outputs)
{
	struct peer_job_result a = { .n_side_outputs = 2, .wire.n_sides = 2 };

	/* An empty result is valid. */
	ck_assert_int_eq(check_with_digest(&a), 0);
	a.wire.n_sides = 1;
	ck_assert_int_eq(check_with_digest(&a), -EBADMSG);
	a.wire.n_sides = 3;
	ck_assert_int_eq(check_with_digest(&a), -EBADMSG);
	a.wire.n_sides = 2;
	buf_add_str(&a.streams[WIRE_OUTPUT_SIDE + 1], "s");
	a.wire.output_bytes[WIRE_OUTPUT_SIDE + 1] = 1;
	ck_assert_int_eq(check_with_digest(&a), 0);
	buf_add_str(&a.streams[WIRE_OUTPUT_SIDE + 2], "s");
	a.wire.output_bytes[WIRE_OUTPUT_SIDE + 2] = 1;
	ck_assert_int_eq(check_with_digest(&a), -EBADMSG);
	peer_job_result_release(&a);
	/* A failed compile has no side outputs. */
	a = (struct peer_job_result){ .n_side_outputs = 2,
				      .wire.wait_status = 256 };
	ck_assert_int_eq(check_with_digest(&a), 0);
}

TEST(a_result_of_another_job_or_toolchain_is_rejected)
{
	struct peer_job_result a = { .wire.output_bytes = { 0 } };
	struct err err;

	set_digest(&a);
	a.job_digest.b[3] ^= 1;
	err_is(peer_job_result_check(&a, &err), -EBADMSG,
	       "result digest mismatch");
	a.toolchain.b[0] ^= 1;
	ck_assert_int_eq(check_with_digest(&a), -EBADMSG);
	a.wire.toolchain.b[0] ^= 1;
	ck_assert_int_eq(check_with_digest(&a), 0);
}

TEST(a_job_number_is_not_reused)
{
	struct peer_job *a, *b;
	uint32_t first;

	a = peer_job_new(&conn, PEER_JOB_UNIT, NULL);
	first = a->number;
	peer_job_free(&conn, a);
	ck_assert_ptr_null(peer_job_find(&conn, first));
	a = peer_job_new(&conn, PEER_JOB_UNIT, NULL);
	b = peer_job_new(&conn, PEER_JOB_KNOWN_ANSWER, NULL);
	ck_assert_uint_ne(a->number, first);
	ck_assert_ptr_eq(peer_job_find(&conn, b->number), b);
	ck_assert_uint_eq(conn.n_jobs, 2);
	ck_assert_uint_eq(conn.n_test_jobs, 1);
	peer_job_free_all(&conn);
	ck_assert_uint_eq(conn.n_jobs, 0);
	ck_assert_uint_eq(conn.n_test_jobs, 0);
}

TEST(each_output_stream_of_a_job_has_a_limit)
{
	uint32_t max = wire_output_max(WIRE_OUTPUT_STDERR);
	struct peer_job *job = peer_job_new(&conn, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .stream = WIRE_OUTPUT_STDERR };
	struct buf big = { 0 };
	struct err err;

	ck_assert_int_eq(buf_reserve(&big, max), 0);
	memset(big.data, 'x', max);
	m.data = bytes_of(big.data, max);
	must(peer_job_add_output(&conn, job, &m, &err));
	m.data.len = 1;
	ck_assert_int_eq(peer_job_add_output(&conn, job, &m, &err), -EMSGSIZE);
	m.stream = WIRE_OUTPUT_STDOUT;
	must(peer_job_add_output(&conn, job, &m, &err));
	buf_release(&big);
	peer_job_free_all(&conn);
}

TEST(unrequested_side_outputs_are_dropped)
{
	struct peer_job *job = peer_job_new(&conn, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .stream = WIRE_OUTPUT_SIDE + 1,
				.data = bytes_str("side") };
	struct err err;

	job->result.n_side_outputs = 1;
	must(peer_job_add_output(&conn, job, &m, &err));
	ck_assert_uint_eq(conn.output_bytes, 0);
	ck_assert_uint_eq(job->result.streams[m.stream].len, 0);
	job->result.wire.n_sides = 1;
	job->result.wire.output_bytes[m.stream] = m.data.len;
	ck_assert_int_eq(peer_job_result_check(&job->result, &err), -EBADMSG);
	ck_assert_str_eq(err.text, "unexpected data in stream 6");
	peer_job_free_all(&conn);
}

TEST(the_total_output_per_node_and_of_all_nodes_is_limited)
{
	struct peer_job *a = peer_job_new(&conn, PEER_JOB_UNIT, NULL);
	struct peer_job *b = peer_job_new(&conn, PEER_JOB_UNIT, NULL);
	struct wire_piece m = { .data = bytes_str("object") };
	struct peer_job_result taken;
	struct err err;

	must(peer_job_add_output(&conn, a, &m, &err));
	must(peer_job_add_output(&conn, b, &m, &err));
	ck_assert_uint_eq(conn.output_bytes, 12);
	ck_assert_uint_eq(shared.output_bytes, 12);
	conn.output_bytes += PEER_NODE_OUTPUT_MAX - 13;
	ck_assert_int_eq(peer_job_add_output(&conn, b, &m, &err), -ENOBUFS);
	conn.output_bytes -= PEER_NODE_OUTPUT_MAX - 13;
	shared.output_bytes += PEER_ALL_OUTPUT_MAX - 13;
	ck_assert_int_eq(peer_job_add_output(&conn, b, &m, &err), -EBUSY);
	shared.output_bytes -= PEER_ALL_OUTPUT_MAX - 13;

	/* A result takes memory until its owner releases it. */
	taken = a->result;
	a->result = (struct peer_job_result){ 0 };
	peer_job_free_all(&conn);
	ck_assert_uint_eq(conn.output_bytes, 0);
	ck_assert_uint_eq(shared.output_bytes, 6);
	peer_job_result_release(&taken);
	peer_job_result_release(&taken);
	ck_assert_uint_eq(shared.output_bytes, 0);
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

static unsigned n_shut; /* SHUT messages that the node received */

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	(void)ctx;
	(void)body;
	(void)err;
	n_shut += type == WIRE_SHUT;
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	(void)ctx;
	ck_abort_msg("closed: %s", why->text);
}

static struct event_base *base;
static struct wire_stream *node;
static struct peer_sandboxes all = { .conn = &conn };

/* Connect `conn` to a node that ignores all messages. */
static void begin_session(void)
{
	static const struct wire_stream_ops stream_ops = {
		.on_msg = on_msg, .on_close = on_close
	};
	static const struct peer_ops ops = {
		.on_sandbox_stale = on_sandbox_stale,
		.on_wake_requested = on_wake_requested,
	};
	static enum wire_codec codec = WIRE_PLAIN;
	struct err err;
	int fd[2];

	base = event_base_new();
	shared.ops = &ops;
	shared.pool = pool_new(base, 1);
	shared.packed = peer_blob_upload_new_cache(&codec);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	node = wire_stream_new(base, fd[1], fd[1], &stream_ops, NULL);
	conn.stream = wire_stream_new(base, fd[0], fd[0], &stream_ops, NULL);
	conn.version = WIRE_VERSION;
	conn.paths = wire_paths_new();
	conn.upload = peer_blob_upload_new(conn.stream, shared.pool,
					   shared.packed);
	TAILQ_INIT(&all.list);
}

static void end_session(void)
{
	struct peer_sandbox *sandbox;

	while ((sandbox = TAILQ_FIRST(&all.list))) {
		TAILQ_REMOVE(&all.list, sandbox, list_entry);
		peer_input_sync_release(&sandbox->input_sync);
		free(sandbox->detail);
		free(sandbox);
	}
	peer_blob_upload_free(conn.upload);
	wire_intern_free(conn.paths);
	wire_stream_free(conn.stream);
	wire_stream_free(node);
	pool_free(shared.pool);
	store_packed_cache_free(shared.packed);
	event_base_free(base);
}

/*
 * The sandboxes of two toolchains wait for a file that was removed, and the
 * node has requested it for the first one only.
 */
TEST(a_removed_file_replaces_all_sandboxes_that_wait_for_it)
{
	struct inputs_paths *paths = inputs_paths_new();
	struct inputs_toolchain tc[2] = { { .driver = (char *)"/gcc" },
					  { .driver = (char *)"/clang" } };
	struct store_file_digest id = { .stamp.size = 4 };
	const struct inputs_entry *e;
	struct wire_need need = { .indices = (uint32_t[]){ 0 },
				  .n_indices = 1 };
	struct peer_sandbox *sandbox;
	struct err err;

	begin_session();
	e = inputs_path_set_file(paths, inputs_paths_get(paths, "/missing/a.h"),
				 &id);
	for (int i = 0; i < 2; i++) {
		peer_sandbox_request(&all, &tc[i], NULL);
		sandbox = peer_sandbox_find(&all, &tc[i]);
		must(peer_input_sync_add_entries(&sandbox->input_sync, &e, 1,
						 &need.view));
	}
	must(peer_input_updates_handle_need(&sandbox->input_sync.updates, &need,
					    &conn, &err));
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
	end_session();
	inputs_paths_free(paths);
}

/* Let the node refuse the last sandbox of a toolchain. */
static const struct peer_sandbox *refuse(const struct inputs_toolchain *tc,
					 const char *why)
{
	const struct wire_have m = { .state = WIRE_HAVE_REFUSED,
				     .detail = (char *)why };
	struct peer_sandbox *sandbox = peer_sandbox_find(&all, tc);

	ck_assert(peer_sandbox_handle_have(sandbox, &m));
	ck_assert_int_eq(sandbox->state, PEER_SANDBOX_CLOSED);
	return sandbox;
}

TEST(a_refused_sandbox_is_requested_again_after_10_20_up_to_320_s)
{
	static const unsigned delays_s[] = {
		10, 20, 40, 80, 160, 320, 320, 320
	};
	struct inputs_toolchain tc = { .state = INPUTS_STATE_READY };
	const struct peer_sandbox *refused;
	uint64_t before_ms, delay_ms;

	begin_session();
	peer_sandbox_request(&all, &tc, NULL);
	for (size_t i = 0; i < sizeof(delays_s) / sizeof(*delays_s); i++) {
		before_ms = clock_ms();
		refused = refuse(&tc, "disk full");
		/* The user gets one warning. */
		ck_assert_int_eq(refused->reason_repeated, i > 0);
		delay_ms = delays_s[i] * 1000;
		peer_sandbox_retry_refused(&all, before_ms + delay_ms - 1);
		ck_assert_ptr_eq(peer_sandbox_find(&all, &tc), refused);
		delay_ms += clock_ms();
		/* A toolchain that is being listed is not requested. */
		tc.state = INPUTS_STATE_UNVERIFIED;
		peer_sandbox_retry_refused(&all, delay_ms);
		ck_assert_ptr_eq(peer_sandbox_find(&all, &tc), refused);
		tc.state = INPUTS_STATE_READY;
		peer_sandbox_retry_refused(&all, delay_ms);
		ck_assert_ptr_ne(peer_sandbox_find(&all, &tc), refused);
		ck_assert_int_eq(peer_sandbox_find(&all, &tc)->state,
				 PEER_SANDBOX_REQUESTED);
	}
	ck_assert(!refuse(&tc, "no such user")->reason_repeated);
	end_session();
}

TEST(a_sandbox_that_the_build_host_closed_is_not_requested_again)
{
	struct inputs_toolchain tc = { .state = INPUTS_STATE_READY };
	struct peer_sandbox *sandbox;

	begin_session();
	peer_sandbox_request(&all, &tc, NULL);
	sandbox = peer_sandbox_find(&all, &tc);
	peer_sandbox_close(sandbox, "canary failed: a.c");
	peer_sandbox_retry_refused(&all, UINT64_MAX);
	ck_assert_ptr_eq(peer_sandbox_find(&all, &tc), sandbox);
	end_session();
}

TEST(the_node_releases_a_sandbox_for_whose_toolchain_no_path_ids_are_left)
{
	struct inputs_paths *paths = inputs_paths_new();
	struct store_file_digest id = { .stamp.size = 4 };
	const struct inputs_entry *file;
	struct inputs_toolchain tc = { .driver = (char *)"/gcc",
				       .entries = &file,
				       .n_entries = 1 };
	const struct peer_sandbox *sandbox;
	uint32_t number, i = 0;
	char name[4000];

	begin_session();
	do {
		snprintf(name, sizeof(name), "/%03990u", i++);
	} while (!wire_paths_add(conn.paths, name, &number));
	file = inputs_path_set_file(paths, inputs_paths_get(paths, name), &id);
	peer_sandbox_request(&all, &tc, NULL);
	sandbox = peer_sandbox_find(&all, &tc);
	ck_assert_int_eq(sandbox->state, PEER_SANDBOX_CLOSED);
	ck_assert_str_eq(sandbox->detail, "too many paths in one session");
	while (!n_shut)
		event_base_loop(base, EVLOOP_ONCE);
	end_session();
	inputs_paths_free(paths);
}

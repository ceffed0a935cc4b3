/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: relay */
/*
 * A relay with scripted members at Unix sockets.  The client of the relay is a
 * stream on a socket pair, and everything runs in one loop.
 */
#include "../lib/test.h"

#include "relay/relay.h"

#include "../lib/tempdir.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/socket.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/session.h"
#include "store/store.h"
#include "tls/key.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <event2/event.h>
#include <sys/socket.h>

TIMEOUT(100);

#define MEMBERS_MAX 3

#define ok(call) ck_assert_int_eq(call, 0)

enum manner {
	HONEST,
	DEAD,
	BUSY_ONCE,
	BROKEN,
	SILENT_JOB
};

struct member {
	char path[108];
	struct event *listener;
	enum manner manner;
	uint16_t cores;
	uint16_t version; /* 0: the current one */
	const char *model; /* of its cores */
	uint16_t capacity; /* of its cores */
	bool refuses; /* every sandbox */
	/* Its sandbox is ready only when the first member has received a job.
	 */
	bool late;
	unsigned unfit; /* number of sessions with a FIT that is not usable */
	uint16_t lease; /* sent after CELL; 0: none */
	struct digest below; /* key in RELAY; zero: the member is no relay */
	unsigned jobs, busy, blobs, cancels;
};

/* A session with a member, or the relay's connection without jobs. */
struct conn {
	struct member *member;
	struct wire_stream *stream;
	int version;
	unsigned missing; /* blobs that have not arrived */
	bool complete;
	uint32_t cell;
	uint32_t job;
};

static char dir[TEMPDIR_SIZE];
static struct kfarmd daemon_state;
static struct relay *relay;
static struct member members[MEMBERS_MAX];
static size_t n_members;
static struct conn *conns[64];
static size_t n_conns;

/* What the client has received. */
static struct client {
	struct wire_stream *stream;
	int version;
	struct wire_hello hello;
	struct wire_fit fit;
	struct wire_machine machine;
	struct wire_relay relay;
	bool has_hello, has_fit, has_machine, has_relay, closed;
	char *bye;
	unsigned haves, have_state;
	unsigned needs, n_indices;
	unsigned results, fails;
	struct wire_fail fail;
	uint32_t result_job;
	char *via;
	struct buf output;
	uint16_t lease;
} client;

/* -------------------------------------------------------------- members */

static void member_send(struct conn *c, uint16_t type, struct buf *body)
{
	wire_stream_send(c->stream, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
}

static void member_greet(struct conn *c, struct bytes in)
{
	struct member *m = c->member;
	struct wire_core_class class = {
		.model = (char *)m->model,
		.governor = (char *)"",
		.n_cpus = m->cores,
		.n_usable = m->cores,
		.threads_per_core = 1,
		.capacity = m->capacity,
	};
	struct wire_hello hello = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = m->version ? m->version : WIRE_VERSION,
		.software = (char *)"scripted",
		.inventory = { .machine = (char *)"x86_64",
			       .host = (char *)"h",
			       .boot_id = (char *)"b",
			       .cores = m->cores,
			       .memory_mib = 8192,
			       .available_mib = 8000 },
	};
	struct wire_fit fit = { .usable = 1,
				.layers = (char *)"user",
				.reason = (char *)"" };
	struct wire_machine machine = { .model = (char *)"",
					.kernel = (char *)"",
					.n_classes = 1,
					.classes = &class,
					.passive_mk = WIRE_HEALTH_UNKNOWN,
					.memory_mib = 8192,
					.health = wire_health_unknown };
	struct wire_relay_key key = { m->below };
	struct wire_relay below = { .n_keys = 1, .keys = &key };
	struct buf body = { 0 };
	struct wire_hello from;

	if (m->unfit) {
		m->unfit--;
		fit.usable = 0;
	}
	ok(wire_hello_decode(&from, in));
	c->version = wire_hello_negotiate(&from);
	if (c->version > hello.version_max)
		c->version = hello.version_max;
	wire_hello_release(&from);
	wire_hello_encode(&body, &hello);
	member_send(c, WIRE_HELLO, &body);
	strv_add(&fit.hosts, "x86_64");
	wire_fit_encode(&body, &fit);
	strv_release(&fit.hosts);
	member_send(c, WIRE_FIT, &body);
	wire_machine_encode_at(&body, &machine, c->version);
	member_send(c, WIRE_MACHINE, &body);
	if (digest_is_set(&m->below)) {
		wire_relay_encode_at(&body, &below, c->version);
		member_send(c, WIRE_RELAY, &body);
	}
}

static void member_have(struct conn *c, enum wire_have_state state)
{
	struct wire_have m = { .cell = c->cell,
			       .state = (uint8_t)state,
			       .detail = (char *)"" };
	struct buf body = { 0 };

	wire_have_encode_at(&body, &m, c->version);
	member_send(c, WIRE_HAVE, &body);
}

/* Request all files of the VIEW. */
static void member_view(struct conn *c, struct bytes in)
{
	struct wire_need need = { 0 };
	struct buf body = { 0 };
	struct wire_view m;

	ok(wire_view_decode_at(&m, in, c->version));
	need.cell = m.cell;
	need.view = m.view;
	need.indices = xcalloc(m.n_entries + 1, sizeof(*need.indices));
	for (uint32_t i = 0; i < m.n_entries; i++) {
		if (m.entries[i].inode.kind == WIRE_INODE_FILE)
			need.indices[need.n_indices++] = i;
	}
	c->missing += need.n_indices;
	c->complete |= m.part == WIRE_PART_TOOLCHAIN_END;
	wire_need_encode_at(&body, &need, c->version);
	member_send(c, WIRE_NEED, &body);
	wire_need_release(&need);
	wire_view_release(&m);
	if (c->complete && !c->missing && !c->member->late)
		member_have(c, WIRE_HAVE_READY);
}

static void member_fail(struct conn *c, enum wire_fail_class class)
{
	struct wire_fail m = { .job = c->job,
			       .class = (uint8_t) class,
			       .reason = (char *)"as told" };
	struct buf body = { 0 };

	if (class == WIRE_FAIL_BUSY)
		m.retry_ms = 10;
	wire_fail_encode_at(&body, &m, c->version);
	member_send(c, WIRE_FAIL, &body);
}

static void member_output(struct conn *c, const char *text)
{
	struct wire_piece m = { .job = c->job, .data = bytes_str(text) };
	struct buf body = { 0 };

	wire_piece_encode_at(&body, &m, c->version);
	member_send(c, WIRE_OUTPUT, &body);
}

static void end_lateness(void)
{
	for (size_t i = 0; i < n_conns; i++) {
		if (conns[i]->stream && conns[i]->member->late &&
		    conns[i]->complete)
			member_have(conns[i], WIRE_HAVE_READY);
	}
}

/* Returns -1 if the member ends the session. */
static int member_job(struct conn *c, struct bytes in)
{
	struct wire_result result = { 0 };
	struct buf body = { 0 };
	struct wire_job job;

	ok(wire_job_decode_at(&job, in, c->version));
	c->job = job.job;
	wire_job_release(&job);
	c->member->jobs++;
	end_lateness();
	switch (c->member->manner) {
	case DEAD:
		member_output(c, "partial");
		return -1;
	case BUSY_ONCE:
		if (!c->member->busy++) {
			member_fail(c, WIRE_FAIL_BUSY);
			return 0;
		}
		break;
	case BROKEN:
		member_output(c, "partial");
		member_fail(c, WIRE_FAIL_NODE);
		return 0;
	case SILENT_JOB:
		return 0;
	case HONEST:
		break;
	}
	member_output(c, "obj");
	member_output(c, "ect");
	result.job = c->job;
	result.output_bytes[WIRE_OUTPUT_OBJECT] = 6;
	wire_result_encode_at(&body, &result, c->version);
	member_send(c, WIRE_RESULT, &body);
	return 0;
}

static int on_member_msg(void *ctx, uint16_t type, struct bytes in,
			 struct err *err)
{
	struct conn *c = ctx;
	struct buf body = { 0 };
	struct wire_cell cell;
	struct wire_blob blob;
	struct wire_lease lease;

	switch (type) {
	case WIRE_HELLO:
		member_greet(c, in);
		return 0;
	case WIRE_CELL:
		ok(wire_cell_decode_at(&cell, in, c->version));
		c->cell = cell.cell;
		wire_cell_release(&cell);
		if (c->member->lease) {
			lease.n_slots = c->member->lease;
			wire_lease_encode_at(&body, &lease, c->version);
			member_send(c, WIRE_LEASE, &body);
		}
		if (c->member->refuses)
			member_have(c, WIRE_HAVE_REFUSED);
		return 0;
	case WIRE_VIEW:
		member_view(c, in);
		return 0;
	case WIRE_BLOB:
		ok(wire_blob_decode_at(&blob, in, c->version));
		ck_assert_uint_eq(blob.data.len, blob.size);
		c->member->blobs++;
		if (!--c->missing && c->complete && !c->member->late)
			member_have(c, WIRE_HAVE_READY);
		return 0;
	case WIRE_CANCEL:
		c->member->cancels++;
		return 0;
	case WIRE_JOB:
		return member_job(c, in) ? err_set(err, EIO, "as told") : 0;
	default:
		return 0;
	}
}

static void on_member_close(void *ctx, const struct err *why)
{
	struct conn *c = ctx;

	(void)why;
	wire_stream_free(c->stream);
	c->stream = NULL;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_member_msg, .on_close = on_member_close
	};
	struct conn *c = xcalloc(1, sizeof(*c));
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)what;
	ck_assert_int_ge(peer, 0);
	ck_assert_uint_lt(n_conns, 64);
	conns[n_conns++] = c;
	c->member = arg;
	c->stream = wire_stream_new(daemon_state.base, peer, peer, &ops, c);
}

static struct member *add_member(uint16_t cores)
{
	struct member *m = &members[n_members];
	struct err err;
	int fd;

	snprintf(m->path, sizeof(m->path), "%s/m%zu", dir, n_members++);
	m->cores = cores;
	m->model = "A";
	m->capacity = 1024;
	fd = socket_listen(m->path, 16, &err);
	ck_assert_int_ge(fd, 0);
	m->listener = event_new(daemon_state.base, fd, EV_READ | EV_PERSIST,
				on_accept, m);
	event_add(m->listener, NULL);
	return m;
}

/* --------------------------------------------------------------- client */

static int on_client_msg(void *ctx, uint16_t type, struct bytes in,
			 struct err *err)
{
	int version = client.version;
	struct wire_have have;
	struct wire_need need;
	struct wire_piece piece;
	struct wire_result result;
	struct wire_lease lease;
	struct wire_via via;

	(void)ctx;
	(void)err;
	switch (type) {
	case WIRE_HELLO:
		ok(wire_hello_decode(&client.hello, in));
		client.has_hello = true;
		break;
	case WIRE_FIT:
		ok(wire_fit_decode(&client.fit, in));
		client.has_fit = true;
		break;
	case WIRE_MACHINE:
		ok(wire_machine_decode_at(&client.machine, in, version));
		client.has_machine = true;
		break;
	case WIRE_RELAY:
		wire_relay_release(&client.relay);
		ok(wire_relay_decode_at(&client.relay, in, version));
		client.has_relay = true;
		break;
	case WIRE_HAVE:
		ok(wire_have_decode_at(&have, in, version));
		client.haves++;
		client.have_state = have.state;
		wire_have_release(&have);
		break;
	case WIRE_NEED:
		ok(wire_need_decode_at(&need, in, version));
		client.needs++;
		client.n_indices += need.n_indices;
		wire_need_release(&need);
		break;
	case WIRE_OUTPUT:
		ok(wire_piece_decode_at(&piece, in, version));
		buf_add_bytes(&client.output, piece.data);
		break;
	case WIRE_VIA:
		ok(wire_via_decode_at(&via, in, version));
		free(client.via);
		client.via = via.member;
		break;
	case WIRE_RESULT:
		ok(wire_result_decode_at(&result, in, version));
		client.results++;
		client.result_job = result.job;
		break;
	case WIRE_FAIL:
		wire_fail_release(&client.fail);
		ok(wire_fail_decode_at(&client.fail, in, version));
		client.fails++;
		break;
	case WIRE_LEASE:
		ok(wire_lease_decode_at(&lease, in, version));
		client.lease = lease.n_slots;
		break;
	case WIRE_BYE:
		ok(wire_bye_decode(&client.bye, in));
		break;
	default:
		break;
	}
	return 0;
}

static void on_client_close(void *ctx, const struct err *why)
{
	(void)ctx;
	(void)why;
	client.closed = true;
	wire_stream_free(client.stream);
	client.stream = NULL;
}

static void say(uint16_t type, struct buf *body)
{
	wire_stream_send(client.stream, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
}

static void turn_until(bool (*met)(void), const char *what)
{
	uint64_t end = clock_ms() + 60000;

	while (!met()) {
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
		ck_assert_msg(clock_ms() < end, "no %s", what);
	}
}

#define until(condition) turn_until(condition, #condition)

static bool is_greeted(void)
{
	return client.has_relay || (client.has_fit && !client.fit.usable) ||
	       (client.has_machine && client.version < 13);
}

static bool is_have_received(void)
{
	return client.haves > 0;
}

static bool is_need_received(void)
{
	return client.needs > 0;
}

static bool is_job_ended(void)
{
	return client.results + client.fails > 0;
}

static bool is_closed(void)
{
	return client.closed;
}

static bool is_lease_received(void)
{
	return client.lease > 0;
}

static bool is_member_listed(void)
{
	return client.relay.members.n > 0;
}

static bool is_job_on_a_member(void)
{
	return members[0].jobs > 0;
}

static bool is_job_cancelled(void)
{
	return members[0].cancels > 0;
}

/* Read the roster, start the relay and connect the client. */
static void connect_client(int version)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_client_msg, .on_close = on_client_close
	};
	struct kfarmd_session_peer who = { .address = "test" };
	struct buf conf = { 0 }, body = { 0 };
	struct relay_options options = { 0 };
	struct strv files = { 0 };
	char *store = xasprintf("%s/store", dir);
	char *key = xasprintf("%s/key.pem", dir);
	struct err err = { 0 };
	int fds[2], ret;

	for (size_t i = 0; i < n_members; i++)
		buf_printf(&conf, "[node \"m%zu\"]\n\taddress = unix:%s\n", i,
			   members[i].path);
	strv_own(&files, xasprintf("%s/kfarm.conf", dir));
	must(fs_write(files.v[0], buf_bytes(&conf), 0644, &err));
	buf_release(&conf);
	options = (struct relay_options){ .files = &files,
					  .store_dir = store,
					  .key_path = key };
	ret = relay_new(&relay, &daemon_state, &options, &err);
	ck_assert_msg(!ret, "%s", err.text);
	strv_release(&files);
	free(store);
	free(key);

	ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	client.version = version;
	client.stream = wire_stream_new(daemon_state.base, fds[0], fds[0], &ops,
					NULL);
	wire_hello_encode_client(&body, version);
	say(WIRE_HELLO, &body);
	relay_accept(relay, wire_io_from_fds(fds[1], fds[1]), &who);
	until(is_greeted);
}

static const char text[] = "content of the compiler\n";

static void request_sandbox(void)
{
	struct wire_cell cell = { .cell = 1, .driver = (char *)"/usr/bin/gcc" };
	struct wire_intern *paths = wire_paths_new();
	struct wire_entry entry = { .inode = { .kind = WIRE_INODE_FILE,
					       .executable = 1,
					       .size = sizeof(text) - 1 } };
	struct wire_view view = { .cell = 1,
				  .view = 1,
				  .part = WIRE_PART_TOOLCHAIN_END,
				  .n_entries = 1,
				  .entries = &entry };
	struct buf body = { 0 };

	wire_cell_encode_at(&body, &cell, client.version);
	say(WIRE_CELL, &body);
	ok(wire_paths_add(paths, "/usr/bin/gcc", &entry.path));
	ck_assert(wire_paths_put_new(paths, &body));
	say(WIRE_PATHS, &body);
	wire_intern_free(paths);
	digest_bytes(bytes_str(text), &entry.inode.digest);
	wire_view_encode_at(&body, &view, client.version);
	say(WIRE_VIEW, &body);
}

static void send_blob(void)
{
	struct wire_blob blob = { .size = sizeof(text) - 1,
				  .data = bytes_str(text) };
	struct buf body = { 0 };

	digest_bytes(bytes_str(text), &blob.digest);
	wire_blob_encode(&body, &blob);
	say(WIRE_BLOB, &body);
}

static void make_sandbox(void)
{
	request_sandbox();
	until(is_need_received);
	send_blob();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_READY);
}

static void send_job(uint32_t number)
{
	struct wire_job job = { .job = number,
				.cell = 1,
				.view = 1,
				.source = (char *)"a.c",
				.object = (char *)"a.o",
				.cost_ms = client.version < 13 ? 0 : 100 };
	struct buf body = { 0 };

	wire_job_encode_at(&body, &job, client.version);
	say(WIRE_JOB, &body);
}

static void set_up(void)
{
	struct err err;
	char *store;

	relay = NULL;
	memset(members, 0, sizeof(members));
	client = (struct client){ 0 };
	n_members = n_conns = 0;
	tempdir_make(dir);
	store = xasprintf("%s/store", dir);
	daemon_state = (struct kfarmd){ .base = event_base_new() };
	daemon_state.children = children_new(daemon_state.base);
	must(store_open(&daemon_state.store, store, 0, &err));
	free(store);
}

static void tear_down(void)
{
	relay_free(relay, "the test is done");
	for (size_t i = 0; i < n_conns; i++) {
		wire_stream_free(conns[i]->stream);
		free(conns[i]);
	}
	for (size_t i = 0; i < n_members; i++) {
		close(event_get_fd(members[i].listener));
		event_free(members[i].listener);
	}
	wire_stream_free(client.stream);
	wire_hello_release(&client.hello);
	wire_fit_release(&client.fit);
	wire_machine_release(&client.machine);
	wire_relay_release(&client.relay);
	wire_fail_release(&client.fail);
	buf_release(&client.output);
	free(client.bye);
	free(client.via);
	children_free(daemon_state.children);
	store_free(daemon_state.store);
	event_base_free(daemon_state.base);
	tempdir_remove(dir);
}

FIXTURE(set_up, tear_down);

/* ---------------------------------------------------------------- tests */

TEST(the_members_are_offered_as_one_node)
{
	add_member(4);
	add_member(2);
	add_member(8)->model = "B";
	connect_client(WIRE_VERSION);
	ck_assert_uint_eq(client.hello.inventory.cores, 14);
	/* 4 + 1, 2 + 1 and 8 + 2 with the jobs that are queued ahead */
	ck_assert_uint_eq(client.hello.inventory.slots, 18);
	ck_assert_uint_eq(client.hello.inventory.memory_mib, 3 * 8192);
	ck_assert_uint_eq(client.fit.usable, 1);
	ck_assert_str_eq(client.fit.hosts.v[0], "x86_64");
	ck_assert_uint_eq(client.machine.n_classes, 2);
	ck_assert_str_eq(client.machine.classes[0].model, "A");
	ck_assert_uint_eq(client.machine.classes[0].n_cpus, 6);
	ck_assert_str_eq(client.machine.classes[1].model, "B");
	ck_assert_uint_eq(client.relay.members.n, 3);
	ck_assert_str_eq(client.relay.members.v[2], "m2");
	ck_assert_uint_eq(client.relay.n_keys, 1);
}

TEST(a_blob_crosses_the_uplink_once)
{
	add_member(1);
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[0].blobs + members[1].blobs < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	ck_assert_uint_eq(client.n_indices, 1);
	ck_assert_uint_eq(client.haves, 1);
}

TEST(a_result_is_unchanged_and_names_its_member)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(7);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_uint_eq(client.result_job, 7);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_str_eq(buf_str(&client.output), "object");
}

static const struct {
	enum manner manner;
	unsigned jobs; /* that the first member receives */
} lossy[] = { { DEAD, 1 }, { BROKEN, 1 } };

TEST_EACH(another_member_executes_a_failed_job, lossy)
{
	add_member(2)->manner = row->manner;
	add_member(1)->late = true;
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[1].blobs < 1)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(members[0].jobs, row->jobs);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_str_eq(client.via, "m1");
	ck_assert_str_eq(buf_str(&client.output), "object");
}

TEST(the_client_receives_the_failure_of_the_last_member)
{
	add_member(1)->manner = BROKEN;
	add_member(1)->manner = BROKEN;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.fails, 1);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_NODE);
	ck_assert_uint_eq(members[0].jobs + members[1].jobs, 2);
	ck_assert_uint_eq(client.output.len, 0);
	ck_assert_ptr_nonnull(client.via);
}

TEST(a_busy_member_gets_the_job_again)
{
	add_member(1)->manner = BUSY_ONCE;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_uint_eq(members[0].jobs, 2);
}

TEST(a_cancelled_job_is_cancelled_on_its_member)
{
	struct buf body = { 0 };

	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	wire_number_encode(&body, 1);
	say(WIRE_CANCEL, &body);
	until(is_job_cancelled);
	ck_assert_uint_eq(client.results + client.fails, 0);
}

TEST(a_sandbox_is_refused_when_all_members_refuse_it)
{
	add_member(1)->refuses = true;
	add_member(1)->refuses = true;
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
}

TEST(a_member_with_another_version_than_the_client_is_not_used)
{
	add_member(1)->version = WIRE_VERSION - 1;
	add_member(1);
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(members[0].jobs, 0);
	ck_assert_uint_eq(members[1].jobs, 1);
}

TEST(an_older_client_uses_members_in_its_version)
{
	add_member(1);
	connect_client(12);
	make_sandbox();
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_ptr_null(client.via);
	ck_assert(!client.has_relay);
}

/* Add a member with slow cores and one with fast cores, which both are ready. */
static void start_two_speeds(enum manner of_fast)
{
	add_member(2)->capacity = 512;
	add_member(2)->manner = of_fast;
	members[1].model = "B";
	connect_client(WIRE_VERSION);
	make_sandbox();
	while (members[0].blobs + members[1].blobs < 2)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	/* Both HAVEs are in sockets of this process. */
	for (int i = 0; i < 100; i++)
		event_base_loop(daemon_state.base, EVLOOP_NONBLOCK);
}

TEST(a_job_goes_to_the_member_that_finishes_it_first)
{
	struct wire_pin pin = { .job = 1, .class = 1 };
	struct buf body = { 0 };

	start_two_speeds(HONEST);
	ck_assert_str_eq(client.machine.classes[1].model, "A");
	/* The class of the client does not restrict the choice. */
	wire_pin_encode_at(&body, &pin, client.version);
	say(WIRE_PIN, &body);
	send_job(1);
	until(is_job_ended);
	ck_assert_str_eq(client.via, "m1");
}

TEST(a_late_job_gets_a_backup_on_another_member)
{
	start_two_speeds(SILENT_JOB);
	send_job(1);
	until(is_job_ended);
	ck_assert_uint_eq(client.results, 1);
	ck_assert_uint_eq(members[1].jobs, 1);
	ck_assert_str_eq(client.via, "m0");
	ck_assert_str_eq(buf_str(&client.output), "object");
	while (!members[1].cancels)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
}

TEST(the_jobs_of_a_lost_sandbox_end)
{
	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	for (size_t i = 0; i < n_conns; i++) {
		if (conns[i]->stream && conns[i]->job)
			member_have(conns[i], WIRE_HAVE_LOST);
	}
	until(is_job_ended);
	ck_assert_uint_eq(client.fail.class, WIRE_FAIL_TOOLCHAIN);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_LOST);
}

TEST(a_member_in_front_of_the_relay_is_a_loop)
{
	char *path = xasprintf("%s/key.pem", dir);
	struct tls_key *key;
	struct err err;

	must(tls_key_load_or_create(&key, path, &err));
	add_member(1)->below = *tls_key_fingerprint(key);
	tls_key_free(key);
	free(path);
	connect_client(WIRE_VERSION);
	/* FIT precedes the loop only if the member's RELAY arrives later. */
	while (client.relay.members.n)
		event_base_loop(daemon_state.base, EVLOOP_ONCE);
	request_sandbox();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_REFUSED);
}

TEST(the_session_ends_with_its_last_member)
{
	add_member(1)->manner = SILENT_JOB;
	connect_client(WIRE_VERSION);
	make_sandbox();
	send_job(1);
	until(is_job_on_a_member);
	event_del(members[0].listener);
	shutdown(event_get_fd(members[0].listener), SHUT_RDWR);
	for (size_t i = 0; i < n_conns; i++) {
		wire_stream_free(conns[i]->stream);
		conns[i]->stream = NULL;
	}
	until(is_closed);
	ck_assert_ptr_nonnull(strstr(client.bye, "no member is left"));
}

TEST(a_blob_that_was_not_requested_ends_the_session)
{
	add_member(1);
	connect_client(WIRE_VERSION);
	request_sandbox();
	until(is_need_received);
	send_blob();
	send_blob();
	until(is_closed);
	ck_assert_ptr_nonnull(strstr(client.bye, "not requested"));
}

TEST(the_lease_is_the_sum_of_the_leases_of_the_members)
{
	add_member(8)->lease = 3;
	add_member(4);
	connect_client(WIRE_VERSION);
	make_sandbox();
	until(is_lease_received);
	/* 3 instead of 8 + 2, and 4 + 1 */
	ck_assert_uint_eq(client.lease, 8);
}

TEST(an_unfit_member_is_asked_again)
{
	add_member(1)->unfit = 1;
	connect_client(WIRE_VERSION);
	ck_assert_uint_eq(client.fit.usable, 0);
	until(is_member_listed);
	ck_assert_uint_eq(members[0].unfit, 0);
}

TEST(malformed_flags_end_the_session)
{
	struct buf body = { 0 };

	add_member(1);
	connect_client(WIRE_VERSION);
	buf_put_u32(&body, 7); /* not the next number */
	buf_put_u32(&body, 0);
	say(WIRE_FLAGS, &body);
	until(is_closed);
	ck_assert_str_eq(client.bye, "malformed FLAGS");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/relay-fixture.h - A relay with scripted members at Unix sockets.  The
 * client of the relay is a stream on a socket pair, and everything runs in one
 * loop.
 */
#ifndef UNIT_RELAY_FIXTURE_H
#define UNIT_RELAY_FIXTURE_H

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
#include "tls/clients.h"
#include "tls/key.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <event2/event.h>
#include <sys/socket.h>

#define MEMBERS_MAX 3

#define ok(call) ck_assert_int_eq(call, 0)

enum manner {
	HONEST,
	DEAD,
	BUSY_ONCE,
	BROKEN,
	SILENT_JOB,
	ENDLESS_OUTPUT,
	LARGE_OUTPUT,
	UNREQUESTED_OUTPUT,
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
	bool full; /* accept only the first connection, which has no jobs */
	bool late; /* its sandbox is ready when a member has received a job */
	bool defers; /* its NEEDs wait for send_deferred() */
	unsigned repeats; /* further NEEDs after each NEED */
	bool mute; /* no reply to TOOLS */
	unsigned n_toolchains; /* in its reply to TOOLS */
	unsigned unfit; /* number of sessions with a FIT that is not usable */
	uint16_t lease; /* sent after CELL; 0: none */
	struct digest below; /* key in RELAY; zero: the member is no relay */
	unsigned jobs, busy, blobs, cancels, rejected, accepted, shuts;
	unsigned exclusions;
	char *excluded; /* member in the last EXCLUDE */
};

/* A session with a member, or the relay's connection without jobs. */
#define REQUESTS_MAX 64

struct conn {
	struct member *member;
	struct wire_stream *stream;
	int version;
	struct digest requested[REQUESTS_MAX]; /* blobs that have not arrived */
	unsigned n_requested;
	bool complete;
	uint32_t cell;
	uint32_t job;
	struct buf deferred; /* body of a NEED */
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
	bool held; /* the last HELD was received */
	unsigned n_held; /* toolchains in all HELD messages */
	char *drop_detail; /* of DROPPED */
	unsigned relays; /* number of RELAY messages */
	char *bye;
	unsigned haves, have_state;
	char *have_detail;
	unsigned needs, n_indices;
	unsigned results, fails;
	struct wire_fail fail;
	uint32_t result_job;
	char *via;
	struct buf output;
	uint16_t lease;
	struct wire_intern *paths;
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
		fit.reason = (char *)"unfit";
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

/* Send BEAT with the job that was received last. */
__attribute__((unused)) static void member_beat(struct conn *c, uint32_t cpu_ms)
{
	struct wire_beat_job job = { .job = c->job, .cpu_ms = cpu_ms };
	struct wire_beat m = { .jobs = &job, .n_jobs = 1 };
	struct buf body = { 0 };

	wire_beat_encode_at(&body, &m, c->version);
	member_send(c, WIRE_BEAT, &body);
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

static bool is_requested(const struct conn *c, const struct digest *d)
{
	for (unsigned i = 0; i < c->n_requested; i++) {
		if (digest_equal(&c->requested[i], d))
			return true;
	}
	return false;
}

static void member_receive(struct conn *c, const struct digest *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_requested; i++) {
		if (!digest_equal(&c->requested[i], d))
			c->requested[n++] = c->requested[i];
	}
	c->n_requested = n;
}

/*
 * Request all files of the VIEW, except blobs that are already requested.  Like
 * kfarmd, wait for these even if the sandbox that requested them is closed.
 */
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
		const struct wire_inode *f = &m.entries[i].inode;

		if (f->kind != WIRE_INODE_FILE || is_requested(c, &f->digest))
			continue;
		need.indices[need.n_indices++] = i;
		ck_assert_uint_lt(c->n_requested, REQUESTS_MAX);
		c->requested[c->n_requested++] = f->digest;
	}
	c->complete |= m.part == WIRE_PART_TOOLCHAIN_END;
	for (unsigned i = 0; i < c->member->repeats; i++) {
		wire_need_encode_at(&body, &need, c->version);
		member_send(c, WIRE_NEED, &body);
	}
	wire_need_encode_at(&body, &need, c->version);
	if (c->member->defers)
		c->deferred = body;
	else
		member_send(c, WIRE_NEED, &body);
	wire_need_release(&need);
	wire_view_release(&m);
	if (c->complete && !c->n_requested && !c->member->late)
		member_have(c, WIRE_HAVE_READY);
}

/* Return the session whose NEED waits, or NULL. */
static struct conn *find_deferred(void)
{
	for (size_t i = 0; i < n_conns; i++) {
		if (conns[i]->deferred.len)
			return conns[i];
	}
	return NULL;
}

__attribute__((unused)) static void send_deferred(void)
{
	struct conn *c = find_deferred();

	member_send(c, WIRE_NEED, &c->deferred);
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

static void member_stream(struct conn *c, enum wire_output stream,
			  const char *text)
{
	struct wire_piece m = { .job = c->job,
				.stream = (uint8_t)stream,
				.data = bytes_str(text) };
	struct buf body = { 0 };

	wire_piece_encode_at(&body, &m, c->version);
	member_send(c, WIRE_OUTPUT, &body);
}

static void member_output(struct conn *c, const char *text)
{
	member_stream(c, WIRE_OUTPUT_OBJECT, text);
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
	case LARGE_OUTPUT:
		for (int i = 0; i < 100; i++)
			member_output(c, "0123456789");
		return 0;
	case ENDLESS_OUTPUT:
		for (int i = 0; i < 70000; i++)
			member_output(c, "");
		return 0;
	case UNREQUESTED_OUTPUT:
		member_stream(c, WIRE_OUTPUT_SIDE, "side");
		break;
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

/* Reply to TOOLS with at most WIRE_HELD_MAX toolchains in a HELD. */
static void member_list(struct conn *c, uint32_t request_id)
{
	unsigned total = c->member->n_toolchains, n = 0;

	do {
		struct wire_held held = { .request_id = request_id };
		struct buf body = { 0 };

		held.toolchains = xcalloc(WIRE_HELD_MAX,
					  sizeof(*held.toolchains));
		while (held.n_toolchains < WIRE_HELD_MAX && n < total)
			held.toolchains[held.n_toolchains++] =
				(struct wire_held_one){
					.id = xasprintf("gcc-%u", n++),
					.host = xstrdup("x86_64"),
					.detail = xstrdup(""),
				};
		held.last = n == total;
		wire_held_encode_at(&body, &held, c->version);
		wire_held_release(&held);
		member_send(c, WIRE_HELD, &body);
	} while (n < total);
}

static int on_member_msg(void *ctx, uint16_t type, struct bytes in,
			 struct err *err)
{
	struct conn *c = ctx;
	struct buf body = { 0 };
	struct wire_cell cell;
	struct wire_blob blob;
	struct wire_lease lease;
	struct wire_tools tools;
	struct wire_exclude exclusion;

	switch (type) {
	case WIRE_TOOLS:
		if (c->member->mute)
			return 0;
		ok(wire_tools_decode_at(&tools, in, c->version));
		member_list(c, tools.request_id);
		return 0;
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
		member_receive(c, &blob.digest);
		if (!c->n_requested && c->complete && !c->member->late)
			member_have(c, WIRE_HAVE_READY);
		return 0;
	case WIRE_CANCEL:
		c->member->cancels++;
		return 0;
	case WIRE_EXCLUDE:
		ok(wire_exclude_decode_at(&exclusion, in, c->version));
		free(c->member->excluded);
		c->member->excluded = exclusion.member;
		c->member->exclusions++;
		return 0;
	case WIRE_SHUT:
		c->member->shuts++;
		c->complete = false;
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
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct member *m = arg;
	struct conn *c;

	(void)what;
	ck_assert_int_ge(peer, 0);
	if (m->full && m->accepted++) {
		m->rejected++;
		close(peer);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	ck_assert_uint_lt(n_conns, 64);
	conns[n_conns++] = c;
	c->member = m;
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
	struct wire_dropped dropped;
	struct wire_held held;
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
		client.relays++;
		break;
	case WIRE_HAVE:
		ok(wire_have_decode_at(&have, in, version));
		client.haves++;
		client.have_state = have.state;
		free(client.have_detail);
		client.have_detail = have.detail;
		have.detail = NULL;
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
	case WIRE_HELD:
		ok(wire_held_decode_at(&held, in, version));
		ck_assert(!client.held);
		client.held = held.last;
		client.n_held += held.n_toolchains;
		wire_held_release(&held);
		break;
	case WIRE_DROPPED:
		ok(wire_dropped_decode_at(&dropped, in, version));
		free(client.drop_detail);
		client.drop_detail = dropped.detail;
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

__attribute__((unused)) static bool is_job_ended(void)
{
	return client.results + client.fails > 0;
}

__attribute__((unused)) static bool is_closed(void)
{
	return client.closed;
}

__attribute__((unused)) static bool is_lease_received(void)
{
	return client.lease > 0;
}

__attribute__((unused)) static bool is_job_on_a_member(void)
{
	return members[0].jobs > 0;
}

__attribute__((unused)) static bool is_session_rejected(void)
{
	return members[0].rejected > 0;
}

__attribute__((unused)) static bool is_request_answered(void)
{
	return client.held;
}

__attribute__((unused)) static bool is_drop_answered(void)
{
	return client.drop_detail;
}

__attribute__((unused)) static bool is_need_deferred(void)
{
	return find_deferred();
}

__attribute__((unused)) static bool is_sandbox_shut(void)
{
	return members[0].shuts > 0;
}

__attribute__((unused)) static bool is_blob_received(void)
{
	return members[0].blobs > 0;
}

__attribute__((unused)) static bool is_job_cancelled(void)
{
	return members[0].cancels > 0;
}

static const struct digest *client_key; /* NULL: no key */
static const char *member_key; /* of all members; NULL: no key */

/* Connect another client, which sends nothing, and return its socket. */
__attribute__((unused)) static int connect_silent_client(void)
{
	const struct kfarmd_session_peer who = { .address = "silent",
						 .client_name = "test",
						 .fingerprint = client_key };
	int fds[2];

	ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	relay_accept(relay, wire_io_from_fds(fds[1], fds[1]), &who);
	return fds[0];
}

static struct strv configuration_files;

/* Write a section for each member, and `more`, to the configuration. */
static void write_configuration(const char *more)
{
	char *path = xasprintf("%s/kfarm.conf", dir);
	struct buf conf = { 0 };
	struct err err;

	for (size_t i = 0; i < n_members; i++) {
		buf_printf(&conf, "[node \"m%zu\"]\n\taddress = unix:%s\n", i,
			   members[i].path);
		if (member_key)
			buf_printf(&conf, "\tkey = %s\n", member_key);
	}
	buf_add_str(&conf, more);
	must(fs_write(path, buf_bytes(&conf), 0644, &err));
	buf_release(&conf);
	free(path);
}

/* Read the roster, start the relay and connect the client. */
static void connect_client(int version)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_client_msg, .on_close = on_client_close
	};
	struct kfarmd_session_peer who = { .address = "test",
					   .client_name = "test",
					   .fingerprint = client_key };
	struct buf body = { 0 };
	struct relay_options options = { 0 };
	char *store = xasprintf("%s/store", dir);
	char *key = xasprintf("%s/key.pem", dir);
	struct err err = { 0 };
	int fds[2], ret;

	write_configuration("");
	strv_own(&configuration_files, xasprintf("%s/kfarm.conf", dir));
	options = (struct relay_options){ .files = &configuration_files,
					  .store_dir = store,
					  .key_path = key };
	ret = relay_new(&relay, &daemon_state, &options, &err);
	ck_assert_msg(!ret, "%s", err.text);
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

/* Send a VIEW with one file, whose path is new. */
static void send_view(uint32_t cell, uint32_t number, enum wire_part part,
		      const char *content)
{
	struct wire_entry entry = { .inode = { .kind = WIRE_INODE_FILE,
					       .executable = 1,
					       .size = strlen(content) } };
	struct wire_view view = { .cell = cell,
				  .view = number,
				  .part = (uint8_t)part,
				  .n_entries = 1,
				  .entries = &entry };
	char *path = xasprintf("/usr/file-%u-%u", cell, number);
	struct buf body = { 0 };

	ok(wire_paths_add(client.paths, path, &entry.path));
	ck_assert(wire_paths_put_new(client.paths, &body));
	say(WIRE_PATHS, &body);
	digest_bytes(bytes_str(content), &entry.inode.digest);
	wire_view_encode_at(&body, &view, client.version);
	say(WIRE_VIEW, &body);
	free(path);
}

static void request_sandbox_numbered(uint32_t number)
{
	struct wire_cell cell = { .cell = number,
				  .driver = (char *)"/usr/bin/gcc" };
	struct buf body = { 0 };

	wire_cell_encode_at(&body, &cell, client.version);
	say(WIRE_CELL, &body);
	send_view(number, 1, WIRE_PART_TOOLCHAIN_END, text);
}

static void request_sandbox(void)
{
	request_sandbox_numbered(1);
}

static void send_content(const char *content)
{
	struct wire_blob blob = { .size = strlen(content),
				  .data = bytes_str(content) };
	struct buf body = { 0 };

	digest_bytes(bytes_str(content), &blob.digest);
	wire_blob_encode(&body, &blob);
	say(WIRE_BLOB, &body);
}

static void send_blob(void)
{
	send_content(text);
}

static void make_sandbox(void)
{
	request_sandbox();
	until(is_need_received);
	send_blob();
	until(is_have_received);
	ck_assert_uint_eq(client.have_state, WIRE_HAVE_READY);
}

static void send_job_after(uint32_t number, uint32_t view)
{
	struct wire_job job = { .job = number,
				.cell = 1,
				.view = view,
				.source = (char *)"a.c",
				.object = (char *)"a.o",
				.cost_ms = client.version < 13 ? 0 : 100 };
	struct buf body = { 0 };

	wire_job_encode_at(&body, &job, client.version);
	say(WIRE_JOB, &body);
}

__attribute__((unused)) static void send_job(uint32_t number)
{
	send_job_after(number, 1);
}

/* Let messages arrive that are in transit, and their consequences happen. */
__attribute__((unused)) static void turn(int n)
{
	for (int i = 0; i < n; i++)
		event_base_loop(daemon_state.base, EVLOOP_NONBLOCK);
}

static void set_up(void)
{
	struct err err;
	char *store;

	relay = NULL;
	client_key = NULL;
	member_key = NULL;
	memset(members, 0, sizeof(members));
	client = (struct client){ .paths = wire_paths_new() };
	n_members = n_conns = 0;
	tempdir_make(dir);
	store = xasprintf("%s/store", dir);
	daemon_state = (struct kfarmd){ .base = event_base_new() };
	TAILQ_INIT(&daemon_state.peers);
	TAILQ_INIT(&daemon_state.neighbors);
	TAILQ_INIT(&daemon_state.neighbor_servers);
	daemon_state.children = children_new(daemon_state.base);
	must(store_open(&daemon_state.store, store, 0, &err));
	free(store);
}

static void tear_down(void)
{
	relay_free(relay, "the test is done");
	strv_release(&configuration_files);
	for (size_t i = 0; i < n_conns; i++) {
		wire_stream_free(conns[i]->stream);
		buf_release(&conns[i]->deferred);
		free(conns[i]);
	}
	for (size_t i = 0; i < n_members; i++) {
		close(event_get_fd(members[i].listener));
		event_free(members[i].listener);
		free(members[i].excluded);
	}
	wire_stream_free(client.stream);
	wire_hello_release(&client.hello);
	wire_fit_release(&client.fit);
	wire_machine_release(&client.machine);
	wire_relay_release(&client.relay);
	wire_fail_release(&client.fail);
	buf_release(&client.output);
	wire_intern_free(client.paths);
	free(client.bye);
	free(client.via);
	free(client.have_detail);
	free(client.drop_detail);
	children_free(daemon_state.children);
	tls_clients_free(daemon_state.clients);
	store_free(daemon_state.store);
	event_base_free(daemon_state.base);
	tempdir_remove(dir);
}

#endif

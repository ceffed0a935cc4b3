/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/scripted-node.h - Scripted nodes of several kinds, on the event base of
 * the code under test.
 */
#ifndef LIB_SCRIPTED_NODE_H
#define LIB_SCRIPTED_NODE_H

#include "node/roster.h"
#include "peer/canary-db.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include "tempdir.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

enum manner {
	HONEST, /* returns the object */
	FLIPPED, /* flips one bit of the object */
	SHORT, /* omits the last byte of the object */
	SWAPPED, /* returns the result of another job */
	FAILING, /* FAIL, node fault */
	REFUSING, /* FAIL, unsupported */
	COMPLAINING, /* exit status 1 and a message on stderr */
	TOOL_FAILS, /* the same of the tool of a step, honest without a step */
	WARNING, /* the object and a message on stderr */
	STEERING, /* the same with terminal escape sequences */
	STRANGE, /* refuses every sandbox */
	DEAD, /* disconnects when a job arrives */
	UNFIT, /* cannot create sandboxes */
	NEEDY, /* requests all blobs */
	PONDERING, /* like NEEDY, but its sandbox is never ready */
	SILENT, /* has all blobs, but its sandbox is never ready */
	NEEDY_AGAIN, /* like NEEDY, and requests one blob again, once */
	FOREIGN, /* its compiler read an unknown file */
	MISSING, /* FAIL, an input is missing */
	TOUCHING, /* a header is rewritten while it compiles, once */
	LOSING, /* FAIL, its sandbox is lost, once */
	BROODING, /* sends only heartbeats about a job */
	BUSY, /* FAIL, busy for 100 ms, once */
};

#define PLAYED_PATHS 65536
#define PLAYED_CORES 2

struct node {
	enum manner manner;
	bool mute; /* it sends no heartbeats */
	const char *machine, *boot_id;
	struct digest machine_id;
	char path[108];
	struct event *listener;
	struct wire_stream *stream;
	struct wire_intern *paths;
	struct wire_intern *flags;
	struct digest toolchain[64]; /* indexed by sandbox number */
	/* kind of each path in the last sandbox's view, plus 1 */
	uint8_t *kind;
	unsigned cells, views, shuts, blobs, lacks, lost;
	uint64_t blob_bytes;
	uint32_t ready; /* the sandbox whose toolchain lacks only blobs */
	uint32_t again_view, again_index; /* entry that is requested again */
	uint16_t version; /* maximum protocol version; 0: the current one */
	struct wire_job job; /* the job that is being received */
	/* number of core classes, of one core each, in the order of speed */
	unsigned classes;
	struct wire_pin pin; /* the last PIN received */
	unsigned pins; /* number of PINs received */
	struct wire_weight weight; /* the last WEIGHT received */
	struct wire_step step; /* the last tool step received before the job */
	bool stepped; /* `step` is set */
	unsigned jobs, steps, cancels;
	size_t job_bytes; /* size of the last JOB's body */

	/* Installed toolchain, and its behaviour for the canary. */
	const char *held, *held_host; /* NULL: not installed */
	/* toolchain id reported after an installation */
	const char *held_later;
	const char *fit_host; /* host in FIT, if not held_host */
	const char *held_content; /* content id in hex */
	/* dir_digest in hex, also after the next CELL; NULL: zero, no change */
	const char *held_tree, *held_tree_later;
	const char *miscompiled; /* canary source with a wrong object */
	const char *talkative; /* canary source with additional diagnostics */
	uint32_t cpu_ms; /* CPU time of each canary source; default 10 */
	bool held_cell[64];
	unsigned held_cells, canaries, asked;
	/* State of an installation. */
	struct wire_bundle bundle;
	bool has_bundle;
	unsigned bundles, bundle_lacks;
	bool lies; /* reports the digest with a wrong digit */
	bool asks_too_much; /* requests an entry that does not exist */
	bool asks_again; /* requests the same entries again */
	bool has_some; /* has every other file already */
	bool refuses; /* rejects the installation */
	const char *member; /* of a relay, which executes all jobs; or NULL */
	const char *other; /* member that executes them after an EXCLUDE */
	/* Names in RELAY, separated by blanks, at first and after EXCLUDE. */
	const char *listed, *listed_later;
	unsigned exclusions;
};

static struct event_base *base;
static struct node nodes[12];
static struct node_roster roster;
static char dir[TEMPDIR_SIZE];
static char *gcc;
static struct buf object; /* gcc's object of unit.c */

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
	char *path = at(name);
	struct err err;

	ck_assert_int_eq(fs_write(path, bytes_str(text), 0644, &err), 0);
	free(path);
}

/* Return the version of the node's session. */
static int node_version(const struct node *n)
{
	return n->version ? n->version : WIRE_VERSION;
}

__attribute__((unused)) static bool never(void)
{
	return false;
}

static const char *dep_text = "unit.o: unit.c /usr/include/stdc-predef.h "
			      "unit.h\n";
static const char *as_text = "out.o: /.kfarm/tmp/ccAbCdEf.s\n";

static void say(struct node *n, uint16_t type, struct buf *body)
{
	wire_stream_send(n->stream, type, buf_bytes(body), WIRE_LZO);
	buf_release(body);
}

/* A node that is silent for five seconds is lost. */
static void beat(void)
{
	static uint64_t last_ms;
	bool due = clock_ms() - last_ms >= 1000;

	last_ms = due ? clock_ms() : last_ms;
	for (size_t i = 0; i < roster.n && due; i++) {
		struct buf body = { 0 };

		wire_beat_encode(&body, &(struct wire_beat){ 0 });
		if (nodes[i].stream && !nodes[i].mute)
			say(&nodes[i], WIRE_BEAT, &body);
		buf_release(&body);
	}
}

/*
 * Run the loop until the condition is met, at most for `ms`, but for some turns
 * in any case, because this process may not be scheduled for a while.
 */
static void turn_until(bool (*met)(void), unsigned ms)
{
	uint64_t end = clock_ms() + ms;

	for (int i = 0; !met() && (clock_ms() < end || i < 50); i++) {
		beat();
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(500);
	}
}

static void send_piece(struct node *n, uint8_t stream, struct bytes data)
{
	struct wire_piece piece = { .job = n->job.job,
				    .stream = stream,
				    .data = data };
	struct buf body = { 0 };

	if (!data.len)
		return;
	wire_piece_encode(&body, &piece);
	say(n, WIRE_OUTPUT, &body);
}

static void send_fail(struct node *n, enum wire_fail_class class,
		      const char *reason)
{
	struct wire_fail m = { .job = n->job.job,
			       .class = (uint8_t) class,
			       .reason = (char *)reason };
	struct buf body = { 0 };

	if (class == WIRE_FAIL_BUSY)
		m.retry_ms = 100;
	wire_fail_encode_at(&body, &m, node_version(n));
	say(n, WIRE_FAIL, &body);
}

static void send_have(struct node *n, uint32_t cell, enum wire_have_state state)
{
	struct wire_have m = { .state = (uint8_t)state,
			       .detail = (char *)"as told" };
	struct buf body = { 0 };

	if (n->held_cell[cell] && state == WIRE_HAVE_READY)
		m.detail = (char *)n->held_content;
	m.cell = cell;
	wire_have_encode(&body, &m);
	say(n, WIRE_HAVE, &body);
}

#include "scripted-step.h"

static bool does_tool_fail(const struct node *n)
{
	return n->manner == TOOL_FAILS && n->stepped;
}

/* Fill in the outputs that this kind of node returns. */
static void fill_streams(const struct node *n,
			 struct bytes streams[static WIRE_N_OUTPUTS])
{
	memset(streams, 0, WIRE_N_OUTPUTS * sizeof(*streams));
	if (n->manner == COMPLAINING || n->manner == WARNING)
		streams[WIRE_OUTPUT_STDERR] = bytes_str("bad");
	if (does_tool_fail(n)) {
		streams[WIRE_OUTPUT_STDERR] = bytes_str(
			"unit.c: warning\nerror: cannot read \33[2J\n\n");
		return;
	}
	if (n->manner == STEERING)
		streams[WIRE_OUTPUT_STDERR] = bytes_str(
			"\33[01mb\33[K\302\23331m");
	if (n->manner != COMPLAINING)
		streams[WIRE_OUTPUT_OBJECT] = buf_bytes(&object);
	if (n->manner == FOREIGN)
		streams[WIRE_OUTPUT_DEPS] = bytes_str(
			"unit.o: unit.c /etc/shadow\n");
	else
		streams[WIRE_OUTPUT_DEPS] = bytes_str(dep_text);
	streams[WIRE_OUTPUT_AS_DEPS] = bytes_str(as_text);
	fill_step(n, streams);
}

/* Send RELAY, unless the list is NULL. */
static void send_members(struct node *n, const char *list)
{
	struct wire_relay relay = { 0 };
	struct buf body = { 0 };

	if (!list)
		return;
	strv_split(&relay.members, list, " ");
	wire_relay_encode_at(&body, &relay, node_version(n));
	strv_release(&relay.members);
	say(n, WIRE_RELAY, &body);
}

static void take_exclusion(struct node *n, struct bytes body)
{
	struct wire_exclude m;

	ck_assert_int_eq(wire_exclude_decode_at(&m, body, node_version(n)), 0);
	ck_assert_str_eq(m.member, n->member);
	wire_exclude_release(&m);
	n->exclusions++;
	n->member = n->other;
	send_members(n, n->listed_later);
}

static void send_answer(struct node *n)
{
	struct wire_result m = { .job = n->job.job, .cpu_ms = 10 };
	struct wire_via via = { .job = n->job.job };
	struct bytes streams[WIRE_N_OUTPUTS];
	struct digest key;
	struct buf body = { 0 }, bad = { 0 };

	fill_streams(n, streams);
	if (n->manner == SWAPPED)
		n->job.deadline_ms++; /* gives another job digest */
	make_key(n, &key);
	wire_result_digest(&key, streams, &m.digest);
	m.toolchain = n->toolchain[n->job.cell];
	m.wait_status = n->manner == COMPLAINING ? 1 << 8 : 0;
	if (does_tool_fail(n))
		m.wait_status = 1 << 8 | WIRE_STATUS_FROM_TOOL;
	if (streams[WIRE_OUTPUT_OBJECT].len)
		buf_add_bytes(&bad, streams[WIRE_OUTPUT_OBJECT]);
	if (n->manner == FLIPPED && bad.len)
		bad.data[bad.len / 2] ^= 4;
	if (n->manner == SHORT)
		bad.len--;
	streams[WIRE_OUTPUT_OBJECT] = buf_bytes(&bad);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		m.output_bytes[i] = (uint32_t)streams[i].len;
		send_piece(n, (uint8_t)i, streams[i]);
	}
	if (n->member) {
		via.member = (char *)n->member;
		wire_via_encode_at(&body, &via, node_version(n));
		say(n, WIRE_VIA, &body);
	}
	wire_result_encode_at(&body, &m, node_version(n));
	say(n, WIRE_RESULT, &body);
	buf_release(&bad);
}

/*
 * The machine as in HELLO.  A 32-bit gcc on a 64-bit kernel is not supported.
 */
static const char *machine_here(void)
{
	static struct utsname u;

	ck_assert_int_eq(uname(&u), 0);
	return u.machine;
}

/* Each digest must be requested only once. */
static bool is_there_before(const struct wire_view *v, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++) {
		if (v->entries[j].inode.kind == WIRE_INODE_FILE &&
		    digest_equal(&v->entries[j].inode.digest,
				 &v->entries[i].inode.digest))
			return true;
	}
	return false;
}

#include "scripted-canary.h"

static void answer(struct node *n)
{
	if (is_canary(n)) {
		answer_canary(n);
		return;
	}
	n->jobs++;
	if (n->manner == FAILING) {
		send_fail(n, WIRE_FAIL_NODE, "as told");
	} else if (n->manner == REFUSING) {
		send_fail(n, WIRE_FAIL_UNSUPPORTED, "as told");
	} else if (n->manner == MISSING) {
		send_fail(n, WIRE_FAIL_INPUT, "unit.h");
	} else if (n->manner == LOSING && !n->lost++) {
		send_have(n, n->job.cell, WIRE_HAVE_LOST);
		send_fail(n, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
	} else if (n->manner == TOUCHING && !n->lost++) {
		write_file("unit.h", "#define UNIT 3\nint unit(int b);\n");
		send_answer(n);
	} else if (n->manner == BROODING) {
		return;
	} else if (n->manner == BUSY && n->jobs == 1) {
		send_fail(n, WIRE_FAIL_BUSY, "as told");
	} else if (n->manner == DEAD) {
		wire_stream_free(n->stream);
		n->stream = NULL;
	} else {
		send_answer(n);
	}
}

static void take_cell(struct node *n, struct bytes body)
{
	struct wire_cell m;

	ck_assert_int_eq(wire_cell_decode(&m, body), 0);
	ck_assert_uint_lt(m.cell, 64);
	n->toolchain[m.cell] = m.toolchain;
	n->held_cell[m.cell] = *m.installed_id;
	if (*m.installed_id) {
		ck_assert_str_eq(m.installed_id, n->held);
		n->held_cells++;
		if (n->held_tree_later)
			n->held_tree = n->held_tree_later;
	}
	n->cells++;
	memset(n->kind, 0, PLAYED_PATHS);
	wire_cell_release(&m);
}

static bool wants_bytes(const struct node *n)
{
	return n->manner == NEEDY || n->manner == PONDERING ||
	       n->manner == NEEDY_AGAIN;
}

static void send_need(struct node *n, const struct wire_view *v)
{
	struct wire_need m = { .cell = v->cell, .view = v->view };
	struct buf body = { 0 };

	m.indices = xcalloc(v->n_entries + 1, sizeof(*m.indices));
	for (uint32_t i = 0; i < v->n_entries && wants_bytes(n); i++) {
		if (v->entries[i].inode.kind == WIRE_INODE_FILE &&
		    !is_there_before(v, i))
			m.indices[m.n_indices++] = i;
	}
	n->lacks += m.n_indices;
	if (m.n_indices && !n->again_view) {
		n->again_view = v->view;
		n->again_index = m.indices[0];
	}
	wire_need_encode(&body, &m);
	say(n, WIRE_NEED, &body);
	wire_need_release(&m);
}

static void need_again(struct node *n)
{
	struct wire_need m = { .cell = n->ready - 1,
			       .view = n->again_view,
			       .indices = &n->again_index,
			       .n_indices = 1 };
	struct buf body = { 0 };

	n->lacks++;
	wire_need_encode(&body, &m);
	say(n, WIRE_NEED, &body);
}

static void be_ready(struct node *n)
{
	if (n->ready && !n->lacks && n->manner == NEEDY_AGAIN && !n->lost++)
		need_again(n);
	if (n->ready && !n->lacks && n->manner != PONDERING &&
	    n->manner != SILENT) {
		send_have(n, n->ready - 1, WIRE_HAVE_READY);
		n->ready = 0;
	}
}

static void take_view(struct node *n, struct bytes body)
{
	struct wire_view m;

	ck_assert_int_eq(wire_view_decode(&m, body), 0);
	if (n->has_bundle && m.cell == n->bundle.bundle) {
		need_bundle(n, &m);
		wire_view_release(&m);
		return;
	}
	n->views++;
	for (uint32_t i = 0; i < m.n_entries; i++) {
		ck_assert_ptr_nonnull(
			wire_paths_get(n->paths, m.entries[i].path));
		ck_assert_uint_lt(m.entries[i].path, PLAYED_PATHS);
		n->kind[m.entries[i].path] = (uint8_t)(m.entries[i].inode.kind +
						       1);
	}
	send_need(n, &m);
	if (m.part == WIRE_PART_TOOLCHAIN_END && n->manner == STRANGE)
		send_have(n, m.cell, WIRE_HAVE_REFUSED);
	else if (m.part == WIRE_PART_TOOLCHAIN_END)
		n->ready = m.cell + 1;
	be_ready(n);
	wire_view_release(&m);
}

static void take_blob(struct node *n, struct bytes body)
{
	struct wire_blob m;

	ck_assert_int_eq(wire_blob_decode(&m, body), 0);
	n->blob_bytes += m.data.len;
	if (m.offset + m.data.len < m.size)
		return;
	n->blobs++;
	if (n->bundle_lacks) {
		if (!--n->bundle_lacks && !n->refuses && !n->lies)
			end_bundle(n);
		return;
	}
	ck_assert_uint_gt(n->lacks, 0);
	n->lacks--;
	be_ready(n);
}

static void take_job(struct node *n, struct bytes body)
{
	wire_job_release(&n->job);
	ck_assert_int_eq(wire_job_decode_at(&n->job, body, node_version(n)), 0);
	ck_assert_ptr_nonnull(wire_paths_get(n->paths, n->job.cwd));
	n->job_bytes = body.len;
	check_step(n);
	answer(n);
	n->stepped = false;
}

static int node_hears(void *ctx, uint16_t type, struct bytes body,
		      struct err *err)
{
	struct node *n = ctx;

	(void)err;
	if (type == WIRE_CELL)
		take_cell(n, body);
	else if (type == WIRE_PATHS)
		ck_assert_int_eq(wire_paths_receive(n->paths, body), 0);
	else if (type == WIRE_FLAGS)
		ck_assert_int_eq(wire_flags_receive(n->flags, body), 0);
	else if (type == WIRE_VIEW)
		take_view(n, body);
	else if (type == WIRE_BLOB)
		take_blob(n, body);
	else if (type == WIRE_STEP)
		take_step(n, body);
	else if (type == WIRE_WEIGHT)
		ck_assert_int_eq(wire_weight_decode(&n->weight, body), 0);
	else if (type == WIRE_PIN)
		n->pins += !wire_pin_decode_at(&n->pin, body, node_version(n));
	else if (type == WIRE_JOB)
		take_job(n, body);
	else if (type == WIRE_TOOLS)
		send_held(n, body);
	else if (type == WIRE_BUNDLE)
		take_bundle(n, body);
	else if (type == WIRE_DROP)
		take_drop(n, body);
	else if (type == WIRE_SHUT)
		n->shuts++;
	else if (type == WIRE_EXCLUDE)
		take_exclusion(n, body);
	else if (type == WIRE_CANCEL)
		n->cancels++;
	return 0;
}

static void node_closed(void *ctx, const struct err *why)
{
	struct node *n = ctx;

	(void)why;
	wire_stream_free(n->stream);
	n->stream = NULL;
}

static void send_hello(struct node *n)
{
	struct wire_hello hello = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = (uint16_t)node_version(n),
		.software = (char *)"played",
		.inventory = { .machine = (char *)n->machine,
			       .host = (char *)"played",
			       .boot_id = (char *)(n->boot_id ? n->boot_id :
								""),
			       .cores = PLAYED_CORES,
			       .memory_mib = 4096,
			       .available_mib = 4096 },
	};
	struct wire_core_class classes[PLAYED_CORES];
	struct wire_machine machine = { .machine_id = n->machine_id,
					.n_classes = (uint8_t)n->classes,
					.classes = classes,
					.health = wire_health_unknown };
	struct wire_fit fit = { .usable = n->manner != UNFIT,
				.layers = (char *)"user mount",
				.reason = (char *)"" };
	struct buf body = { 0 };

	wire_hello_encode(&body, &hello);
	say(n, WIRE_HELLO, &body);
	if (n->manner == UNFIT)
		fit.reason = (char *)"seccomp is missing";
	if (n->held_host || n->fit_host)
		strv_add(&fit.hosts, n->fit_host ? n->fit_host : n->held_host);
	wire_fit_encode(&body, &fit);
	say(n, WIRE_FIT, &body);
	strv_release(&fit.hosts);
	for (unsigned i = 0; i < n->classes; i++)
		classes[i] = (struct wire_core_class){ .model = (char *)"",
						       .governor = (char *)"",
						       .n_cpus = 1,
						       .n_usable = 1,
						       .threads_per_core = 1,
						       .capacity = 1024 >> i };
	wire_machine_encode_at(&body, &machine, node_version(n));
	say(n, WIRE_MACHINE, &body);
	send_members(n, n->listed);
}

static void forget_talk(struct node *n)
{
	wire_intern_free(n->paths);
	wire_intern_free(n->flags);
	free(n->kind);
	wire_bundle_release(&n->bundle);
	n->has_bundle = false;
	n->bundle_lacks = 0;
	n->paths = NULL;
	n->flags = NULL;
	n->kind = NULL;
}

static void node_connected(evutil_socket_t fd, short what, void *arg)
{
	static const struct wire_stream_ops ops = { .on_msg = node_hears,
						    .on_close = node_closed };
	struct node *n = arg;
	int one = accept(fd, NULL, NULL);

	(void)what;
	/* The end of the previous session has not arrived yet. */
	if (n->stream)
		wire_stream_free(n->stream);
	forget_talk(n);
	n->paths = wire_paths_new();
	n->flags = wire_flags_new();
	n->kind = xcalloc(PLAYED_PATHS, 1);
	n->ready = n->lacks = 0;
	n->stream = wire_stream_new(base, one, one, &ops, n);
	send_hello(n);
}

/* Return the kind last sent for a file other than unit.c; -1: never sent. */
__attribute__((unused)) static int told(const struct node *n, const char *name)
{
	char *path = at(name);
	int kind = -1;

	for (uint32_t i = 0; wire_paths_get(n->paths, i); i++) {
		if (!strcmp(wire_paths_get(n->paths, i), path))
			kind = n->kind[i] - 1;
	}
	free(path);
	return kind;
}

static void play_node(size_t i, enum manner manner)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct node *n = &nodes[i];
	struct err err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *text;

	n->manner = manner;
	if (!n->machine)
		n->machine = machine_here();
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/node%zu", dir, i);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	n->listener = event_new(base, fd, EV_READ | EV_PERSIST, node_connected,
				n);
	event_add(n->listener, NULL);

	text = xasprintf("unix:%s", sun.sun_path);
	roster.v = xrealloc(roster.v, (i + 1) * sizeof(*roster.v));
	roster.v[i] = (struct node_entry){ .name = xasprintf("node%zu", i),
					   .address_text = text,
					   .codec = WIRE_LZO };
	ck_assert_int_eq(node_address_parse(&roster.v[i].address, text, &err),
			 0);
	roster.n = i + 1;
}

static void end_nodes(void)
{
	for (size_t i = 0; i < roster.n; i++) {
		if (nodes[i].stream)
			wire_stream_free(nodes[i].stream);
		if (nodes[i].listener)
			event_free(nodes[i].listener);
		forget_talk(&nodes[i]);
		wire_job_release(&nodes[i].job);
		wire_step_release(&nodes[i].step);
	}
	node_roster_release(&roster);
}

#endif

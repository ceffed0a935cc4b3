/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/coord-play.h - a wrapper and nodes, played for the coordinator
 */
#ifndef COORD_PLAY_H
#define COORD_PLAY_H

/*
 * The coordinator between a wrapper and nodes that this test plays itself,
 * with the machine's own gcc as the compiler.
 */
#include "coord/coord.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "wire/cc.h"
#include "wire/stream.h"

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
#include <unistd.h>

enum manner {
	HONEST, /* answers with the object */
	FLIPPED, /* one bit of the object is another */
	SHORT, /* the object lacks its last byte */
	SWAPPED, /* the answer of another job */
	FAILING, /* FAIL, node fault */
	REFUSING, /* FAIL, unsupported */
	COMPLAINING, /* exit status 1 and something on stderr */
	WARNING, /* the object, and something on stderr */
	STRANGE, /* no toolchain of that identity */
	DEAD, /* hangs up when a job comes */
};

struct node {
	enum manner manner;
	char path[108];
	struct event *listener;
	struct wire_stream *stream;
	struct wire_job job; /* the one that is being received */
	struct digest_run *text;
	size_t text_len;
	unsigned jobs, cancels;
};

static struct event_base *base;
static struct coord *coord;
static struct node nodes[3];
static struct node_roster roster;
static char dir[] = "/tmp/kfarm-check-XXXXXX";
static char *gcc, *socket_path;
static struct buf object; /* what gcc makes of unit.c */

/* what the wrapper heard */
static struct wire_stream *wrapper;
static char *local_why;
static bool done;
static unsigned beats;
static mode_t mask; /* the wrapper's */
static bool terminal; /* its stderr is one */
static char aways[64]; /* how many jobs were away, a digit each change */

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void turn_until(bool (*met)(void), unsigned ms)
{
	uint64_t end = clock_ms() + ms;

	while (!met() && clock_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(500);
	}
}

static bool answered(void)
{
	return done || local_why;
}

static bool never(void)
{
	return false;
}

static void send_piece(struct node *n, struct bytes data)
{
	struct wire_piece piece = { .job = n->job.job,
				    .stream = WIRE_OBJECT,
				    .data = data };
	struct buf body = { 0 };

	wire_piece_encode(&body, &piece);
	wire_stream_send(n->stream, WIRE_OUTPUT, buf_bytes(&body), WIRE_LZO);
	buf_release(&body);
}

static void send_fail(struct node *n, enum wire_fail_class class)
{
	struct wire_fail m = { .job = n->job.job,
			       .class = (uint8_t) class,
			       .reason = (char *)"as told" };
	struct buf body = { 0 };

	wire_fail_encode(&body, &m);
	wire_stream_send(n->stream, WIRE_FAIL, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static void send_result(struct node *n, struct bytes sent)
{
	struct wire_result m = { .job = n->job.job,
				 .cpu_ms = 10,
				 .toolchain = n->job.toolchain,
				 .object_len = (uint32_t)sent.len };
	struct digest text, key;
	struct buf body = { 0 };

	digest_end(n->text, &text);
	n->text = NULL;
	if (n->manner == SWAPPED)
		n->job.deadline_ms++; /* so that the key is another's */
	wire_job_key(&n->job, &text, &key);
	wire_answer_digest(&key, buf_bytes(&object), &m.answer);
	if (n->manner == COMPLAINING) {
		m.wait_status = 1 << 8;
		m.stderr_len = 3;
	} else if (n->manner == WARNING) {
		m.stderr_len = 3;
	}
	wire_result_encode(&body, &m);
	wire_stream_send(n->stream, WIRE_RESULT, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static void answer(struct node *n)
{
	struct bytes sent = buf_bytes(&object);
	uint8_t *copy = (uint8_t *)bytes_dup(sent);

	n->jobs++;
	if (n->manner == FLIPPED)
		copy[sent.len / 2] ^= 4;
	if (n->manner == SHORT)
		sent.len--;
	sent.data = copy;
	if (n->manner == FAILING) {
		send_fail(n, WIRE_FAIL_NODE);
	} else if (n->manner == REFUSING) {
		send_fail(n, WIRE_FAIL_UNSUPPORTED);
	} else if (n->manner == DEAD) {
		wire_stream_free(n->stream);
		n->stream = NULL;
	} else {
		send_piece(n, sent);
		send_result(n, sent);
	}
	free(copy);
}

static void send_have(struct node *n, struct bytes body)
{
	struct wire_have m = { .detail = (char *)"" };
	struct wire_ask ask;
	struct buf out = { 0 };

	ck_assert_int_eq(wire_ask_decode(&ask, body), 0);
	m.seq = ask.seq;
	m.state = n->manner == STRANGE ? WIRE_HAVE_OTHER : WIRE_HAVE_SAME;
	wire_have_encode(&out, &m);
	wire_stream_send(n->stream, WIRE_HAVE, buf_bytes(&out), WIRE_PLAIN);
	buf_release(&out);
	wire_ask_release(&ask);
}

static void take_text(struct node *n, struct bytes body)
{
	struct wire_piece piece;

	ck_assert_int_eq(wire_piece_decode(&piece, body), 0);
	digest_add(n->text, piece.data);
	n->text_len += piece.data.len;
	if (n->text_len == n->job.text_len)
		answer(n);
}

static int node_hears(void *ctx, uint16_t type, struct bytes body,
		      struct err *err)
{
	struct node *n = ctx;

	(void)err;
	if (type == WIRE_ASK) {
		send_have(n, body);
	} else if (type == WIRE_JOB) {
		wire_job_release(&n->job);
		ck_assert_int_eq(wire_job_decode(&n->job, body), 0);
		n->text = digest_new();
		n->text_len = 0;
	} else if (type == WIRE_TEXT) {
		take_text(n, body);
	} else if (type == WIRE_CANCEL) {
		n->cancels++;
	}
	return 0;
}

static void node_closed(void *ctx, const struct err *why)
{
	struct node *n = ctx;

	(void)why;
	wire_stream_free(n->stream);
	n->stream = NULL;
}

static void node_connected(evutil_socket_t fd, short what, void *arg)
{
	static const struct wire_stream_ops ops = { .on_msg = node_hears,
						    .on_close = node_closed };
	struct wire_hello hello = {
		.version_min = 1,
		.version_max = 1,
		.software = (char *)"played",
		.inventory = { .machine = (char *)"x86_64",
			       .host = (char *)"played",
			       .boot_id = (char *)"",
			       .cores = 2,
			       .memory_mib = 4096,
			       .available_mib = 4096 },
	};
	struct node *n = arg;
	struct buf body = { 0 };
	int one = accept(fd, NULL, NULL);

	(void)what;
	n->stream = wire_stream_new(base, one, one, &ops, n);
	wire_hello_encode(&body, &hello);
	wire_stream_send(n->stream, WIRE_HELLO, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static void play_node(size_t i, enum manner manner)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct node *n = &nodes[i];
	struct err err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *text;

	n->manner = manner;
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

static int wrapper_hears(void *ctx, uint16_t type, struct bytes body,
			 struct err *err)
{
	struct wire_cc_done m;

	(void)ctx;
	(void)err;
	if (type == WIRE_CC_BEAT)
		beats++;
	if (type == WIRE_CC_LOCAL)
		local_why = bytes_dup(body);
	if (type == WIRE_CC_DONE) {
		ck_assert_int_eq(wire_cc_done_decode(&m, body), 0);
		ck_assert_str_eq(m.object, "unit.o");
		ck_assert_str_eq(m.dep, ".unit.o.d");
		ck_assert_int_eq(m.status, 0);
		done = true;
		wire_cc_done_release(&m);
	}
	return 0;
}

static void wrapper_closed(void *ctx, const struct err *why)
{
	(void)ctx;
	(void)why;
}

/* Ask as kfarm-cc does. */
static void compile(const char *extra)
{
	static const struct wire_stream_ops ops = {
		.on_msg = wrapper_hears, .on_close = wrapper_closed
	};
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct wire_cc_job m = { .pid = 4711,
				 .umask = mask,
				 .terminal = terminal,
				 .cwd = dir,
				 .compiler = gcc };
	struct buf body = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strv_add(&m.argv, "gcc");
	strv_add(&m.argv, "-Wp,-MMD,.unit.o.d");
	strv_add(&m.argv, "-O2");
	if (extra)
		strv_add(&m.argv, extra);
	strv_add(&m.argv, "-c");
	strv_add(&m.argv, "-o");
	strv_add(&m.argv, "unit.o");
	strv_add(&m.argv, "unit.c");
	strv_add(&m.env, "PATH=/usr/bin:/bin");
	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	wrapper = wire_stream_new(base, fd, fd, &ops, NULL);
	wire_cc_job_encode(&body, &m);
	wire_stream_send(wrapper, WIRE_CC_JOB, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	strv_release(&m.argv);
	strv_release(&m.env);
}

static void compile_whole(void)
{
	char *argv[] = { gcc,          (char *)"-O2",        (char *)"-c",
			 (char *)"-o", (char *)"expected.o", (char *)"unit.c",
			 NULL };
	struct spawn what = { .argv = argv, .cwd = dir, .fd = { -1, -1, -1 } };
	struct err err;
	char *path = at("expected.o");
	pid_t pid;

	ck_assert_int_eq(spawn_start(&what, &pid, &err), 0);
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert_int_eq(fs_read(path, 1 << 20, &object, &err), 0);
	free(path);
}

static void setup(void)
{
	static const char unit[] =
		"#include \"unit.h\"\nint unit(int a) { return a * UNIT; }\n";
	static const char header[] = "#define UNIT 3\nint unit(int a);\n";
	char *c, *h;
	struct err err;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	mask = umask(0);
	umask(mask);
	c = at("unit.c");
	h = at("unit.h");
	fs_write(c, bytes_str(unit), 0644, &err);
	fs_write(h, bytes_str(header), 0644, &err);
	free(c);
	free(h);
	base = event_base_new();
	gcc = which_compiler("gcc", "/usr/bin:/bin", NULL);
	ck_assert_ptr_nonnull(gcc);
	socket_path = at("socket");
	compile_whole();
}

static void on_away(void *ctx, unsigned n)
{
	(void)ctx;
	ck_assert_uint_lt(n, 10);
	aways[strlen(aways)] = (char)('0' + n);
}

static void start(void)
{
	struct coord_setup s = { .base = base,
				 .socket = socket_path,
				 .work = dir,
				 .roster = &roster,
				 .local_slots = 1,
				 .away = on_away };
	struct err err;

	ck_assert_int_eq(coord_new(&coord, &s, &err), 0);
}

static void teardown(void)
{
	struct err err;

	if (wrapper)
		wire_stream_free(wrapper);
	coord_free(coord);
	for (size_t i = 0; i < roster.n; i++) {
		if (nodes[i].stream)
			wire_stream_free(nodes[i].stream);
		event_free(nodes[i].listener);
	}
	node_roster_release(&roster);
	event_base_free(base);
	fs_remove(dir, &err);
}

/* The object and its list lie in the temporaries, whole. */
static void expect_delivered(void)
{
	char *path = at(".unit.o.kfarm.4711"), *dep = at("..unit.o.d.kfarm."
							 "4711");
	struct buf got = { 0 }, list = { 0 };
	struct err err;

	ck_assert_msg(done, "%s", local_why ? local_why : "no answer");
	ck_assert_int_eq(fs_read(path, 1 << 20, &got, &err), 0);
	ck_assert(bytes_equal(buf_bytes(&got), buf_bytes(&object)));
	ck_assert_msg(!fs_read(dep, 1 << 20, &list, &err), "%s", err.text);
	ck_assert_str_eq(buf_str(&list), "unit.o: unit.c unit.h\n");
	buf_release(&got);
	buf_release(&list);
	free(path);
	free(dep);
}

static struct coord_stats stats(void)
{
	struct coord_stats s;

	coord_stats(coord, &s);
	return s;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/idle-nodes.c - Many idle tls: nodes in one process, each with its own
 * address of 127.1.0.0/16 and its own key.
 *
 *	idle-nodes DIR CONFIG PORT LIVE SILENT REFUSING
 *
 * The program writes the nodes' keys to DIR, the build host's key to
 * DIR/key.pem, and a configuration with all nodes to CONFIG.  LIVE nodes send a
 * kfarmd's messages (HELLO, FIT, MACHINE, then BEAT and HEALTH each second) and
 * refuse every sandbox.  Among them are SILENT nodes, whose address does not
 * answer because the queue of their socket is full, and REFUSING nodes, on
 * whose address no process listens.  Prints "ready" when all are set up.
 */
#include "base/clock.h"
#include "base/str.h"
#include "tls/key.h"
#include "tls/session.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILLERS 3

struct idle {
	unsigned number;
	struct tls_context *context;
	struct tls_session *session;
	struct tls_handshake *handshake;
	struct wire_stream *stream;
	struct event *beat;
};

static struct event_base *base;

static void die(const char *what)
{
	fprintf(stderr, "idle-nodes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(struct idle *n, uint16_t type, struct buf *body)
{
	wire_stream_send(n->stream, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
}

static const struct wire_health *healthy(void)
{
	static struct wire_health h;

	h = wire_health_unknown;
	h.foreign_milli = 20;
	h.temperature_mk = 320000;
	h.speed_milli = 1000;
	h.n_usable = 4;
	h.n_throttled = h.cooling_milli = h.swap_mib = 0;
	h.psi_cpu = h.psi_memory = h.psi_memory_full = h.psi_io = 0;
	h.store_mib = 9000;
	return &h;
}

static void send_beat(evutil_socket_t fd, short what, void *arg)
{
	struct wire_beat m = { .available_mib = 1500, .load_milli = 30 };
	struct idle *n = arg;
	struct buf body = { 0 };

	(void)fd;
	(void)what;
	wire_beat_encode(&body, &m);
	say(n, WIRE_BEAT, &body);
	wire_health_encode_at(&body, healthy(), WIRE_VERSION);
	say(n, WIRE_HEALTH, &body);
}

static void greet(struct idle *n)
{
	static const struct timeval second = { .tv_sec = 1 };
	char boot_id[37];
	struct wire_hello hello = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = WIRE_VERSION,
		.software = (char *)"idle",
		.inventory = { .machine = (char *)"aarch64",
			       .host = (char *)"idle",
			       .boot_id = boot_id,
			       .cores = 4,
			       .memory_mib = 2048,
			       .available_mib = 1500 },
	};
	struct wire_core_class class = { .model = (char *)"Cortex-A53",
					 .governor = (char *)"performance",
					 .n_cpus = 4,
					 .n_usable = 4,
					 .threads_per_core = 1,
					 .max_khz = 1512000 };
	struct wire_mac mac = { 0x020000000000 + n->number };
	struct wire_machine machine = { .model = (char *)"idle",
					.kernel = (char *)"6.1.0",
					.n_classes = 1,
					.classes = &class,
					.n_macs = 1,
					.macs = &mac,
					.memory_mib = 2048,
					.health = *healthy() };
	struct wire_fit fit = { .usable = 1,
				.layers = (char *)"user mount",
				.reason = (char *)"" };
	struct buf body = { 0 };

	snprintf(boot_id, sizeof(boot_id), "%08x-0000-4000-8000-000000000000",
		 n->number);
	digest_bytes(bytes_str(boot_id), &machine.machine_id);
	wire_hello_encode(&body, &hello);
	say(n, WIRE_HELLO, &body);
	wire_fit_encode(&body, &fit);
	say(n, WIRE_FIT, &body);
	wire_machine_encode(&body, &machine);
	say(n, WIRE_MACHINE, &body);
	event_add(n->beat, &second);
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct wire_have have = { .state = WIRE_HAVE_REFUSED,
				  .detail = (char *)"it is idle" };
	struct idle *n = ctx;
	struct wire_cell cell;
	struct buf out = { 0 };

	if (type == WIRE_HELLO)
		greet(n);
	if (type != WIRE_CELL)
		return 0;
	if (wire_cell_decode(&cell, body))
		return err_set(err, EPROTO, "broken CELL");
	have.cell = cell.cell;
	wire_cell_release(&cell);
	wire_have_encode(&out, &have);
	say(n, WIRE_HAVE, &out);
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	struct idle *n = ctx;

	(void)why;
	event_del(n->beat);
	wire_stream_free(n->stream);
	n->stream = NULL;
}

static void on_shaken(void *ctx, int ret, const struct err *err)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	struct idle *n = ctx;
	struct tls_session *session = n->session;

	n->session = NULL;
	tls_handshake_free(n->handshake);
	n->handshake = NULL;
	if (ret) {
		fprintf(stderr, "idle-nodes: %s\n", err->text);
		tls_session_free(session);
		return;
	}
	n->stream = wire_stream_new_io(base, tls_session_io(session), &ops, n);
}

static bool admit_all(void *ctx, const struct digest *pin)
{
	(void)ctx;
	(void)pin;
	return true;
}

static void on_caller(evutil_socket_t fd, short what, void *arg)
{
	struct idle *n = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (peer < 0)
		return;
	if (n->session || n->stream) {
		close(peer);
		return;
	}
	n->session = tls_session_accept(n->context, peer, admit_all, NULL);
	n->handshake = tls_handshake_new(base, n->session, 20000, on_shaken, n);
}

static struct sockaddr_in address_of(unsigned number, unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(0x7f010000 + 256 * (number / 200) +
					 number % 200 + 1),
	};
}

static int listen_as(const struct sockaddr_in *in, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)in, sizeof(*in)) ||
	    listen(fd, backlog))
		die("listen");
	return fd;
}

static void be_silent(const struct sockaddr_in *in)
{
	listen_as(in, 0);
	for (int i = 0; i < FILLERS; i++) {
		int fd = socket(AF_INET,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (connect(fd, (const struct sockaddr *)in, sizeof(*in)) &&
		    errno != EINPROGRESS)
			die("connect");
	}
}

static void be_live(struct idle *n, const struct sockaddr_in *in,
		    const struct tls_key *key)
{
	int fd = listen_as(in, 5);
	struct err err;

	if (tls_context_new(&n->context, key, tls_cpu_has_aes(), &err)) {
		fprintf(stderr, "idle-nodes: %s\n", err.text);
		exit(1);
	}
	n->beat = event_new(base, -1, EV_PERSIST, send_beat, n);
	event_add(event_new(base, fd, EV_READ | EV_PERSIST, on_caller, n),
		  NULL);
}

static struct tls_key *make_key(const char *path)
{
	struct tls_key *key = NULL;
	struct err err;

	if (tls_key_load_or_create(&key, path, &err)) {
		fprintf(stderr, "idle-nodes: %s\n", err.text);
		exit(1);
	}
	return key;
}

/* Distribute the dead nodes among the others, starting with the first node. */
static unsigned kind_of(unsigned i, const unsigned n[3])
{
	unsigned all = n[0] + n[1] + n[2], dead = n[1] + n[2];
	unsigned before = (i * dead + all - 1) / all;

	if (!dead || before == ((i + 1) * dead + all - 1) / all)
		return 0;
	return before < n[1] ? 1 : 2;
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 8192, 8192 };
	unsigned n[3], port;
	char *path;
	FILE *config;

	if (argc != 7)
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	port = (unsigned)atoi(argv[3]);
	for (int i = 0; i < 3; i++)
		n[i] = (unsigned)atoi(argv[4 + i]);
	base = event_base_new();
	config = fopen(argv[2], "w");
	if (!config)
		die(argv[2]);
	path = xasprintf("%s/key.pem", argv[1]);
	tls_key_free(make_key(path));
	free(path);
	for (unsigned i = 0; i < n[0] + n[1] + n[2]; i++) {
		struct sockaddr_in in = address_of(i, port);
		char pin[TLS_KEY_FINGERPRINT_SIZE], text[INET_ADDRSTRLEN];
		struct tls_key *key;
		unsigned kind = kind_of(i, n);

		path = xasprintf("%s/%u.pem", argv[1], i);
		key = make_key(path);
		tls_key_format_fingerprint(tls_key_fingerprint(key), pin);
		inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
		fprintf(config,
			"[node \"%s%u\"]\n\taddress = tls:%s:%u\n\tkey = %s\n",
			kind ? "dead" : "n", i, text, port, pin);
		if (kind == 0) {
			struct idle *one = xcalloc(1, sizeof(*one));

			one->number = i;
			be_live(one, &in, key);
		} else if (kind == 1) {
			be_silent(&in);
		}
		tls_key_free(key);
		free(path);
	}
	fclose(config);
	puts("ready");
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/stub-nodes.c - Many simulated tls: nodes in one process, each with its
 * own address of 127.1.0.0/16 and its own key.
 *
 *	stub-nodes DIR CONFIG PORT LIVE SILENT REFUSING [OBJECT HEADERS TIMES]
 *
 * The program writes the nodes' keys to DIR, the build host's key to
 * DIR/key.pem, and a configuration with all nodes to CONFIG.  LIVE nodes send a
 * kfarmd's messages (HELLO, FIT, MACHINE, then BEAT and HEALTH each second).
 * Among them are SILENT nodes, whose address does not answer because the queue
 * of their socket is full, and REFUSING nodes, on whose address no process
 * listens.  Prints a line with the size of the packed object
 * when all are set up.
 *
 * Without OBJECT, the nodes refuse every sandbox.  Otherwise they have all
 *blobs and answer each job of bench/send-jobs.c at once with the object file
 *OBJECT and the names of HEADERS headers.  The time at which the job of unit N
 *arrived (clock_us()) becomes element N of the array in the file TIMES.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/socket.h"
#include "base/str.h"
#include "tls/key.h"
#include "tls/session.h"
#include "wire/codec.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FILLERS       3
#define SANDBOXES_MAX 4

struct stub {
	unsigned number;
	struct tls_context *context;
	struct tls_session *session;
	struct tls_handshake *handshake;
	struct wire_stream *stream;
	struct event *beat;
	struct wire_intern *paths, *flags;
	/* toolchains of the sandboxes, by the numbers of the sandboxes */
	struct digest toolchains[SANDBOXES_MAX];
};

/* The answer to each job; `object.len` is 0 if the nodes are idle. */
static struct {
	struct buf object, headers;
	struct buf piece; /* OUTPUT with the object, packed once */
	enum wire_codec codec; /* of `piece` */
	size_t piece_len; /* before compression */
	size_t job_at; /* offset of the job number in `piece` */
	uint64_t *times; /* by the number of the unit */
	size_t n_times;
} canned;

static struct event_base *base;

static void die(const char *what)
{
	fprintf(stderr, "stub-nodes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(struct stub *n, uint16_t type, struct buf *body)
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
	struct stub *n = arg;
	struct buf body = { 0 };

	(void)fd;
	(void)what;
	wire_beat_encode(&body, &m);
	say(n, WIRE_BEAT, &body);
	wire_health_encode_at(&body, healthy(), WIRE_VERSION);
	say(n, WIRE_HEALTH, &body);
}

static void greet(struct stub *n)
{
	static const struct timeval second = { .tv_sec = 1 };
	char boot_id[37];
	static struct utsname own;
	struct wire_hello hello = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = WIRE_VERSION,
		.software = (char *)"stub",
		.inventory = { .machine = own.machine,
			       .host = (char *)"stub",
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
	struct wire_machine machine = { .model = (char *)"stub",
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

	uname(&own);
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

static void send_have(struct stub *n, uint32_t cell, enum wire_have_state state)
{
	struct wire_have m = { .cell = cell,
			       .state = (uint8_t)state,
			       .detail = (char *)"" };
	struct buf out = { 0 };

	if (state == WIRE_HAVE_REFUSED)
		m.detail = (char *)"it is idle";
	wire_have_encode(&out, &m);
	say(n, WIRE_HAVE, &out);
}

static int take_cell(struct stub *n, struct bytes body, struct err *err)
{
	struct wire_cell m;

	if (wire_cell_decode(&m, body))
		return err_set(err, EPROTO, "broken CELL");
	if (canned.object.len && m.cell < SANDBOXES_MAX)
		n->toolchains[m.cell] = m.toolchain;
	else
		send_have(n, m.cell, WIRE_HAVE_REFUSED);
	wire_cell_release(&m);
	return 0;
}

static int take_view(struct stub *n, struct bytes body, struct err *err)
{
	struct wire_need need = { 0 };
	struct buf out = { 0 };
	struct wire_view m;

	if (wire_view_decode(&m, body))
		return err_set(err, EPROTO, "broken VIEW");
	need.cell = m.cell;
	need.view = m.view;
	wire_need_encode(&out, &need);
	say(n, WIRE_NEED, &out);
	if (m.part == WIRE_PART_TOOLCHAIN_END)
		send_have(n, m.cell, WIRE_HAVE_READY);
	wire_view_release(&m);
	return 0;
}

static void send_piece(struct stub *n, uint32_t job, enum wire_output stream,
		       struct bytes data)
{
	const struct wire_piece m = { job, (uint8_t)stream, data };
	struct buf out = { 0 };

	wire_piece_encode(&out, &m);
	wire_stream_send(n->stream, WIRE_OUTPUT, buf_bytes(&out), WIRE_LZO);
	buf_release(&out);
}

static int answer(struct stub *n, const struct wire_job *job, struct err *err)
{
	struct wire_result m = { .job = job->job, .cpu_ms = 10, .wall_ms = 10 };
	struct bytes streams[WIRE_N_OUTPUTS] = { 0 };
	struct wire_flag *flags;
	struct buf deps = { 0 }, out = { 0 };
	struct digest digest;
	size_t n_flags;

	if (wire_flags_decode_job(n->flags, job, &flags, &n_flags))
		return err_set(err, EPROTO, "broken JOB");
	buf_printf(&deps, "%.*s.o: %s%s\n", (int)strlen(job->source) - 2,
		   job->source, job->source, buf_str(&canned.headers));
	streams[WIRE_OUTPUT_OBJECT] = buf_bytes(&canned.object);
	streams[WIRE_OUTPUT_DEPS] = buf_bytes(&deps);
	streams[WIRE_OUTPUT_AS_DEPS] = bytes_str(
		"out.o: /.kfarm/tmp/ccAbCdEf.s\n");
	m.toolchain = n->toolchains[job->cell % SANDBOXES_MAX];
	wire_job_digest(NULL, job, flags, n_flags, &m.toolchain, WIRE_VERSION,
			&digest);
	free(flags);
	wire_result_digest(&digest, streams, &m.digest);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		m.output_bytes[i] = (uint32_t)streams[i].len;

	put_le32(canned.piece.data + canned.job_at, job->job);
	wire_stream_send_packed(n->stream, WIRE_OUTPUT,
				buf_bytes(&canned.piece), canned.codec,
				(uint32_t)canned.piece_len);
	send_piece(n, job->job, WIRE_OUTPUT_DEPS, streams[WIRE_OUTPUT_DEPS]);
	send_piece(n, job->job, WIRE_OUTPUT_AS_DEPS,
		   streams[WIRE_OUTPUT_AS_DEPS]);
	wire_result_encode(&out, &m);
	say(n, WIRE_RESULT, &out);
	buf_release(&deps);
	return 0;
}

static int take_job(struct stub *n, struct bytes body, struct err *err)
{
	uint64_t now_us = clock_us();
	struct wire_job m;
	size_t unit;
	int ret;

	if (wire_job_decode(&m, body))
		return err_set(err, EPROTO, "broken JOB");
	/* The name of the source is uNUMBER.c. */
	unit = strtoul(m.source + 1, NULL, 10);
	if (unit < canned.n_times)
		canned.times[unit] = now_us;
	ret = answer(n, &m, err);
	wire_job_release(&m);
	return ret;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct stub *n = ctx;

	switch (type) {
	case WIRE_HELLO:
		greet(n);
		return 0;
	case WIRE_CELL:
		return take_cell(n, body, err);
	case WIRE_VIEW:
		return canned.object.len ? take_view(n, body, err) : 0;
	case WIRE_PATHS:
		return wire_paths_receive(n->paths, body);
	case WIRE_FLAGS:
		return wire_flags_receive(n->flags, body);
	case WIRE_JOB:
		return take_job(n, body, err);
	default:
		return 0;
	}
}

static void on_close(void *ctx, const struct err *why)
{
	struct stub *n = ctx;

	(void)why;
	event_del(n->beat);
	wire_stream_free(n->stream);
	n->stream = NULL;
	wire_intern_free(n->paths);
	wire_intern_free(n->flags);
}

static void on_shaken(void *ctx, int ret, const struct err *err)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	struct stub *n = ctx;
	struct tls_session *session = n->session;

	n->session = NULL;
	tls_handshake_free(n->handshake);
	n->handshake = NULL;
	if (ret) {
		fprintf(stderr, "stub-nodes: %s\n", err->text);
		tls_session_free(session);
		return;
	}
	n->paths = wire_paths_new();
	n->flags = wire_flags_new();
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
	struct stub *n = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (peer < 0)
		return;
	if (n->session || n->stream) {
		close(peer);
		return;
	}
	socket_set_tcp_options(peer);
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

static void be_live(struct stub *n, const struct sockaddr_in *in,
		    const struct tls_key *key)
{
	int fd = listen_as(in, 5);
	struct err err;

	if (tls_context_new(&n->context, key, tls_cpu_has_aes(), &err)) {
		fprintf(stderr, "stub-nodes: %s\n", err.text);
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
		fprintf(stderr, "stub-nodes: %s\n", err.text);
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

/*
 * Pack the OUTPUT with the object.  The compressed form contains the job number
 * unchanged, because a match has at least three bytes that repeat.
 */
static void pack_object(void)
{
	const struct wire_piece m = { .job = 0x5a4b3c2d,
				      .stream = WIRE_OUTPUT_OBJECT,
				      .data = buf_bytes(&canned.object) };
	struct buf body = { 0 };
	uint8_t job[4];
	const uint8_t *at;

	put_le32(job, m.job);
	wire_piece_encode(&body, &m);
	canned.piece_len = body.len;
	canned.codec = wire_codec_pack(&canned.piece, buf_bytes(&body),
				       WIRE_LZO);
	at = memmem(canned.piece.data, canned.piece.len, job, sizeof(job));
	if (!at)
		die("the packed object lacks the job number");
	canned.job_at = (size_t)(at - canned.piece.data);
	buf_release(&body);
}

static void read_canned(const char *object, unsigned headers, const char *times)
{
	int fd = open(times, O_RDWR | O_CLOEXEC);
	struct stat st;
	struct err err;

	if (fs_read(object, WIRE_CHUNK_MAX, &canned.object, &err))
		die(object);
	for (unsigned i = 0; i < headers; i++)
		buf_printf(&canned.headers, " include/%u.h", i);
	pack_object();
	if (fd < 0 || fstat(fd, &st))
		die(times);
	canned.n_times = (size_t)st.st_size / sizeof(*canned.times);
	canned.times = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	if (canned.times == MAP_FAILED)
		die(times);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 8192, 8192 };
	unsigned n[3], port;
	char *path;
	FILE *config;

	if (argc != 7 && argc != 10)
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 10)
		read_canned(argv[7], (unsigned)atoi(argv[8]), argv[9]);
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
			struct stub *one = xcalloc(1, sizeof(*one));

			one->number = i;
			be_live(one, &in, key);
		} else if (kind == 1) {
			be_silent(&in);
		}
		tls_key_free(key);
		free(path);
	}
	fclose(config);
	printf("ready, %zu bytes per object\n", canned.piece.len);
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}

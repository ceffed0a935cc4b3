/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/badnode.c, badcell.c, badspoil.c - A node that misbehaves.
 *
 * badnode MODE[=N] AFTER COMMAND [ARG...]
 *
 * The program runs between kfarm and a real `kfarmd --stdio`, which COMMAND
 * starts.  It forwards kfarm's messages, except blobs that only MODE requested,
 * and corrupts kfarmd's messages as MODE demands.  It corrupts a result only
 * after AFTER correct results.  A "signed" mode recomputes the digest of the
 * result, as a hostile node would.
 */
#include "badnode.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct badnode bad = { .budget = -1 };

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			exit(0);
		p += n;
		len -= n;
	}
}

/* Send bytes to kfarm. */
void badnode_put(struct bytes b)
{
	if (bad.deaf)
		return;
	if (bad.budget >= 0 && b.len > (size_t)bad.budget) {
		write_all(STDOUT_FILENO, b.data, bad.budget);
		exit(0);
	}
	if (bad.budget >= 0)
		bad.budget -= b.len;
	write_all(STDOUT_FILENO, b.data, b.len);
}

void badnode_flush(void)
{
	struct bytes b = wire_conn_pending(bad.out);

	if (b.len) {
		badnode_put(b);
		wire_conn_consume(bad.out, b.len);
	}
}

void badnode_say(uint16_t type, struct bytes body)
{
	wire_conn_send(bad.out, type, body, WIRE_PLAIN);
	badnode_flush();
}

void badnode_say_piece(uint32_t job, uint8_t stream, struct bytes data)
{
	struct wire_piece m = { .job = job, .stream = stream };

	do {
		struct buf body = { 0 };

		m.data = bytes_of(data.data, data.len > WIRE_CHUNK_MAX ?
						     WIRE_CHUNK_MAX :
						     data.len);
		wire_piece_encode(&body, &m);
		badnode_say(WIRE_OUTPUT, buf_bytes(&body));
		buf_release(&body);
		data.data += m.data.len;
		data.len -= m.data.len;
	} while (data.len);
}

void badnode_say_result(const struct wire_result *r)
{
	struct buf body = { 0 };

	wire_result_encode(&body, r);
	badnode_say(WIRE_RESULT, buf_bytes(&body));
	buf_release(&body);
}

void badnode_say_answer(struct job *job, struct wire_result *r)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		if (job->out[i].len)
			badnode_say_piece(r->job, (uint8_t)i,
					  buf_bytes(&job->out[i]));
	}
	badnode_say_result(r);
}

void badnode_say_random(size_t len)
{
	uint8_t some[4096];

	for (size_t i = 0; i < sizeof(some); i++)
		some[i] = (uint8_t)(rand() >> 7);
	badnode_put(bytes_of(some, len < sizeof(some) ? len : sizeof(some)));
}

bool badnode_is(const char *mode)
{
	return !strcmp(bad.name, mode);
}

static struct job *job_find(uint32_t id)
{
	struct job *j = bad.jobs;

	while (j && j->ask.job != id)
		j = j->next;
	return j;
}

static void job_drop(struct job *job)
{
	for (struct job **j = &bad.jobs; *j; j = &(*j)->next) {
		if (*j == job) {
			*j = job->next;
			break;
		}
	}
	wire_job_release(&job->ask);
	free(job->flags);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		buf_release(&job->out[i]);
	free(job);
}

static const struct digest *toolchain_of(uint32_t cell)
{
	static const struct digest none;

	for (struct cell *c = bad.cells; c; c = c->next) {
		if (c->ask.cell == cell)
			return &c->ask.toolchain;
	}
	return &none;
}

static void heard_job(struct bytes body)
{
	struct job *job = xcalloc(1, sizeof(*job));

	if (wire_job_decode(&job->ask, body) ||
	    wire_flags_decode_job(bad.flags, &job->ask, &job->flags,
				  &job->n_flags))
		exit(2);
	job->toolchain = *toolchain_of(job->ask.cell);
	job->next = bad.jobs;
	bad.jobs = job;
}

/* Record a message of kfarm and forward it to the real node. */
static int heard(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	(void)ctx;
	(void)err;
	if (type == WIRE_JOB)
		heard_job(body);
	else if (type == WIRE_FLAGS && wire_flags_receive(bad.flags, body))
		exit(2);
	if (badcell_heard(type, body))
		wire_conn_send(bad.in, type, body, WIRE_PLAIN);
	return 0;
}

static void on_hello(struct bytes body)
{
	struct wire_hello hello = { 0 };
	struct buf out = { 0 };

	if (wire_hello_decode(&hello, body))
		exit(2);
	if (badnode_is("mute"))
		bad.deaf = true;
	if (badnode_is("noise"))
		badnode_say_random(512);
	if (badnode_is("early"))
		badnode_say(WIRE_BEAT, bytes_str("0123456789"));
	if (badnode_is("version"))
		hello.version_min = hello.version_max = (uint16_t)bad.n;
	if (badnode_is("slots"))
		hello.inventory.slots = (uint16_t)bad.n;
	wire_hello_encode(&out, &hello);
	badnode_say(WIRE_HELLO, buf_bytes(&out));
	if (badnode_is("greet"))
		bad.deaf = true;
	buf_release(&out);
	wire_hello_release(&hello);
}

static void on_result(struct bytes body)
{
	struct wire_result r;
	struct job *job;

	if (wire_result_decode(&r, body))
		exit(2);
	job = job_find(r.job);
	if (!job || bad.stuck)
		return;
	if (bad.spoil && bad.answered >= bad.after)
		bad.spoil(job, &r);
	else
		badnode_say_answer(job, &r);
	bad.answered++;
	job_drop(job);
}

static void on_beat(struct bytes body)
{
	struct wire_beat beat = { 0 };
	struct buf out = { 0 };

	if (wire_beat_decode(&beat, body))
		exit(2);
	if (bad.stuck) {
		beat.n_jobs = 0;
		for (struct job *j = bad.jobs; j; j = j->next)
			beat.n_jobs++;
		free(beat.jobs);
		beat.jobs = xcalloc(beat.n_jobs + 1, sizeof(*beat.jobs));
		beat.n_jobs = 0;
		for (struct job *j = bad.jobs; j; j = j->next)
			beat.jobs[beat.n_jobs++].job = j->ask.job;
	}
	wire_beat_encode(&out, &beat);
	badnode_say(WIRE_BEAT, buf_bytes(&out));
	buf_release(&out);
	wire_beat_release(&beat);
}

/* Handle a message of the real node. */
static int on_node_msg(void *ctx, uint16_t type, struct bytes body,
		       struct err *err)
{
	struct wire_piece piece;
	struct job *job;

	(void)ctx;
	(void)err;
	switch (type) {
	case WIRE_HELLO:
		on_hello(body);
		break;
	case WIRE_FIT:
		badcell_fit(body);
		break;
	case WIRE_MACHINE:
		badcell_machine(body);
		break;
	case WIRE_HAVE:
		badcell_have(body);
		break;
	case WIRE_NEED:
		badcell_need(body);
		break;
	case WIRE_BEAT:
		on_beat(body);
		break;
	case WIRE_RELAY:
		badcell_relay(body);
		break;
	case WIRE_VIA:
		badcell_via(body);
		break;
	case WIRE_RESULT:
		on_result(body);
		break;
	case WIRE_OUTPUT:
		/* Hold the output back until its RESULT arrives. */
		if (wire_piece_decode(&piece, body))
			exit(2);
		job = job_find(piece.job);
		if (job)
			buf_add_bytes(&job->out[piece.stream], piece.data);
		break;
	default:
		badnode_say(type, body);
	}
	return 0;
}

static void start_node(char **argv)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) || pipe(out))
		exit(2);
	pid = fork();
	if (pid < 0)
		exit(2);
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		for (int fd = 3; fd < 16; fd++)
			close(fd);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	bad.node = pid;
	bad.node_in = in[1];
	bad.node_out = out[0];
}

static void pass(int from, struct wire_conn *conn)
{
	static uint8_t some[1 << 16];
	struct err err = { 0 };
	ssize_t n = read(from, some, sizeof(some));
	struct bytes b;

	if (n <= 0)
		exit(0);
	if (wire_conn_feed(conn, bytes_of(some, n), &err)) {
		fprintf(stderr, "badnode: %s\n", err.text);
		exit(2);
	}
	b = wire_conn_pending(bad.in);
	if (b.len) {
		write_all(bad.node_in, b.data, b.len);
		wire_conn_consume(bad.in, b.len);
	}
}

static bool find_mode(char *arg)
{
	char *equals = strchr(arg, '=');

	if (equals) {
		*equals = '\0';
		bad.n = strtol(equals + 1, NULL, 0);
	}
	bad.name = arg;
	if (badnode_is("cut-all"))
		bad.budget = bad.n;
	return badspoil_find(arg, &bad.spoil) || badcell_find(arg);
}

int main(int argc, char **argv)
{
	if (argc < 4 || !find_mode(argv[1])) {
		fputs("usage: badnode MODE[=N] AFTER COMMAND [ARG...]\n",
		      stderr);
		return 1;
	}
	bad.after = (unsigned)atoi(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	srand(1);
	bad.from_kfarm = wire_conn_new(heard, NULL);
	bad.from_node = wire_conn_new(on_node_msg, NULL);
	bad.out = wire_conn_new(heard, NULL);
	bad.in = wire_conn_new(heard, NULL);
	bad.flags = wire_flags_new();
	start_node(argv + 3);
	for (;;) {
		struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 },
					{ bad.node_out, POLLIN, 0 } };

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			pass(STDIN_FILENO, bad.from_kfarm);
		if (fds[1].revents)
			pass(bad.node_out, bad.from_node);
	}
}

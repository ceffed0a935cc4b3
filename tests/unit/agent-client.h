/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/agent-client.h - a kfarm for the tests of kfarmd: it starts the
 * program $KFARMD (build/kfarmd), talks to it, and keeps what it hears.
 */
#ifndef AGENT_CLIENT_H
#define AGENT_CLIENT_H

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "toolchain/ident.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT_JOBS 64
#define CLIENT_MS   45000 /* for anything to happen on a busy machine */
#define GCC         "/usr/bin/gcc"

/* What came for one job. */
struct heard {
	struct buf stream[3]; /* enum wire_output */
	bool has_result, has_fail;
	struct wire_result result;
	struct wire_fail fail;
};

struct client {
	struct wire_stream *stream;
	bool has_hello, closed, reads_slowly;
	struct wire_hello hello;
	char *bye;
	unsigned beats;
	unsigned most_running; /* jobs in one beat */
	uint32_t most_cpu; /* of any job in any beat */
	unsigned n_have;
	struct wire_have have;
	struct heard job[CLIENT_JOBS];
};

/* One kfarmd, and where it works. */
struct node {
	pid_t pid;
	char *work;
	struct client c; /* of --stdio */
};

static struct event_base *client_base;
static struct toolchain_ident client_gcc;

static inline void client_output(struct client *c, struct bytes body)
{
	struct wire_piece m;

	ck_assert_int_eq(wire_piece_decode(&m, body), 0);
	ck_assert_uint_lt(m.job, CLIENT_JOBS);
	ck_assert(!c->job[m.job].has_result);
	buf_add_bytes(&c->job[m.job].stream[m.stream], m.data);
}

static inline void client_result(struct client *c, struct bytes body)
{
	struct wire_result m;

	ck_assert_int_eq(wire_result_decode(&m, body), 0);
	ck_assert_uint_lt(m.job, CLIENT_JOBS);
	ck_assert(!c->job[m.job].has_result && !c->job[m.job].has_fail);
	c->job[m.job].has_result = true;
	c->job[m.job].result = m;
}

static inline void client_fail(struct client *c, struct bytes body)
{
	struct wire_fail m;

	ck_assert_int_eq(wire_fail_decode(&m, body), 0);
	ck_assert_uint_lt(m.job, CLIENT_JOBS);
	ck_assert(!c->job[m.job].has_result && !c->job[m.job].has_fail);
	c->job[m.job].has_fail = true;
	c->job[m.job].fail = m;
}

static inline void client_beat(struct client *c, struct bytes body)
{
	struct wire_beat m;

	ck_assert_int_eq(wire_beat_decode(&m, body), 0);
	c->beats++;
	if (m.n_jobs > c->most_running)
		c->most_running = m.n_jobs;
	for (unsigned i = 0; i < m.n_jobs; i++) {
		if (m.jobs[i].cpu_ms > c->most_cpu)
			c->most_cpu = m.jobs[i].cpu_ms;
	}
	wire_beat_release(&m);
}

static inline int client_on_msg(void *ctx, uint16_t type, struct bytes body,
				struct err *err)
{
	struct client *c = ctx;

	(void)err;
	ck_assert(c->has_hello == (type != WIRE_HELLO));
	switch (type) {
	case WIRE_HELLO:
		ck_assert_int_eq(wire_hello_decode(&c->hello, body), 0);
		c->has_hello = true;
		break;
	case WIRE_BYE:
		ck_assert_int_eq(wire_bye_decode(&c->bye, body), 0);
		break;
	case WIRE_HAVE:
		wire_have_release(&c->have);
		ck_assert_int_eq(wire_have_decode(&c->have, body), 0);
		c->n_have++;
		break;
	case WIRE_BEAT:
		client_beat(c, body);
		break;
	case WIRE_OUTPUT:
		client_output(c, body);
		break;
	case WIRE_RESULT:
		client_result(c, body);
		break;
	case WIRE_FAIL:
		client_fail(c, body);
		break;
	default:
		ck_abort_msg("message of type %u", type);
	}
	return 0;
}

static inline void client_on_close(void *ctx, const struct err *why)
{
	struct client *c = ctx;

	(void)why;
	c->closed = true;
}

static inline void client_attach(struct client *c, int fd)
{
	static const struct wire_stream_ops ops = {
		.on_msg = client_on_msg,
		.on_close = client_on_close,
	};

	c->stream = wire_stream_new(client_base, fd, fd, &ops, c);
}

static inline void client_send(struct client *c, enum wire_type type,
			       struct buf *body)
{
	wire_stream_send(c->stream, type, buf_bytes(body), WIRE_LZO);
	buf_release(body);
}

static inline void client_greet(struct client *c)
{
	struct wire_hello m = { .version_min = WIRE_VERSION_MIN,
				.version_max = WIRE_VERSION,
				.software = (char *)"kfarm test" };
	struct buf body = { 0 };

	wire_hello_encode(&body, &m);
	client_send(c, WIRE_HELLO, &body);
}

/* Run the loop until *flag, for `ms` at most; was it set? */
static inline bool client_wait_ms(const bool *flag, unsigned ms)
{
	uint64_t deadline = clock_ms() + ms;
	struct timeval tick = { .tv_usec = 10000 };

	while (!*flag && clock_ms() < deadline) {
		event_base_loopexit(client_base, &tick);
		event_base_loop(client_base, EVLOOP_ONCE);
	}
	return *flag;
}

static inline void client_wait(const bool *flag)
{
	ck_assert_msg(client_wait_ms(flag, CLIENT_MS), "waited in vain");
}

static inline void client_idle(unsigned ms)
{
	bool never = false;

	client_wait_ms(&never, ms);
}

static inline void client_wait_job(struct client *c, unsigned job)
{
	struct heard *h = &c->job[job];
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (!h->has_result && !h->has_fail && clock_ms() < deadline)
		client_wait_ms(&h->has_result, 20);
	ck_assert_msg(h->has_result || h->has_fail, "job %u: no answer", job);
}

static inline void client_ask(struct client *c, const char *name,
			      const struct digest *id)
{
	struct wire_ask m = { .seq = 7, .name = (char *)name, .id = *id };
	unsigned before = c->n_have;
	uint64_t deadline = clock_ms() + CLIENT_MS;
	struct buf body = { 0 };

	wire_ask_encode(&body, &m);
	client_send(c, WIRE_ASK, &body);
	while (c->n_have == before && clock_ms() < deadline)
		client_idle(10);
	ck_assert_uint_eq(c->n_have, before + 1);
	ck_assert_uint_eq(c->have.seq, 7);
}

/* A JOB of gcc's; `flags` are NAME or NAME VALUE, with a blank between. */
static inline struct wire_job client_job(unsigned number, enum wire_lang lang,
					 size_t text_len,
					 const char *const *flags)
{
	struct wire_job m = { .job = number,
			      .toolchain = client_gcc.id,
			      .lang = (uint8_t)lang,
			      .text_len = (uint32_t)text_len,
			      .check_indent = 1,
			      .deadline_ms = 60000 };

	for (; flags && *flags; flags++) {
		const char *blank = strchr(*flags, ' ');
		char *name = xstrndup(*flags, strcspn(*flags, " "));

		wire_job_add_flag(&m, name, blank ? blank + 1 : NULL);
		free(name);
	}
	return m;
}

static inline void client_send_job(struct client *c, struct wire_job *m)
{
	struct buf body = { 0 };

	wire_job_encode(&body, m);
	client_send(c, WIRE_JOB, &body);
	wire_job_release(m);
}

static inline void client_send_text(struct client *c, unsigned job,
				    struct bytes text)
{
	while (text.len) {
		size_t n = text.len < WIRE_CHUNK_MAX ? text.len :
						       WIRE_CHUNK_MAX;
		struct wire_piece m = { .job = job,
					.data = bytes_of(text.data, n) };
		struct buf body = { 0 };

		wire_piece_encode(&body, &m);
		client_send(c, WIRE_TEXT, &body);
		text = bytes_of(text.data + n, text.len - n);
	}
}

/* A whole job of gcc's. */
static inline void client_compile(struct client *c, unsigned number,
				  enum wire_lang lang, struct bytes text,
				  const char *const *flags)
{
	struct wire_job m = client_job(number, lang, text.len, flags);

	client_send_job(c, &m);
	client_send_text(c, number, text);
}

static inline void client_cancel(struct client *c, unsigned job)
{
	struct buf body = { 0 };

	wire_cancel_encode(&body, job);
	client_send(c, WIRE_CANCEL, &body);
}

static inline void client_release(struct client *c)
{
	wire_stream_free(c->stream);
	wire_hello_release(&c->hello);
	wire_have_release(&c->have);
	free(c->bye);
	for (int i = 0; i < CLIENT_JOBS; i++) {
		for (int k = 0; k < 3; k++)
			buf_release(&c->job[i].stream[k]);
		if (c->job[i].has_fail)
			wire_fail_release(&c->job[i].fail);
	}
	*c = (struct client){ 0 };
}

static inline const char *kfarmd_path(void)
{
	const char *path = getenv("KFARMD");

	return path ? path : "build/kfarmd";
}

/* Start kfarmd with `more` words behind --work; `fd` becomes its 0 and 1. */
static inline pid_t kfarmd_start(const char *work, int fd,
				 const char *const *more)
{
	struct strv argv = { 0 };
	struct spawn what = { .own_group = true,
			      .fd = { fd, fd, getenv("V") ? 2 : -1 } };
	struct err err = { 0 };
	pid_t pid = 0;

	strv_add(&argv, kfarmd_path());
	strv_add(&argv, "--work");
	strv_add(&argv, work);
	for (; *more; more++)
		strv_add(&argv, *more);
	what.argv = argv.v;
	ck_assert_msg(!spawn_start(&what, &pid, &err), "%s", err.text);
	strv_release(&argv);
	return pid;
}

static inline char *work_new(void)
{
	char *work = xstrdup("/tmp/check_agent.XXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(work));
	return work;
}

/* A node with --stdio that is known to have gcc. */
static inline void node_start(struct node *n, const char *const *more)
{
	struct strv words = { 0 };
	int fd[2];

	*n = (struct node){ .work = work_new() };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd),
			 0);
	strv_add(&words, "--stdio");
	for (; more && *more; more++)
		strv_add(&words, *more);
	n->pid = kfarmd_start(n->work, fd[1], (const char *const *)words.v);
	strv_release(&words);
	close(fd[1]);
	client_attach(&n->c, fd[0]);
	client_greet(&n->c);
	client_ask(&n->c, "gcc", &client_gcc.id);
	ck_assert_uint_eq(n->c.have.state, WIRE_HAVE_SAME);
}

/* Processes that work below `dir`. */
static inline unsigned count_workers(const char *dir)
{
	DIR *d = opendir("/proc");
	unsigned n = 0;
	struct dirent *e;

	while ((e = readdir(d))) {
		char path[300], cwd[4096];
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%s/cwd", e->d_name);
		len = readlink(path, cwd, sizeof(cwd) - 1);
		if (len <= 0)
			continue;
		cwd[len] = '\0';
		n += str_starts(cwd, dir);
	}
	closedir(d);
	return n;
}

static inline void wait_workers(const char *dir, bool some)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while ((count_workers(dir) > 0) != some && clock_ms() < deadline)
		client_idle(10);
	ck_assert((count_workers(dir) > 0) == some);
}

/* Entries of `dir`; of kfarmd's own directory in it with `inside`. */
static inline unsigned count_entries(const char *dir, bool inside)
{
	DIR *d = opendir(dir);
	unsigned n = 0;
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		char *path;

		if (e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", dir, e->d_name);
		n += inside ? count_entries(path, false) : 1;
		free(path);
	}
	closedir(d);
	return n;
}

/* The end of file ends it: with status 0, at once, leaving nothing. */
static inline void node_end(struct node *n)
{
	uint64_t start = clock_ms();
	struct err err;

	client_release(&n->c);
	ck_assert_int_eq(spawn_wait(n->pid), 0);
	ck_assert_uint_lt(clock_ms() - start, 1500);
	ck_assert_uint_eq(count_workers(n->work), 0);
	ck_assert_uint_eq(count_entries(n->work, false), 0);
	ck_assert_int_eq(fs_remove(n->work, &err), 0);
	free(n->work);
}

/* What `argv` prints. */
static inline struct buf output_of(char *const *argv)
{
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	ck_assert_msg(
		!spawn_capture(&what, 64u << 20, 60000, &out, &status, &err),
		"%s", err.text);
	ck_assert_int_eq(status, 0);
	return out;
}

/* A C text that takes gcc -O2 some seconds, without a word. */
static inline struct buf slow_text(void)
{
	struct buf text = { 0 };

	buf_add_str(&text, "# 1 \"slow.c\"\nint f(int *p, int a)\n{\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(
			&text,
			"if (p[%d] > a) a += p[a & %d] * %d; else a ^= %d;\n",
			i, i * 7 + 3, i + 5, i * 3);
	buf_add_str(&text, "return a;\n}\n");
	return text;
}

static inline void client_set_up(void)
{
	struct err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	client_base = event_base_new();
	ck_assert_ptr_nonnull(client_base);
	ck_assert_msg(!toolchain_identify(&client_gcc, GCC, &err), "%s",
		      err.text);
}

static inline void client_tear_down(void)
{
	toolchain_ident_release(&client_gcc);
	event_base_free(client_base);
}

#endif

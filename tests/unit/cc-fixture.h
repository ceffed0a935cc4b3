/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/cc-fixture.h - A scripted coordinator for tests of the wrapper.
 */
#ifndef CC_PLAY_H
#define CC_PLAY_H

/*
 * The wrapper's end of a connection; a child process is the coordinator.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "cc/job.h"
#include "options/command.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/msg.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char *env[] = { "PATH=/bin", "HOME=/x", "LANG=C", NULL };
static char *dir;
static pid_t server;

static void setup(void)
{
	char template[] = "/tmp/check-cc-job-XXXXXX";

	dir = xstrdup(mkdtemp(template));
	ck_assert_int_eq(chdir(dir), 0);
	server = 0;
}

static void teardown(void)
{
	struct err err;

	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	ck_assert_int_eq(chdir("/"), 0);
	fs_remove(dir, &err);
	free(dir);
}

static int listen_on(const char *path, int backlog)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(to.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

static inline bool read_full(int fd, void *to, size_t len)
{
	uint8_t *p = to;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Receive the wrapper's job.  Its memory is never freed. */
static inline struct wire_cc_job read_job(int fd)
{
	uint8_t head[WIRE_FRAME_SIZE];
	struct wire_frame f;
	struct wire_cc_job job;
	uint8_t *body;

	if (!read_full(fd, head, sizeof(head)) || wire_frame_decode(&f, head))
		_exit(2);
	body = xmalloc(f.body_len);
	if (f.type != WIRE_CC_JOB || !read_full(fd, body, f.body_len) ||
	    wire_cc_job_decode(&job, bytes_of(body, f.body_len)) ||
	    strcmp(job.root, wire_cc_root()))
		_exit(3);
	return job;
}

static inline void send_frame(int fd, uint16_t type, struct bytes body)
{
	struct wire_frame f = { .type = type,
				.body_len = (uint32_t)body.len,
				.raw_len = (uint32_t)body.len };
	uint8_t head[WIRE_FRAME_SIZE];

	wire_frame_encode(head, &f);
	if (write(fd, head, sizeof(head)) < 0 ||
	    write(fd, body.data, body.len) < 0)
		_exit(4);
}

static inline void put_file(const char *path, const char *text)
{
	struct err err;

	if (fs_write(path, bytes_str(text), 0600, &err))
		_exit(5);
}

/* A valid reply, which the cases below corrupt. */
static inline struct wire_cc_done make_done(uint32_t pid)
{
	struct wire_cc_done m = { .dep = "a.d", .object = "a.o" };

	m.dep_tmp = options_output_temp_path("a.d", pid);
	m.object_tmp = options_output_temp_path("a.o", pid);
	m.err = bytes_str("a.c: warning\n");
	put_file(m.dep_tmp, "dep");
	put_file(m.object_tmp, "object");
	return m;
}

/* Add the side outputs of argv_su. */
static inline void add_sides(struct wire_cc_done *m, uint32_t pid)
{
	static struct wire_cc_rename side[3];

	side[0].to = "a.su";
	side[1].to = "a.gcno";
	for (int i = 0; i < 2; i++) {
		side[i].tmp = options_output_temp_path(side[i].to, pid);
		put_file(side[i].tmp, side[i].to);
	}
	side[2] = side[1];
	m->sides = side;
	m->n_sides = 2;
}

static inline void send_done(int fd, const struct wire_cc_done *m)
{
	struct buf body = { 0 };

	wire_cc_done_encode(&body, m);
	send_frame(fd, WIRE_CC_DONE, buf_bytes(&body));
}

/* Serve one wrapper with `play` in a child process. */
static inline void serve(void (*play)(int fd))
{
	int ready[2], c;

	ck_assert_int_eq(pipe(ready), 0);
	server = fork();
	if (!server) {
		/* SO_PEERCRED names the process that calls listen(). */
		c = listen_on("sock", 5);
		close(ready[1]);
		close(ready[0]);
		c = accept(c, NULL, NULL);
		if (c >= 0)
			play(c);
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 0);
	close(ready[0]);
}

static inline enum cc_job_outcome offer(char *const *argv, int *status)
{
	struct options_command c;
	enum cc_job_outcome answer;
	struct cc_job job = { .socket = "sock",
			      .compiler = "/usr/bin/gcc",
			      .argv = argv,
			      .env = env,
			      .compile = &c };

	options_command_parse(&c, argv);
	*status = -1;
	answer = cc_job_submit(&job, status);
	options_command_release(&c);
	return answer;
}

static inline void nothing_left(void)
{
	char *object = options_output_temp_path("a.o", (unsigned)getpid());
	char *dep = options_output_temp_path("a.d", (unsigned)getpid());
	char *su = options_output_temp_path("a.su", (unsigned)getpid());
	char *gcno = options_output_temp_path("a.gcno", (unsigned)getpid());

	ck_assert(!fs_exists(object) && !fs_exists(dep));
	ck_assert(!fs_exists(su) && !fs_exists(gcno));
	free(su);
	free(gcno);
	free(object);
	free(dep);
}

static inline void play_done(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	if (strcmp(job.compiler, "/usr/bin/gcc") || job.argv.n != 6 ||
	    job.env.n != 2 || strcmp(job.argv.v[0], "gcc"))
		_exit(6);
	send_frame(fd, WIRE_CC_BEAT, bytes_str(""));
	send_done(fd, &m);
}

/* ------------------------------------------------ invalid coordinators */

static inline void play_eof(int fd)
{
	struct wire_cc_job job = read_job(fd);

	make_done(job.pid);
	close(fd);
}

static inline void play_garbage(int fd)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";

	make_done(read_job(fd).pid);
	if (write(fd, text, sizeof(text)) < 0)
		_exit(7);
	pause();
}

static inline void play_other_type(int fd)
{
	make_done(read_job(fd).pid);
	send_frame(fd, WIRE_RESULT, bytes_str("x"));
	pause();
}

static inline void play_torn(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);
	struct buf body = { 0 };

	wire_cc_done_encode(&body, &m);
	body.len--;
	send_frame(fd, WIRE_CC_DONE, buf_bytes(&body));
	pause();
}

static inline void play_foreign_object(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	m.object = "../other.o";
	send_done(fd, &m);
	pause();
}

static inline void play_foreign_temporary(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	m.object_tmp = "secret";
	send_done(fd, &m);
	pause();
}

static inline void play_no_dep(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	m.dep = m.dep_tmp = "";
	send_done(fd, &m);
	pause();
}

static inline void play_no_object(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	m.object = m.object_tmp = "";
	send_done(fd, &m);
	pause();
}

static inline void play_swapped(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	m.object = "a.d";
	m.dep = "a.o";
	send_done(fd, &m);
	pause();
}

static inline void play_huge_frame(int fd)
{
	struct wire_frame f = { .type = WIRE_CC_DONE,
				.body_len = WIRE_BODY_MAX + 1,
				.raw_len = WIRE_BODY_MAX + 1 };
	uint8_t head[WIRE_FRAME_SIZE];

	make_done(read_job(fd).pid);
	wire_frame_encode(head, &f);
	if (write(fd, head, sizeof(head)) < 0)
		_exit(8);
	pause();
}

static inline void play_packed(int fd)
{
	struct wire_frame f = { .type = WIRE_CC_DONE,
				.codec = WIRE_LZO,
				.body_len = 4,
				.raw_len = 4 };
	uint8_t head[WIRE_FRAME_SIZE];

	make_done(read_job(fd).pid);
	wire_frame_encode(head, &f);
	if (write(fd, head, sizeof(head)) < 0)
		_exit(8);
	pause();
}

static inline void play_rename_fails(int fd)
{
	struct wire_cc_done m = make_done(read_job(fd).pid);

	unlink(m.object_tmp);
	close(STDERR_FILENO);
	send_done(fd, &m);
	pause();
}

#endif

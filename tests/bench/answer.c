/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/answer.c - A coordinator that answers each job of kfarm-cc at once with
 * the same few bytes, so that the cost of the wrapper can be measured alone.
 *
 *	answer SOCKET
 *
 * Serves one wrapper after the other until it is killed.
 */
#include "base/str.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int read_all(int fd, void *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, (char *)to + at, len - at);

		if (n <= 0)
			return -1;
		at += n;
	}
	return 0;
}

/* Receive the wrapper's job.  Returns a negative value on failure. */
static int read_job(int fd, struct wire_cc_job *job)
{
	uint8_t head[WIRE_FRAME_SIZE];
	struct wire_frame f;
	uint8_t *body;
	int ret = -1;

	if (read_all(fd, head, sizeof(head)) || wire_frame_decode(&f, head) ||
	    f.type != WIRE_CC_JOB)
		return -1;
	body = xmalloc(f.body_len + 1);
	if (!read_all(fd, body, f.body_len))
		ret = wire_cc_job_decode(job, bytes_of(body, f.body_len));
	free(body);
	return ret;
}

/* Create the temporary file next to the target, like the coordinator. */
static char *make_tmp(const struct wire_cc_job *job, const char *target)
{
	static const char some[8192] = "an object";
	const char *base = str_base(target);
	char *tmp = xasprintf("%.*s.%s.kfarm.%u", (int)(base - target), target,
			      base, (unsigned)job->pid);
	char *path = xasprintf("%s/%s", job->cwd, tmp);
	FILE *f = fopen(path, "w");

	if (f) {
		fwrite(some, sizeof(some), 1, f);
		fclose(f);
	}
	free(path);
	return tmp;
}

static void answer(int fd, const struct wire_cc_job *job)
{
	struct wire_cc_done done = { 0 };
	uint8_t head[WIRE_FRAME_SIZE];
	struct wire_frame f = { .type = WIRE_CC_DONE };
	struct buf out = { 0 };

	for (size_t i = 1; i < job->argv.n; i++) {
		const char *a = job->argv.v[i];

		if (!strcmp(a, "-o") && i + 1 < job->argv.n)
			done.object = xstrdup(job->argv.v[i + 1]);
		else if (str_starts(a, "-Wp,-MMD,"))
			done.dep = xstrdup(a + 9);
	}
	if (!done.object || !done.dep)
		return;
	done.object_tmp = make_tmp(job, done.object);
	done.dep_tmp = make_tmp(job, done.dep);
	wire_cc_done_encode(&out, &done);
	f.body_len = f.raw_len = out.len;
	wire_frame_encode(head, &f);
	if (write(fd, head, sizeof(head)) < 0 ||
	    write(fd, out.data, out.len) < 0)
		perror("answer");
	wire_cc_done_release(&done);
	buf_release(&out);
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(at.sun_path)) {
		fputs("usage: answer SOCKET\n", stderr);
		return 1;
	}
	strcpy(at.sun_path, argv[1]);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 64)) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		struct wire_cc_job job = { 0 };
		int fd = accept(listener, NULL, NULL);
		char c;

		if (fd < 0)
			continue;
		if (!read_job(fd, &job)) {
			answer(fd, &job);
			/* Wait for the end of file: the wrapper is done. */
			(void)!read(fd, &c, 1);
			wire_cc_job_release(&job);
		}
		close(fd);
	}
}

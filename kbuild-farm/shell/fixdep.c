/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/fixdep.h"

#include "base/buf.h"
#include "base/str.h"
#include "cc/job.h"
#include "shell/counts.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/limits.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE 65536

static bool is_fixdep(char *const *argv)
{
	int n = 0;

	while (argv[n])
		n++;
	return n == 4 && str_ends(argv[0], "scripts/basic/fixdep");
}

/* Can the writing fail in no other way than for want of room? */
static bool is_plain_output(int out)
{
	struct rlimit limit;
	struct stat st;

	return !fstat(out, &st) && S_ISREG(st.st_mode) &&
	       !getrlimit(RLIMIT_FSIZE, &limit) &&
	       limit.rlim_cur == RLIM_INFINITY;
}

/* A word within that time, or it counts as dead. */
static bool set_timeouts(int fd)
{
	const struct timeval tv = { .tv_sec = CC_SILENCE_MS / 1000 };

	return !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) &&
	       !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int connect_to_coordinator(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (!set_timeouts(fd) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_question(int fd, char *const *argv)
{
	uint8_t head[WIRE_FRAME_SIZE] = { 0 };
	char cwd[PATH_MAX];
	struct wire_frame frame = { .type = WIRE_CC_FIXDEP,
				    .codec = WIRE_PLAIN };
	const struct wire_cc_fixdep ask = { .cwd = getcwd(cwd, sizeof(cwd)),
					    .program = argv[0],
					    .depfile = argv[1],
					    .target = argv[2] };
	struct buf out = { 0 };
	bool sent = false;

	buf_add(&out, head, sizeof(head));
	if (ask.cwd) {
		wire_cc_fixdep_encode(&out, &ask);
		frame.body_len = (uint32_t)(out.len - sizeof(head));
		frame.raw_len = frame.body_len;
		wire_frame_encode(out.data, &frame);
		sent = send(fd, out.data, out.len, MSG_NOSIGNAL) ==
		       (ssize_t)out.len;
	}
	buf_release(&out);
	return sent;
}

static bool receive_more(int fd, struct buf *in)
{
	ssize_t n;

	if (buf_reserve(in, READ_SIZE))
		return false;
	do {
		n = recv(fd, in->data + in->len, in->cap - in->len - 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	return true;
}

/* The answer's body is at the start of `in`, behind its head. */
static bool receive_answer(int fd, struct buf *in, struct wire_frame *frame)
{
	for (;;) {
		while (in->len < WIRE_FRAME_SIZE) {
			if (!receive_more(fd, in))
				return false;
		}
		if (wire_frame_decode(frame, in->data) ||
		    frame->codec != WIRE_PLAIN)
			return false;
		while (in->len < WIRE_FRAME_SIZE + frame->body_len) {
			if (!receive_more(fd, in))
				return false;
		}
		if (frame->type != WIRE_CC_BEAT)
			return frame->type == WIRE_CC_FIXED;
		buf_consume(in, WIRE_FRAME_SIZE + frame->body_len);
	}
}

static bool write_all(int fd, struct bytes in)
{
	while (in.len) {
		ssize_t n = write(fd, in.data, in.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		in.data += n;
		in.len -= (size_t)n;
	}
	return true;
}

/* Its exit status, and its words where there is no room. */
static int print_answer(int out, const struct wire_cc_fixed *m,
			const char *command)
{
	static const char full[] =
		"fixdep: not all data was written to the output\n";
	struct buf text = { 0 };
	bool ok;

	buf_add_bytes(&text, m->head);
	buf_add_str(&text, command);
	buf_add_bytes(&text, m->rest);
	ok = write_all(out, buf_bytes(&text));
	buf_release(&text);
	if (!ok)
		write_all(STDERR_FILENO, bytes_of(full, sizeof(full) - 1));
	return !ok;
}

static int ask_what_it_prints(int fd, char *const *argv, int out)
{
	struct buf in = { 0 };
	struct wire_frame frame;
	struct wire_cc_fixed m;
	int status = -1;

	if (send_question(fd, argv) && receive_answer(fd, &in, &frame) &&
	    !wire_cc_fixed_decode(
		    &m, bytes_of(in.data + WIRE_FRAME_SIZE, frame.body_len)))
		status = print_answer(out, &m, argv[3]);
	buf_release(&in);
	return status;
}

int shell_fixdep(char *const *argv, const char *socket, int out)
{
	char *silent;
	int fd = -1, status = -1;

	if (!socket || !is_fixdep(argv) || !is_plain_output(out))
		return -1;
	silent = wire_cc_silent_file(socket);
	if (access(silent, F_OK))
		fd = connect_to_coordinator(socket);
	if (fd >= 0) {
		status = ask_what_it_prints(fd, argv, out);
		close(fd);
	}
	if (status >= 0)
		shell_counts_add(SHELL_COUNT_FIXDEPS);
	free(silent);
	return status;
}

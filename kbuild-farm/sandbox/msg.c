/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int sandbox_msg_send(int sock, const struct sandbox_msg *m, const void *tail,
		     size_t len, const int *fds, unsigned n)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(SANDBOX_MSG_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = (void *)m, .iov_len = sizeof(*m) },
		{ .iov_base = (void *)tail, .iov_len = len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };
	ssize_t sent;

	if (n) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

void sandbox_msg_close_fds(struct sandbox_msg_ancillary *extra)
{
	for (unsigned i = 0; i < extra->n_fds; i++)
		close(extra->fds[i]);
	extra->n_fds = 0;
}

static void read_ancillary(struct msghdr *msg,
			   struct sandbox_msg_ancillary *extra)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			extra->n_fds = (unsigned)n;
			memcpy(extra->fds, CMSG_DATA(c), n * sizeof(int));
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred who;

			memcpy(&who, CMSG_DATA(c), sizeof(who));
			extra->pid = who.pid;
			extra->uid = who.uid;
			extra->gid = who.gid;
		}
	}
}

ssize_t sandbox_msg_receive(int sock, struct sandbox_msg *m, void *tail,
			    size_t size, struct sandbox_msg_ancillary *extra,
			    int flags)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(SANDBOX_MSG_FDS_MAX * sizeof(int)) +
			  CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov[2] = {
		{ .iov_base = m, .iov_len = sizeof(*m) },
		{ .iov_base = tail, .iov_len = size },
	};
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = size ? 2 : 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	*extra = (struct sandbox_msg_ancillary){ 0 };
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n && errno != ECONNRESET ? -errno : -EPIPE;
	read_ancillary(&msg, extra);
	if ((size_t)n < sizeof(*m) || (msg.msg_flags & MSG_TRUNC)) {
		sandbox_msg_close_fds(extra);
		return -EPROTO;
	}
	m->layer[sizeof(m->layer) - 1] = '\0';
	m->operation[sizeof(m->operation) - 1] = '\0';
	return n - (ssize_t)sizeof(*m);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/msg.h"

#include <sys/socket.h>

static int pair[2];

static void set_up(void)
{
	ck_assert(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
}

static void tear_down(void)
{
	close(pair[0]);
	close(pair[1]);
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_message_arrives_with_tail_descriptors_and_credentials)
{
	const int on = 1;
	struct sandbox_msg m = { .type = SANDBOX_MSG_START,
				 .id = 7,
				 .argc = 3 };
	struct sandbox_msg_ancillary extra;
	struct sandbox_msg got;
	char tail[16] = "";
	int fd[2];

	ck_assert(!pipe(fd));
	ck_assert(
		!setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	ck_assert(!sandbox_msg_send(pair[0], &m, "tail", 5, fd, 2));
	ck_assert_int_eq(sandbox_msg_receive(pair[1], &got, tail, sizeof(tail),
					     &extra, 0),
			 5);
	ck_assert_uint_eq(got.type, SANDBOX_MSG_START);
	ck_assert_uint_eq(got.id, 7);
	ck_assert_uint_eq(got.argc, 3);
	ck_assert_str_eq(tail, "tail");
	ck_assert_uint_eq(extra.n_fds, 2);
	ck_assert_int_eq(extra.pid, getpid());
	ck_assert_uint_eq(extra.uid, getuid());
	ck_assert_int_eq(write(extra.fds[1], "x", 1), 1);
	ck_assert_int_eq(read(fd[0], tail, 1), 1);
	ck_assert_int_eq(fcntl(extra.fds[0], F_GETFD), FD_CLOEXEC);
	sandbox_msg_close_fds(&extra);
	ck_assert_uint_eq(extra.n_fds, 0);
	close(fd[0]);
	close(fd[1]);
}

TEST(an_empty_socket_is_eagain_and_a_closed_one_epipe)
{
	struct sandbox_msg_ancillary extra;
	struct sandbox_msg m = { 0 };

	ck_assert_int_eq(
		sandbox_msg_receive(pair[1], &m, NULL, 0, &extra, MSG_DONTWAIT),
		-EAGAIN);
	close(pair[0]);
	ck_assert_int_eq(sandbox_msg_receive(pair[1], &m, NULL, 0, &extra, 0),
			 -EPIPE);
	ck_assert_int_eq(sandbox_msg_send(pair[1], &m, NULL, 0, NULL, 0),
			 -EPIPE);
	pair[0] = dup(pair[1]);
}

TEST(a_short_or_truncated_message_is_rejected)
{
	struct sandbox_msg_ancillary extra;
	struct sandbox_msg m = { 0 };
	char tail[4];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), next;

	ck_assert_int_eq(send(pair[0], "short", 5, 0), 5);
	ck_assert_int_eq(sandbox_msg_receive(pair[1], &m, NULL, 0, &extra, 0),
			 -EPROTO);
	ck_assert(!sandbox_msg_send(pair[0], &m, "too long", 9, &null, 1));
	ck_assert_int_eq(
		sandbox_msg_receive(pair[1], &m, tail, sizeof(tail), &extra, 0),
		-EPROTO);
	/* The descriptor was closed. */
	next = dup(null);
	ck_assert_int_eq(next, null + 1);
	close(next);
	close(null);
}

TEST(received_texts_are_nul_terminated)
{
	struct sandbox_msg m = { .type = SANDBOX_MSG_START_FAILED }, got;
	struct sandbox_msg_ancillary extra;

	memset(m.layer, 'x', sizeof(m.layer));
	memset(m.operation, 'x', sizeof(m.operation));
	ck_assert(!sandbox_msg_send(pair[0], &m, NULL, 0, NULL, 0));
	ck_assert(!sandbox_msg_receive(pair[1], &got, NULL, 0, &extra, 0));
	ck_assert_uint_eq(strlen(got.layer), sizeof(got.layer) - 1);
	ck_assert_uint_eq(strlen(got.operation), sizeof(got.operation) - 1);
}

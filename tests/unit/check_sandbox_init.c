/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/init.h"

#include "../lib/test.h"
#include "sandbox.h"

#include <sys/resource.h>
#include <sys/socket.h>

/* A sandbox init whose messages the test exchanges directly. */
static struct sandbox_init_setup setup;
static int sock;

static struct sandbox_msg receive(void)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct sandbox_msg_ancillary extra;
	struct sandbox_msg m;

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_ge(sandbox_msg_receive(sock, &m, NULL, 0, &extra, 0), 0);
	sandbox_msg_close_fds(&extra);
	return m;
}

static void send_msg(const struct sandbox_msg *m, const char *tail, size_t len)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), fds[] = { fd, fd };
	unsigned n = m->fd_mask ? 2 : 0;

	ck_assert(!sandbox_msg_send(sock, m, tail, len, fds, n));
	close(fd);
}

/* Start the sandbox init, optionally from a parent without free descriptors. */
static void start_init(bool no_free_fds)
{
	const struct sandbox_msg go = { .type = SANDBOX_MSG_SET_UP };
	int pair[2];
	pid_t pid;

	ck_assert(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	sock = pair[0];
	setup.sock = pair[1];
	setup.namespace_limits = (struct sandbox_user_limits){ 1 << 20, 100 };
	setup.job_limits = (struct sandbox_job_exec_limits){
		.job_bytes = 1 << 20,
		.job_files = 100,
		.file_bytes = 1 << 20,
		.memory_bytes = 1 << 28,
		.max_processes = 8,
	};
	setup.n_filter = (size_t)sandbox_confine_build_seccomp(setup.filter);
	pid = fork();
	if (!pid) {
		const struct rlimit few = { 64, 64 };

		if (no_free_fds && !setrlimit(RLIMIT_NOFILE, &few))
			while (dup(setup.sock) >= 0)
				;
		sandbox_init_main(&setup);
	}
	close(pair[1]);
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert(!sandbox_msg_send(sock, &go, NULL, 0, NULL, 0));
	ck_assert_uint_eq(receive().type, SANDBOX_MSG_READY);
}

static void set_up(void)
{
	start_init(false);
}

/* The sandbox init ends with this process. */
static void tear_down(void)
{
	close(sock);
}

static const char strings[] = "/\0" /* cwd */
			      "/none\0"
			      "A=1\0";

static struct sandbox_msg start(void)
{
	return (struct sandbox_msg){
		.type = SANDBOX_MSG_START,
		.id = 5,
		.argc = 1,
		.envc = 1,
		.fd_mask = 1u << SANDBOX_MSG_FD_STDOUT |
			   1u << SANDBOX_MSG_FD_STDERR,
	};
}

/* Expect START_FAILED with this error and ENDED, possibly after STARTED. */
static void check_failed(int error)
{
	struct sandbox_msg m = receive();

	if (m.type == SANDBOX_MSG_STARTED)
		m = receive();
	ck_assert_uint_eq(m.type, SANDBOX_MSG_START_FAILED);
	ck_assert_uint_eq(m.id, 5);
	ck_assert_int_eq(m.error, error);
	m = receive();
	ck_assert_uint_eq(m.type, SANDBOX_MSG_ENDED);
	ck_assert_uint_eq(m.id, 5);
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_job_that_cannot_start_is_reported_as_failed_and_ended)
{
	struct sandbox_msg m = start();

	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
}

TEST(a_malformed_job_is_rejected)
{
	struct sandbox_msg m = start();

	m.argc = 2;
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m.argc = 0;
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m.argc = UINT32_MAX;
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m.argc = 1;
	m.envc = UINT32_MAX;
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m = start();
	send_msg(&m, strings, 3);
	check_failed(EPROTO);
	send_msg(&m, strings, 0);
	check_failed(EPROTO);
	m.fd_mask |= 1u << SANDBOX_MSG_FD_STDIN;
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	/* The next job is accepted. */
	m = start();
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
}

TEST(the_self_test_job_ends_with_sigsys)
{
	struct sandbox_msg m = start();

	m.self_test = 1;
	send_msg(&m, strings, sizeof(strings) - 1);
	ck_assert_uint_eq(receive().type, SANDBOX_MSG_STARTED);
	m = receive();
	ck_assert_uint_eq(m.type, SANDBOX_MSG_ENDED);
	ck_assert(WIFSIGNALED(m.status) && WTERMSIG(m.status) == SIGSYS);
}

TEST(a_kill_of_an_unknown_job_is_ignored)
{
	const struct sandbox_msg kill_msg = { .type = SANDBOX_MSG_KILL,
					      .id = 99 };
	struct sandbox_msg m = start();

	send_msg(&kill_msg, NULL, 0);
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
}

FIXTURE_ONCE(require_sandbox, NULL);
TIMEOUT(120);

TEST(an_init_starts_without_a_free_descriptor_in_its_parent)
{
	struct sandbox_msg m = start();

	start_init(true);
	send_msg(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
	tear_down();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cell */
#include "cell/keeper.h"

#include "cell.h"
#include "suite.h"

#include <signal.h>
#include <sys/socket.h>

/* A keeper that we talk to ourselves. */
static struct cell_keeper_plan plan;
static int sock;

static struct cell_msg hear(void)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct cell_msg_extra extra;
	struct cell_msg m;

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_ge(cell_msg_receive(sock, &m, NULL, 0, &extra, 0), 0);
	cell_msg_close(&extra);
	return m;
}

static void tell(const struct cell_msg *m, const char *tail, size_t len)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), fds[] = { fd, fd };
	unsigned n = m->fds ? 2 : 0;

	ck_assert(!cell_msg_send(sock, m, tail, len, fds, n));
	close(fd);
}

static void set_up(void)
{
	const struct cell_msg go = { .type = CELL_MSG_GO };
	int pair[2];
	pid_t pid;

	ck_assert(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	sock = pair[0];
	plan.sock = pair[1];
	plan.space = (struct cell_space_limits){ 1 << 20, 100 };
	plan.job = (struct cell_jail_limits){
		.job_bytes = 1 << 20,
		.job_files = 100,
		.file_bytes = 1 << 20,
		.memory_bytes = 1 << 28,
		.processes = 8,
	};
	plan.filter_n = (size_t)cell_seccomp_make(plan.filter);
	pid = fork();
	if (!pid)
		cell_keeper_main(&plan);
	close(pair[1]);
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert(!cell_msg_send(sock, &go, NULL, 0, NULL, 0));
	ck_assert_uint_eq(hear().type, CELL_MSG_READY);
}

/* It ends with us. */
static void tear_down(void)
{
	close(sock);
}

static const char strings[] = "/\0" /* cwd */
			      "/none\0"
			      "A=1\0";

static struct cell_msg start(void)
{
	return (struct cell_msg){
		.type = CELL_MSG_START,
		.id = 5,
		.argc = 1,
		.envc = 1,
		.fds = 1u << CELL_MSG_STDOUT | 1u << CELL_MSG_STDERR,
	};
}

/* FAILED and ENDED come, with this error and maybe STARTED before. */
static void check_failed(int error)
{
	struct cell_msg m = hear();

	if (m.type == CELL_MSG_STARTED)
		m = hear();
	ck_assert_uint_eq(m.type, CELL_MSG_FAILED);
	ck_assert_uint_eq(m.id, 5);
	ck_assert_int_eq(m.error, error);
	m = hear();
	ck_assert_uint_eq(m.type, CELL_MSG_ENDED);
	ck_assert_uint_eq(m.id, 5);
}

START_TEST(a_job_is_told_of_to_its_end)
{
	struct cell_msg m = start();

	tell(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
}
END_TEST

START_TEST(a_job_that_is_not_whole_is_refused)
{
	struct cell_msg m = start();

	m.argc = 2;
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m.argc = 0;
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m.argc = UINT32_MAX;
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m.argc = 1;
	m.envc = UINT32_MAX;
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	m = start();
	tell(&m, strings, 3);
	check_failed(EPROTO);
	tell(&m, strings, 0);
	check_failed(EPROTO);
	m.fds |= 1u << CELL_MSG_STDIN;
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(EPROTO);
	/* And the next one is served. */
	m = start();
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
}
END_TEST

START_TEST(its_own_job_finds_no_way_out)
{
	struct cell_msg m = start();

	m.self_test = 1;
	tell(&m, strings, sizeof(strings) - 1);
	ck_assert_uint_eq(hear().type, CELL_MSG_STARTED);
	m = hear();
	ck_assert_uint_eq(m.type, CELL_MSG_ENDED);
	ck_assert(WIFSIGNALED(m.status) && WTERMSIG(m.status) == SIGSYS);
}
END_TEST

START_TEST(who_is_not_there_cannot_be_killed)
{
	const struct cell_msg shoot = { .type = CELL_MSG_KILL, .id = 99 };
	struct cell_msg m = start();

	tell(&shoot, NULL, 0);
	tell(&m, strings, sizeof(strings) - 1);
	check_failed(ENOENT);
}
END_TEST

static Suite *keeper_suite(void)
{
	Suite *s = suite_create("cell/keeper");
	TCase *tc = tcase_create("keeper");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_job_is_told_of_to_its_end);
	tcase_add_test(tc, a_job_that_is_not_whole_is_refused);
	tcase_add_test(tc, its_own_job_finds_no_way_out);
	tcase_add_test(tc, who_is_not_there_cannot_be_killed);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	if (no_cells_here())
		return 0;
	return suite_run(keeper_suite());
}

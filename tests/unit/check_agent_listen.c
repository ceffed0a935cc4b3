/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire toolchain */
#include "agent-client.h"

#include <sys/un.h>

static char *work, *path, *address;
static const char *more[3];

static void set_up(void)
{
	client_set_up();
	work = work_new();
	path = xasprintf("%s/socket", work);
	address = xasprintf("unix:%s", path);
	more[0] = "--listen";
	more[1] = address;
}

static void tear_down(void)
{
	struct err err;

	ck_assert_uint_eq(count_entries(work, false), 0);
	ck_assert_int_eq(fs_remove(work, &err), 0);
	free(address);
	free(path);
	free(work);
	client_tear_down();
}

static int connect_to_it(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	uint64_t deadline = clock_ms() + CLIENT_MS;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, path);
	while (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		ck_assert_uint_lt(clock_ms(), deadline);
		usleep(10000);
	}
	return fd;
}

static void stop(pid_t pid)
{
	uint64_t start = clock_ms();

	kill(pid, SIGTERM);
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert_uint_lt(clock_ms() - start, 1000);
}

START_TEST(several_conversations_share_one_node)
{
	pid_t pid = kfarmd_start(work, -1, more);
	struct client c[2] = { 0 };
	struct buf text = slow_text();
	static const char *const o2[] = { "-O 2", NULL };
	struct stat st;

	for (int i = 0; i < 2; i++) {
		client_attach(&c[i], connect_to_it());
		client_greet(&c[i]);
		client_ask(&c[i], "gcc", &client_gcc.id);
		ck_assert_uint_eq(c[i].have.state, WIRE_HAVE_SAME);
	}
	ck_assert(!stat(path, &st));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);

	/* One leaves in the middle of its job; the other notices nothing. */
	client_compile(&c[0], 1, WIRE_LANG_C, buf_bytes(&text), o2);
	wait_workers(work, true);
	client_compile(&c[1], 1, WIRE_LANG_C, bytes_str("# 1 \"x.c\"\nint x;"),
		       o2);
	client_wait_job(&c[1], 1);
	ck_assert(c[1].job[1].has_result);
	client_release(&c[0]);
	wait_workers(work, false);

	/* Its end is told. */
	kill(pid, SIGTERM);
	client_wait(&c[1].closed);
	ck_assert_ptr_nonnull(c[1].bye);
	ck_assert_int_eq(spawn_wait(pid), 0);
	client_release(&c[1]);
	buf_release(&text);
}
END_TEST

START_TEST(the_end_comes_within_a_second_and_takes_the_jobs_along)
{
	pid_t pid = kfarmd_start(work, -1, more);
	struct client c = { 0 };
	struct buf text = slow_text();

	client_attach(&c, connect_to_it());
	client_greet(&c);
	client_ask(&c, "gcc", &client_gcc.id);
	for (unsigned i = 0; i < 4; i++)
		client_compile(&c, i, WIRE_LANG_C, buf_bytes(&text), NULL);
	wait_workers(work, true);
	stop(pid);
	ck_assert_uint_eq(count_workers(work), 0);
	client_release(&c);
	buf_release(&text);
}
END_TEST

START_TEST(a_path_is_not_shared)
{
	pid_t pid = kfarmd_start(work, -1, more);
	int fd = connect_to_it();

	ck_assert_int_eq(WEXITSTATUS(spawn_wait(kfarmd_start(work, -1, more))),
			 1);
	close(fd);
	fd = connect_to_it();
	close(fd);
	stop(pid);
}
END_TEST

START_TEST(a_dead_ones_socket_and_work_are_cleared_away)
{
	pid_t pid = kfarmd_start(work, -1, more);
	int fd = connect_to_it();

	kill(pid, SIGKILL);
	spawn_wait(pid);
	close(fd);
	ck_assert(fs_exists(path));
	ck_assert_uint_eq(count_entries(work, false), 3);
	pid = kfarmd_start(work, -1, more);
	fd = connect_to_it();
	ck_assert_uint_eq(count_entries(work, false), 3);
	close(fd);
	stop(pid);
}
END_TEST

START_TEST(something_else_at_the_path_is_left_alone)
{
	char *lock = xasprintf("%s.lock", path);
	struct err err;

	ck_assert_int_eq(fs_write(path, bytes_str("mine"), 0600, &err), 0);
	ck_assert_int_eq(WEXITSTATUS(spawn_wait(kfarmd_start(work, -1, more))),
			 1);
	ck_assert(fs_exists(path));
	unlink(path);
	unlink(lock);
	free(lock);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/listen");
	TCase *t = tcase_create("listen");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, several_conversations_share_one_node);
	tcase_add_test(t,
		       the_end_comes_within_a_second_and_takes_the_jobs_along);
	tcase_add_test(t, a_path_is_not_shared);
	tcase_add_test(t, a_dead_ones_socket_and_work_are_cleared_away);
	tcase_add_test(t, something_else_at_the_path_is_left_alone);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

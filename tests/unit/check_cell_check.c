/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cell */
#include "cell/cell.h"

#include "cell.h"
#include "suite.h"

#include <sched.h>

START_TEST(what_holds_is_named)
{
	struct cell_check c;

	cell_check(&c);
	ck_assert_msg(c.fit, "%s", c.why);
	ck_assert_str_eq(c.why, "");
	ck_assert_ptr_nonnull(strstr(c.layers, "user mount pid"));
	ck_assert_ptr_nonnull(strstr(c.layers, "seccomp"));
}
END_TEST

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(77);
	close(fd);
}

/* In a child: a system where there may be only so many user namespaces. */
static void allow(const char *number)
{
	char uid[64], gid[64];

	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER))
		_exit(77);
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", uid);
	write_text("/proc/self/gid_map", gid);
	write_text("/proc/sys/user/max_user_namespaces", number);
}

static void check_forbidden(void)
{
	struct cell_setup setup = { 0 };
	struct cell *none = NULL;
	struct cell_check c;

	cell_check(&c);
	if (c.fit || *c.layers)
		_exit(1);
	if (!strstr(c.why, "no sandbox: user: "))
		_exit(2);
	if (cell_new(&none, &setup, &err) >= 0 || none)
		_exit(3);
	_exit(0);
}

/* The cell's, but none for each job. */
static void check_nesting(void)
{
	struct cell_check c;

	cell_check(&c);
	_exit(!c.fit || strstr(c.layers, "job-user") ? 1 : 0);
}

static void check_with(const char *number, void (*play)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		allow(number);
		play();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		puts("skipped: user.max_user_namespaces cannot be set here");
		return;
	}
	ck_assert_int_eq(status, 0);
}

START_TEST(without_user_namespaces_nothing_runs)
{
	check_with("0", check_forbidden);
}
END_TEST

START_TEST(with_one_user_namespace_jobs_share_it)
{
	check_with("1", check_nesting);
}
END_TEST

static Suite *check_suite(void)
{
	Suite *s = suite_create("cell/check");
	TCase *tc = tcase_create("check");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_holds_is_named);
	tcase_add_test(tc, without_user_namespaces_nothing_runs);
	tcase_add_test(tc, with_one_user_namespace_jobs_share_it);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	if (no_cells_here())
		return 0;
	return suite_run(check_suite());
}

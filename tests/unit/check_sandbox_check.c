/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/sandbox.h"

#include "../lib/test.h"
#include "sandbox.h"

#include <linux/magic.h>
#include <sched.h>
#include <sys/vfs.h>

FIXTURE_ONCE(require_sandbox, NULL);
TIMEOUT(120);

TEST(the_check_lists_the_active_layers)
{
	struct sandbox_check c;

	sandbox_check(&c);
	ck_assert_msg(c.usable, "%s", c.reason);
	ck_assert_str_eq(c.reason, "");
	ck_assert(str_starts(c.layers, "user mount pid") ||
		  str_starts(c.layers, "uid mount pid"));
	text_has(c.layers, "seccomp");
}

/* Neither kfarmd nor its jobs may cause the loss of the optional layer. */
TEST(jobs_have_a_procfs_if_unshare_can_mount_one)
{
	struct sandbox_check c;
	struct statfs fs;

	if (system("unshare -UrCpf --mount-proc true") ||
	    statfs("/dev/null", &fs) || fs.f_type != TMPFS_MAGIC)
		SKIP("the system denies a procfs");
	sandbox_check(&c);
	text_has(c.layers, " proc");
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(77);
	close(fd);
}

/*
 * In a child: limit the number of user namespaces, with root as the only user.
 */
static void limit_namespaces(const char *number)
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

/* Likewise, but with the users 0 to `last`. */
static void limit_namespaces_with_users(const char *number, unsigned last)
{
	char path[64], map[64];
	int ready[2];
	pid_t child;

	if (geteuid() || pipe(ready))
		_exit(77);
	child = fork();
	if (!child) {
		/* Only the parent namespace has these users. */
		if (read(ready[0], map, 1) != 1)
			_exit(77);
		snprintf(map, sizeof(map), "0 0 %u", last + 1);
		snprintf(path, sizeof(path), "/proc/%d/uid_map", getppid());
		write_text(path, map);
		snprintf(path, sizeof(path), "/proc/%d/gid_map", getppid());
		write_text(path, map);
		_exit(0);
	}
	if (unshare(CLONE_NEWUSER) || write(ready[1], "x", 1) != 1 ||
	    waitpid(child, NULL, 0) != child)
		_exit(77);
	write_text("/proc/sys/user/max_user_namespaces", number);
}

static void limit_with_all_users(const char *number)
{
	limit_namespaces_with_users(number, 4294967294u);
}

static void limit_with_some_users(const char *number)
{
	limit_namespaces_with_users(number, 65535);
}

static void check_forbidden(void)
{
	struct sandbox_setup setup = { 0 };
	struct sandbox *none = NULL;
	struct sandbox_check c;

	sandbox_check(&c);
	if (c.usable || *c.layers)
		_exit(1);
	if (!strstr(c.reason, "no sandbox: user: "))
		_exit(2);
	if (sandbox_new(&none, &setup, &err) >= 0 || none)
		_exit(3);
	_exit(0);
}

/* The sandbox has a user namespace, but its jobs have none of their own. */
static void check_nesting(void)
{
	struct sandbox_check c;

	sandbox_check(&c);
	_exit(!c.usable || strstr(c.layers, "job-user") ? 1 : 0);
}

/* Without user namespaces, root's sandboxes give each job its own uid. */
static void check_users(void)
{
	struct sandbox_check c;

	sandbox_check(&c);
	if (!c.usable)
		puts(c.reason);
	_exit(c.usable && str_starts(c.layers, "uid mount pid ") &&
			      !strstr(c.layers, "job-user") ?
		      0 :
		      1);
}

static void check_with(void (*prepare)(const char *), const char *number,
		       void (*check)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prepare(number);
		check();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("user.max_user_namespaces cannot be set");
	ck_assert_int_eq(status, 0);
}

TEST(without_user_namespaces_no_sandbox_is_created)
{
	check_with(limit_namespaces, "0", check_forbidden);
}

TEST(with_one_user_namespace_jobs_share_it)
{
	check_with(limit_namespaces, "1", check_nesting);
}

TEST(root_needs_no_user_namespaces)
{
	check_with(limit_with_all_users, "0", check_users);
	check_with(limit_with_some_users, "0", check_users);
}

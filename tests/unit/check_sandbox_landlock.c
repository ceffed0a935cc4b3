/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/confine.h"

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static char top[] = "/tmp/kfarm-landlock-XXXXXX";
static char *writable, *other;
static int abi;

static void set_up(void)
{
	abi = sandbox_confine_landlock_abi();
	ck_assert_int_ge(abi, 0);
	ck_assert_ptr_nonnull(mkdtemp(top));
	writable = xasprintf("%s/own", top);
	other = xasprintf("%s/other", top);
	ck_assert(!mkdir(writable, 0755) && !mkdir(other, 0755));
}

static void tear_down(void)
{
	struct err err;

	must(fs_remove(top, &err));
	free(writable);
	free(other);
}

static bool can_write(const char *dir)
{
	char *path = xasprintf("%s/x", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	free(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool can_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool denied;

	if (fd < 0)
		return false;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	denied = connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
		 errno == EACCES;
	close(fd);
	return !denied;
}

static int check_confined(void)
{
	const char *paths[] = { writable, NULL };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (sandbox_confine_apply_landlock(abi, paths))
		return 1;
	if (!can_write(writable))
		return 2;
	if (abi && can_write(other))
		return 3;
	if (access("/etc/passwd", R_OK) || open("/etc/passwd", O_RDONLY) < 0)
		return 4;
	if (open("/dev/null", O_WRONLY) < 0)
		return 5;
	if (abi >= 4 && can_connect())
		return 6;
	execl("/bin/true", "true", NULL);
	return 7;
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(only_the_given_directory_is_writable)
{
	pid_t pid;
	int status;

	if (!abi)
		puts("this kernel has no Landlock: only that it says so");
	ck_assert(can_write(writable) && can_write(other));
	pid = fork();
	if (!pid)
		_exit(check_confined());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

TEST(a_missing_path_is_an_error)
{
	const char *paths[] = { "/none/such", NULL };
	pid_t pid;
	int status;

	pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(sandbox_confine_apply_landlock(abi, paths) !=
		      (abi ? -ENOENT : 0));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

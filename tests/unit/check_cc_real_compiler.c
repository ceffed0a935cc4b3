/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cc */
/* Environment, local slots and start of the real compiler. */
#include "../lib/process-state.h"
#include "../lib/test.h"

#include "cc/real-compiler.h"

#include <sys/file.h>

static char *dir;

static void setup(void)
{
	char template[] = "/tmp/check-cc-local-XXXXXX";

	dir = xstrdup(mkdtemp(template));
}

static void teardown(void)
{
	for (int i = 0; i < 3; i++) {
		char *path = xasprintf("%s/%d", dir, i);

		unlink(path);
		free(path);
	}
	rmdir(dir);
	free(dir);
}

static void make_slots(int n)
{
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%d", dir, i);
		int fd = open(path, O_WRONLY | O_CREAT, 0600);

		ck_assert_int_ge(fd, 0);
		close(fd);
		free(path);
	}
}

static int slot_fd(int i)
{
	char *path = xasprintf("%s/%d", dir, i);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	return fd;
}

static bool is_taken(int i)
{
	int fd = slot_fd(i);
	bool taken = flock(fd, LOCK_EX | LOCK_NB) < 0;

	close(fd);
	return taken;
}

FIXTURE(setup, teardown);

TEST(wrapper_variables_are_removed_from_the_environment)
{
	char *env[] = { "A=1",
			"KFARM_SOCKET=/s",
			"PATH=/l:/usr/bin:/l/:/bin",
			"KFARM_SLOTS=/x",
			"KFARM_LINKS=/l",
			"KFARM_CONFIG=/c",
			NULL };

	cc_real_compiler_clean_env(env, "/l");
	ck_assert_str_eq(env[0], "A=1");
	ck_assert_str_eq(env[1], "PATH=/usr/bin:/bin");
	free(env[1]);
	ck_assert_str_eq(env[2], "KFARM_CONFIG=/c");
	ck_assert_ptr_null(env[3]);
}

/* An empty PATH would mean the current directory. */
TEST(path_is_removed_if_only_the_masquerade_directory_is_in_it)
{
	char *env[] = { "PATH=/l", "A=1", NULL };

	cc_real_compiler_clean_env(env, "/l");
	ck_assert_str_eq(env[0], "A=1");
	ck_assert_ptr_null(env[1]);
}

TEST(path_is_unchanged_without_a_masquerade_directory)
{
	char *env[] = { "PATH=/l:/bin", "KFARM_SLOTS=", NULL };
	char *path = env[0];

	cc_real_compiler_clean_env(env, NULL);
	ck_assert_ptr_eq(env[0], path);
	ck_assert_ptr_null(env[1]);
}

TEST(a_slot_is_held_by_an_open_descriptor)
{
	pid_t pid;
	int status;

	make_slots(2);
	pid = fork();
	if (!pid) {
		int fd = cc_real_compiler_lock_slot(dir);

		/* An exclusive lock on NFS needs a descriptor for writing. */
		_exit(is_taken(0) + is_taken(1) == 1 && (fcntl(fd, F_GETFL) &
							 O_ACCMODE) == O_RDWR ?
			      0 :
			      1);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert(!is_taken(0) && !is_taken(1));
}

TEST(the_descriptor_of_exactly_one_slot_survives_exec)
{
	char *script = xasprintf(
		"n=0; for f in /proc/$$/fd/*; do case $(readlink $f) in "
		"%s/*) n=$((n + 1));; esac; done; [ $n = 1 ] || exit 1; "
		"for i in 0 1; do flock -n %s/$i true && n=$((n + 1)); done; "
		"[ $n = 2 ]",
		dir, dir);
	char *argv[] = { "sh", "-c", script, NULL };
	pid_t pid;
	int status;

	make_slots(2);
	pid = fork();
	if (!pid) {
		cc_real_compiler_lock_slot(dir);
		_exit(cc_real_compiler_exec("/bin/sh", argv, environ));
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert(!is_taken(0));
	free(script);
}

TEST(locking_waits_for_a_free_slot)
{
	int held, status, ends[2];
	pid_t pid;
	char c;

	make_slots(1);
	held = slot_fd(0);
	ck_assert_int_eq(flock(held, LOCK_EX), 0);
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		close(held);
		cc_real_compiler_lock_slot(dir);
		_exit(write(ends[1], "x", 1) != 1);
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	await_sleep(pid);
	ck_assert_int_eq(read(ends[0], &c, 1), -1);
	close(held);
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	close(ends[0]);
}

/* The compiler inherits no descriptor either. */
TEST(without_slots_locking_returns_at_once)
{
	int next = dup(STDERR_FILENO), after;

	close(next);
	alarm(60);
	cc_real_compiler_lock_slot(dir);
	cc_real_compiler_lock_slot("/nonexistent");
	alarm(0);
	after = dup(STDERR_FILENO);
	ck_assert_int_eq(after, next);
	close(after);
}

TEST(a_failed_exec_returns_the_status_of_a_shell)
{
	char *argv[] = { "gcc", NULL };
	char *path = xasprintf("%s/0", dir);

	make_slots(1);
	close(STDERR_FILENO);
	ck_assert_int_eq(
		cc_real_compiler_exec("/nonexistent/gcc", argv, environ), 127);
	ck_assert_int_eq(cc_real_compiler_exec(path, argv, environ), 126);
	ck_assert_str_eq(argv[0], path);
	free(path);
}

TEST(a_moved_descriptor_is_above_stderr)
{
	int fd;

	close(STDIN_FILENO);
	fd = cc_real_compiler_move_fd(open("/dev/null", O_RDONLY));
	ck_assert_int_gt(fd, STDERR_FILENO);
	ck_assert_int_eq(fcntl(STDIN_FILENO, F_GETFD), -1);
	ck_assert_int_eq(cc_real_compiler_move_fd(fd), fd);
	ck_assert_int_eq(cc_real_compiler_move_fd(-1), -1);
}

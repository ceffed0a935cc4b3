/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/scratch-dir.h"

#include "../lib/test.h"
#include "store-fixture.h"

static int root_fd;

static void setup(void)
{
	play_setup();
	root_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root_fd, 0);
}

static void teardown(void)
{
	close(root_fd);
	play_teardown();
}

static int make(char name[static STORE_SCRATCH_NAME_MAX])
{
	struct err err = { 0 };
	int fd = store_scratch_dir_make(root_fd, name, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	return fd;
}

FIXTURE(setup, teardown);

TEST(prune_removes_only_directories_that_are_not_held_open)
{
	char one[STORE_SCRATCH_NAME_MAX], two[STORE_SCRATCH_NAME_MAX];
	int a = make(one), b = make(two);

	ck_assert_str_ne(one, two);
	store_scratch_dir_prune(root_fd);
	ck_assert(fs_is_dir(one) && fs_is_dir(two));
	close(a);
	store_scratch_dir_prune(root_fd);
	ck_assert(!fs_exists(one));
	ck_assert(fs_is_dir(two));
	close(b);
}

TEST(prune_removes_the_directory_tree_of_a_killed_process)
{
	char line[STORE_SCRATCH_NAME_MAX] = "";
	int out[2];
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		int fd = make(line), in;

		mkdirat(fd, "deep", 0700);
		in = openat(fd, "deep/file", O_WRONLY | O_CREAT, 0400);
		if (in < 0 || write(out[1], line, sizeof(line)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(out[0], line, sizeof(line)), sizeof(line));
	store_scratch_dir_prune(root_fd);
	ck_assert(fs_is_dir(line));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	store_scratch_dir_prune(root_fd);
	ck_assert(!fs_exists(line));
	close(out[0]);
	close(out[1]);
}

TEST(prune_does_not_follow_symlinks)
{
	struct err err = { 0 };

	ck_assert_int_eq(mkdir("outside", 0700), 0);
	ck_assert_int_eq(mkdir("live", 0700), 0);
	must(fs_write("outside/f", bytes_str("x"), 0600, &err));
	ck_assert_int_eq(symlink("../outside", "live/link"), 0);
	ck_assert_int_eq(mkdir("live/left", 0700), 0);
	ck_assert_int_eq(symlink("../../outside", "live/left/link"), 0);
	ck_assert_int_eq(mkfifo("live/fifo", 0600), 0);
	close(root_fd);
	root_fd = open("live", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	store_scratch_dir_prune(root_fd);
	ck_assert_uint_eq(play_entries("live"), 0);
	ck_assert(fs_exists("outside/f"));
}

TEST(remove_at_removes_a_tree_and_ignores_a_missing_file)
{
	ck_assert_int_eq(fs_remove_at(root_fd, "nothing"), 0);
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(mkdir("d/e", 0700), 0);
	ck_assert_int_eq(mkfifo("d/e/fifo", 0600), 0);
	ck_assert_int_eq(chmod("d/e", 0), 0);
	ck_assert_int_eq(fs_remove_at(root_fd, "d"), 0);
	ck_assert(!fs_exists("d"));
}

TEST(remove_at_removes_deeply_nested_directories)
{
	struct strv all = { 0 };
	int ret = 0;

	strv_add(&all, "d");
	for (size_t i = 0; i < 150 && !ret; i++) {
		ret = mkdir(all.v[i], 0700);
		strv_addf(&all, "%s/d", all.v[i]);
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_int_eq(fs_remove_at(root_fd, "d"), 0);
	strv_release(&all);
}

/*
 * Several processes create and prune directories concurrently; no process loses
 * its directory.
 */
TEST(concurrent_makes_and_prunes_do_not_interfere)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i])
			continue;
		for (int n = 0; n < 200; n++) {
			char name[STORE_SCRATCH_NAME_MAX];
			struct err err = { 0 };
			int fd = store_scratch_dir_make(root_fd, name, &err);

			store_scratch_dir_prune(root_fd);
			if (fd < 0 || !fs_is_dir(name))
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	store_scratch_dir_prune(root_fd);
	ck_assert_uint_eq(play_entries("."), 0);
}

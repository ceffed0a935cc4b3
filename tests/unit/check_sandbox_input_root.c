/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/internal.h"

#include "base/buf.h"

#include <limits.h>

/* Two directories replace the tmpfs, because these tests need no namespace. */
static char top[] = "/tmp/kfarm-view-XXXXXX";
static struct sandbox cell;
static struct err err;

static int open_dir(const char *name)
{
	char *path = xasprintf("%s/%s", top, name);
	int fd;

	ck_assert(!mkdir(path, 0755));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	free(path);
	return fd;
}

static void set_up(void)
{
	int root, stage;

	ck_assert_ptr_nonnull(mkdtemp(top));
	root = open_dir("view");
	stage = open_dir("stage");
	sandbox_input_root_init(&cell.input_root, root, stage, geteuid(),
				getegid());
}

static void tear_down(void)
{
	char *stage = xasprintf("%s/stage", top);

	/* No file is ever left in the stage. */
	ck_assert_int_eq(rmdir(stage), 0);
	free(stage);
	sandbox_input_root_release(&cell.input_root);
	must(fs_remove(top, &err));
}

/* Open a file without a name. */
static int open_unnamed(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int put(const char *path, const char *text)
{
	int fd = open_unnamed(), ret;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ret = sandbox_put_file(&cell, path, fd, strlen(text), false, 1, &err);
	close(fd);
	return ret;
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	ck_assert_msg(!fstatat(cell.input_root.root_fd, path + 1, &st,
			       AT_SYMLINK_NOFOLLOW),
		      "%s", path);
	return st;
}

static bool is_there(const char *path)
{
	struct stat st;

	return !fstatat(cell.input_root.root_fd, path + 1, &st,
			AT_SYMLINK_NOFOLLOW);
}

static void check_text(const char *path, const char *text)
{
	char *full = xasprintf("%s/view%s", top, path);

	expect_file(full, text);
	free(full);
}

FIXTURE(set_up, tear_down);

TEST(a_file_has_its_bytes_mode_and_time)
{
	static const int64_t times[] = { 1700000000123456789, 0, -1,
					 -1000000001 };
	int fd = open_unnamed();
	struct stat st;

	ck_assert_int_eq(write(fd, "#!/bin/sh", 9), 9);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		must(sandbox_put_file(&cell, "/a/b/c", fd, 9, i & 1, times[i],
				      &err));
		st = stat_of("/a/b/c");
		ck_assert_int_eq(st.st_mtim.tv_sec * (int64_t)1000000000 +
					 st.st_mtim.tv_nsec,
				 times[i]);
		ck_assert_uint_eq(st.st_mode, S_IFREG | (i & 1 ? 0755 : 0644));
		ck_assert_uint_eq(st.st_nlink, 1);
		check_text("/a/b/c", "#!/bin/sh");
	}
	/* The source's position is unchanged. */
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 9);
	close(fd);
}

TEST(equal_files_are_different_inodes)
{
	int fd = open_unnamed();

	ck_assert_int_eq(write(fd, "x", 1), 1);
	must(sandbox_put_file(&cell, "/a", fd, 1, false, 1, &err));
	must(sandbox_put_file(&cell, "/b", fd, 1, false, 1, &err));
	ck_assert_int_ne(stat_of("/a").st_ino, stat_of("/b").st_ino);
	close(fd);
}

TEST(a_short_source_changes_nothing)
{
	int fd = open_unnamed();

	ck_assert(!put("/a", "old"));
	ck_assert_int_eq(write(fd, "new", 3), 3);
	ck_assert_int_eq(sandbox_put_file(&cell, "/a", fd, 4, false, 1, &err),
			 -EIO);
	check_text("/a", "old");
	close(fd);
	ck_assert_int_eq(sandbox_put_file(&cell, "/a", -1, 4, false, 1, &err),
			 -EBADF);
	check_text("/a", "old");
}

/* A source that sendfile() rejects. */
TEST(a_source_is_copied_by_hand_where_it_must_be)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	must(sandbox_put_file(&cell, "/a", fd, 100, false, 1, &err));
	ck_assert_int_eq(stat_of("/a").st_size, 100);
	close(fd);
}

static void put_kind(const char *path, int kind)
{
	int ret = 0;

	switch (kind) {
	case 0:
		ret = put(path, "file");
		break;
	case 1:
		ret = sandbox_put_symlink(&cell, path, "/nowhere/at/all", &err);
		break;
	case 2:
		ret = sandbox_put_dir(&cell, path, &err);
		break;
	default: {
		char *below = xasprintf("%s/x/y/z", path);

		ret = sandbox_remove_path(&cell, path, &err);
		if (!ret)
			ret = put(below, "deep");
		free(below);
	}
	}
	ck_assert_msg(!ret, "%s", err.text);
}

static void check_kind(const char *path, int kind)
{
	static const mode_t modes[] = { S_IFREG, S_IFLNK, S_IFDIR, S_IFDIR };

	ck_assert_uint_eq(stat_of(path).st_mode & S_IFMT, modes[kind]);
}

/* File, link, empty directory, full directory: each replaces each. */
TEST(everything_is_replaced_by_everything)
{
	for (int first = 0; first < 4; first++) {
		for (int then = 0; then < 4; then++) {
			put_kind("/d/e", first);
			check_kind("/d/e", first);
			put_kind("/d/e", then);
			check_kind("/d/e", then);
			must(sandbox_remove_path(&cell, "/d/e", &err));
			ck_assert(!is_there("/d/e"));
		}
	}
}

TEST(a_directory_that_is_there_keeps_what_it_has)
{
	ck_assert(!put("/a/b", "x"));
	must(sandbox_put_dir(&cell, "/a", &err));
	check_text("/a/b", "x");
}

TEST(no_link_is_followed)
{
	ck_assert(!put("/real/f", "x"));
	must(sandbox_put_symlink(&cell, "/link", "real", &err));
	must(sandbox_put_symlink(&cell, "/out", "/tmp", &err));
	ck_assert_int_eq(put("/link/f", "y"), -ELOOP);
	ck_assert_int_eq(put("/link/new/f", "y"), -ELOOP);
	ck_assert_int_eq(put("/out/kfarm-escaped", "y"), -ELOOP);
	ck_assert_int_eq(sandbox_put_dir(&cell, "/out/d", &err), -ELOOP);
	ck_assert_int_eq(sandbox_put_symlink(&cell, "/out/l", "x", &err),
			 -ELOOP);
	ck_assert_int_eq(sandbox_remove_path(&cell, "/link/f", &err), -ELOOP);
	check_text("/real/f", "x");
	/* As the last component, the link itself is replaced. */
	ck_assert(!put("/link", "plain"));
	check_kind("/link", 0);
	check_text("/real/f", "x");
}

TEST(a_file_is_no_directory)
{
	ck_assert(!put("/f", "x"));
	ck_assert_int_eq(put("/f/g", "y"), -ENOTDIR);
	ck_assert_int_eq(put("/f/g/h", "y"), -ENOTDIR);
	ck_assert_int_eq(sandbox_remove_path(&cell, "/f/g", &err), -ENOTDIR);
	check_text("/f", "x");
}

TEST(what_is_not_there_is_removed_already)
{
	must(sandbox_remove_path(&cell, "/none", &err));
	must(sandbox_remove_path(&cell, "/none/at/all", &err));
	ck_assert(!is_there("/none"));
}

static const char *const bad[] = {
	"",   "/",   "a",    "a/b",  "//a",   "/a//b", "/a/",
	"/.", "/..", "/./a", "/a/.", "/a/..", "/../a", "/a/../b",
};

TEST_EACH(a_path_is_in_normal_form, bad)
{
	char *name = xcalloc(1, NAME_MAX + 4);

	ck_assert(!sandbox_input_root_is_normal(*row));
	ck_assert_int_eq(put(*row, "x"), -EINVAL);
	ck_assert_int_eq(sandbox_remove_path(&cell, *row, &err), -EINVAL);
	ck_assert_int_eq(sandbox_put_dir(&cell, *row, &err), -EINVAL);
	ck_assert_int_eq(sandbox_put_symlink(&cell, *row, "x", &err), -EINVAL);
	memset(name, 'x', NAME_MAX + 2);
	name[0] = '/';
	ck_assert(!sandbox_input_root_is_normal(name));
	name[NAME_MAX + 1] = '\0';
	ck_assert(sandbox_input_root_is_normal(name));
	free(name);
}

/* "/a" and "/aaa...": the maximum path length, and one byte more. */
TEST(long_paths_and_strange_names)
{
	char *path = xcalloc(1, 4200);

	for (size_t i = 0; i < 4096; i++)
		path[i] = i % 200 ? 'x' : '/';
	ck_assert(sandbox_input_root_is_normal(path));
	ck_assert_msg(!put(path, "deep"), "%s", err.text);
	must(sandbox_remove_path(&cell, path, &err));
	path[200] = '\0';
	must(sandbox_remove_path(&cell, path, &err));
	path[200] = '/';
	path[4096] = 'x';
	ck_assert(!sandbox_input_root_is_normal(path));
	free(path);
	ck_assert(!put("/a b/c,d/\xc3\xa9\n\xff", "x"));
	ck_assert(is_there("/a b/c,d/\xc3\xa9\n\xff"));
}

static const char *const ours[] = {
	"/.kfarm",   "/.kfarm/out", "/dev",
	"/dev/null", "/dev/zero",   "/dev/urandom"
};

TEST_EACH(what_the_cell_has_there_stays, ours)
{
	ck_assert_int_eq(put(*row, "x"), -EPERM);
	ck_assert_int_eq(sandbox_remove_path(&cell, *row, &err), -EPERM);
	ck_assert_int_eq(sandbox_put_symlink(&cell, *row, "x", &err), -EPERM);
	ck_assert(!put("/.kfarmer", "x"));
	ck_assert(!put("/dev/shm/tree/x.c", "x"));
}

TEST(what_is_frozen_stays)
{
	ck_assert(!put("/usr/bin/cc", "cc"));
	ck_assert(!put("/usr/lib/gone", "x"));
	must(sandbox_put_symlink(&cell, "/bin", "usr/bin", &err));
	must(sandbox_put_dir(&cell, "/usr/empty", &err));
	must(sandbox_remove_path(&cell, "/usr/lib", &err));
	must(sandbox_freeze(&cell, NULL, &err));

	ck_assert_int_eq(put("/usr/bin/cc", "evil"), -EPERM);
	ck_assert_int_eq(put("/usr/bin", "evil"), -EPERM);
	ck_assert_int_eq(put("/usr", "evil"), -EPERM);
	ck_assert_int_eq(put("/bin", "evil"), -EPERM);
	ck_assert_int_eq(sandbox_remove_path(&cell, "/usr", &err), -EPERM);
	ck_assert_int_eq(sandbox_remove_path(&cell, "/usr/empty", &err),
			 -EPERM);
	ck_assert_int_eq(sandbox_put_symlink(&cell, "/usr/bin/cc", "x", &err),
			 -EPERM);
	must(sandbox_put_dir(&cell, "/usr/bin", &err));
	check_text("/usr/bin/cc", "cc");
	/* There is space for other files, and removed files free theirs. */
	ck_assert(!put("/usr/include/x.h", "x"));
	ck_assert(!put("/usr/include/x.h", "y"));
	ck_assert(!put("/usr/lib/gone", "y"));
	must(sandbox_remove_path(&cell, "/usr/include", &err));
}

TEST(the_driver_is_what_proc_says)
{
	char target[64] = "";

	ck_assert(!put("/opt/llvm-14/bin/clang-14", "x"));
	must(sandbox_put_symlink(&cell, "/opt/llvm", "llvm-14", &err));
	must(sandbox_put_symlink(&cell, "/usr/bin/clang",
				 "../../opt/llvm/bin/clang-14", &err));
	ck_assert_int_eq(sandbox_freeze(&cell, "/usr/bin/gcc", &err), -ENOENT);
	must(sandbox_freeze(&cell, "/usr/bin/clang", &err));
	ck_assert_int_gt(readlinkat(cell.input_root.root_fd, "proc/self/exe",
				    target, sizeof(target) - 1),
			 0);
	ck_assert_str_eq(target, "/opt/llvm-14/bin/clang-14");
	ck_assert_int_eq(put("/proc/self/exe", "x"), -EPERM);
}

TEST(a_link_needs_a_target)
{
	char *much = xcalloc(1, 4097);

	memset(much, 'x', 4096);
	ck_assert_int_eq(sandbox_put_symlink(&cell, "/l", "", &err), -EINVAL);
	ck_assert_int_eq(sandbox_put_symlink(&cell, "/l", much, &err), -EINVAL);
	much[4095] = '\0';
	must(sandbox_put_symlink(&cell, "/l", much, &err));
	free(much);
}

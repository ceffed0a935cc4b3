/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/internal.h"

#include "base/buf.h"

#include <limits.h>

/* Two directories replace the tmpfs, because these tests need no namespace. */
static char top[] = "/tmp/kfarm-view-XXXXXX";
static struct sandbox sandbox;
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
	sandbox_input_root_init(&sandbox.input_root, root, stage, geteuid(),
				getegid());
}

static void tear_down(void)
{
	char *stage = xasprintf("%s/stage", top);

	/* No file is ever left in the stage. */
	ck_assert_int_eq(rmdir(stage), 0);
	free(stage);
	sandbox_input_root_release(&sandbox.input_root);
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
	ret = sandbox_put_file(&sandbox, path, fd, strlen(text), false, 1,
			       &err);
	close(fd);
	return ret;
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	ck_assert_msg(!fstatat(sandbox.input_root.root_fd, path + 1, &st,
			       AT_SYMLINK_NOFOLLOW),
		      "%s", path);
	return st;
}

static bool exists(const char *path)
{
	struct stat st;

	return !fstatat(sandbox.input_root.root_fd, path + 1, &st,
			AT_SYMLINK_NOFOLLOW);
}

static void check_text(const char *path, const char *text)
{
	char *full = xasprintf("%s/view%s", top, path);

	expect_file(full, text);
	free(full);
}

FIXTURE(set_up, tear_down);

TEST(a_file_has_the_given_content_mode_and_mtime)
{
	static const int64_t times[] = { 1700000000123456789, 0, -1,
					 -1000000001 };
	int fd = open_unnamed();
	struct stat st;

	ck_assert_int_eq(write(fd, "\177ELF-file", 9), 9);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		must(sandbox_put_file(&sandbox, "/a/b/c", fd, 9, i & 1,
				      times[i], &err));
		st = stat_of("/a/b/c");
		ck_assert_int_eq(st.st_mtim.tv_sec * (int64_t)1000000000 +
					 st.st_mtim.tv_nsec,
				 times[i]);
		ck_assert_uint_eq(st.st_mode, S_IFREG | (i & 1 ? 0755 : 0644));
		ck_assert_uint_eq(st.st_nlink, 1);
		check_text("/a/b/c", "\177ELF-file");
	}
	/* The file position of the source is unchanged. */
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 9);
	close(fd);
}

/* Its interpreter could be /proc/self/exe, which is kfarmd until the exec. */
TEST(a_script_is_not_executable)
{
	int fd = open_unnamed();

	ck_assert_int_eq(write(fd, "#!/proc/self/exe\n", 17), 17);
	must(sandbox_put_file(&sandbox, "/bin/x", fd, 17, true, 1, &err));
	ck_assert_uint_eq(stat_of("/bin/x").st_mode, S_IFREG | 0644);
	close(fd);
}

TEST(equal_files_have_different_inodes)
{
	int fd = open_unnamed();

	ck_assert_int_eq(write(fd, "x", 1), 1);
	must(sandbox_put_file(&sandbox, "/a", fd, 1, false, 1, &err));
	must(sandbox_put_file(&sandbox, "/b", fd, 1, false, 1, &err));
	ck_assert_int_ne(stat_of("/a").st_ino, stat_of("/b").st_ino);
	close(fd);
}

TEST(a_truncated_or_invalid_source_leaves_the_old_file)
{
	int fd = open_unnamed();

	ck_assert(!put("/a", "old"));
	ck_assert_int_eq(write(fd, "new", 3), 3);
	ck_assert_int_eq(
		sandbox_put_file(&sandbox, "/a", fd, 4, false, 1, &err), -EIO);
	check_text("/a", "old");
	close(fd);
	ck_assert_int_eq(
		sandbox_put_file(&sandbox, "/a", -1, 4, false, 1, &err),
		-EBADF);
	check_text("/a", "old");
}

/* sendfile() rejects this file of /proc. */
TEST(a_source_that_sendfile_rejects_is_copied)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	must(sandbox_put_file(&sandbox, "/a", fd, 100, false, 1, &err));
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
		ret = sandbox_put_symlink(&sandbox, path, "/nowhere/at/all",
					  &err);
		break;
	case 2:
		ret = sandbox_put_dir(&sandbox, path, &err);
		break;
	default: {
		char *below = xasprintf("%s/x/y/z", path);

		ret = sandbox_remove_path(&sandbox, path, &err);
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

/* The kinds: file, symbolic link, empty directory, directory with files. */
TEST(each_kind_of_entry_replaces_each_kind)
{
	for (int first = 0; first < 4; first++) {
		for (int then = 0; then < 4; then++) {
			put_kind("/d/e", first);
			check_kind("/d/e", first);
			put_kind("/d/e", then);
			check_kind("/d/e", then);
			must(sandbox_remove_path(&sandbox, "/d/e", &err));
			ck_assert(!exists("/d/e"));
		}
	}
}

TEST(adding_an_existing_directory_keeps_its_contents)
{
	ck_assert(!put("/a/b", "x"));
	must(sandbox_put_dir(&sandbox, "/a", &err));
	check_text("/a/b", "x");
}

TEST(a_symlink_in_a_path_is_not_followed)
{
	ck_assert(!put("/real/f", "x"));
	must(sandbox_put_symlink(&sandbox, "/link", "real", &err));
	must(sandbox_put_symlink(&sandbox, "/out", "/tmp", &err));
	ck_assert_int_eq(put("/link/f", "y"), -ELOOP);
	ck_assert_int_eq(put("/link/new/f", "y"), -ELOOP);
	ck_assert_int_eq(put("/out/kfarm-escaped", "y"), -ELOOP);
	ck_assert_int_eq(sandbox_put_dir(&sandbox, "/out/d", &err), -ELOOP);
	ck_assert_int_eq(sandbox_put_symlink(&sandbox, "/out/l", "x", &err),
			 -ELOOP);
	ck_assert_int_eq(sandbox_remove_path(&sandbox, "/link/f", &err),
			 -ELOOP);
	check_text("/real/f", "x");
	/* A symbolic link as the last component is replaced. */
	ck_assert(!put("/link", "plain"));
	check_kind("/link", 0);
	check_text("/real/f", "x");
}

TEST(a_file_as_a_parent_directory_is_an_error)
{
	ck_assert(!put("/f", "x"));
	ck_assert_int_eq(put("/f/g", "y"), -ENOTDIR);
	ck_assert_int_eq(put("/f/g/h", "y"), -ENOTDIR);
	ck_assert_int_eq(sandbox_remove_path(&sandbox, "/f/g", &err), -ENOTDIR);
	check_text("/f", "x");
}

TEST(removing_a_missing_path_succeeds)
{
	must(sandbox_remove_path(&sandbox, "/none", &err));
	must(sandbox_remove_path(&sandbox, "/none/at/all", &err));
	ck_assert(!exists("/none"));
}

static const char *const not_normalized[] = {
	"",   "/",   "a",    "a/b",  "//a",   "/a//b", "/a/",
	"/.", "/..", "/./a", "/a/.", "/a/..", "/../a", "/a/../b",
};

TEST_EACH(a_path_that_is_not_normalized_is_rejected, not_normalized)
{
	char *name = xcalloc(1, NAME_MAX + 4);

	ck_assert(!sandbox_input_root_is_normal(*row));
	ck_assert_int_eq(put(*row, "x"), -EINVAL);
	ck_assert_int_eq(sandbox_remove_path(&sandbox, *row, &err), -EINVAL);
	ck_assert_int_eq(sandbox_put_dir(&sandbox, *row, &err), -EINVAL);
	ck_assert_int_eq(sandbox_put_symlink(&sandbox, *row, "x", &err),
			 -EINVAL);
	memset(name, 'x', NAME_MAX + 2);
	name[0] = '/';
	ck_assert(!sandbox_input_root_is_normal(name));
	name[NAME_MAX + 1] = '\0';
	ck_assert(sandbox_input_root_is_normal(name));
	free(name);
}

/* Paths of the maximum length, and one byte longer. */
TEST(long_paths_and_unusual_names_are_accepted)
{
	char *path = xcalloc(1, 4200);

	for (size_t i = 0; i < 4096; i++)
		path[i] = i % 200 ? 'x' : '/';
	ck_assert(sandbox_input_root_is_normal(path));
	ck_assert_msg(!put(path, "deep"), "%s", err.text);
	must(sandbox_remove_path(&sandbox, path, &err));
	path[200] = '\0';
	must(sandbox_remove_path(&sandbox, path, &err));
	path[200] = '/';
	path[4096] = 'x';
	ck_assert(!sandbox_input_root_is_normal(path));
	free(path);
	ck_assert(!put("/a b/c,d/\xc3\xa9\n\xff", "x"));
	ck_assert(exists("/a b/c,d/\xc3\xa9\n\xff"));
}

static const char *const reserved[] = { "/.kfarm",   "/.kfarm/out",
					"/dev",      "/dev/null",
					"/dev/zero", "/dev/urandom",
					"/proc",     "/proc/self/exe" };

TEST_EACH(paths_of_the_sandbox_itself_cannot_be_changed, reserved)
{
	ck_assert_int_eq(put(*row, "x"), -EPERM);
	ck_assert_int_eq(sandbox_remove_path(&sandbox, *row, &err), -EPERM);
	ck_assert_int_eq(sandbox_put_symlink(&sandbox, *row, "x", &err),
			 -EPERM);
	ck_assert(!put("/.kfarmer", "x"));
	ck_assert(!put("/dev/shm/tree/x.c", "x"));
}

TEST(frozen_paths_cannot_be_changed)
{
	ck_assert(!put("/usr/bin/cc", "cc"));
	ck_assert(!put("/usr/lib/gone", "x"));
	must(sandbox_put_symlink(&sandbox, "/bin", "usr/bin", &err));
	must(sandbox_put_dir(&sandbox, "/usr/empty", &err));
	must(sandbox_remove_path(&sandbox, "/usr/lib", &err));
	must(sandbox_freeze(&sandbox, NULL, &err));

	ck_assert_int_eq(put("/usr/bin/cc", "evil"), -EPERM);
	ck_assert_int_eq(put("/usr/bin", "evil"), -EPERM);
	ck_assert_int_eq(put("/usr", "evil"), -EPERM);
	ck_assert_int_eq(put("/bin", "evil"), -EPERM);
	ck_assert_int_eq(sandbox_remove_path(&sandbox, "/usr", &err), -EPERM);
	ck_assert_int_eq(sandbox_remove_path(&sandbox, "/usr/empty", &err),
			 -EPERM);
	ck_assert_int_eq(
		sandbox_put_symlink(&sandbox, "/usr/bin/cc", "x", &err),
		-EPERM);
	must(sandbox_put_dir(&sandbox, "/usr/bin", &err));
	check_text("/usr/bin/cc", "cc");
	/* New files and paths removed before the freeze stay writable. */
	ck_assert(!put("/usr/include/x.h", "x"));
	ck_assert(!put("/usr/include/x.h", "y"));
	ck_assert(!put("/usr/lib/gone", "y"));
	must(sandbox_remove_path(&sandbox, "/usr/include", &err));
}

TEST(proc_self_exe_links_to_the_resolved_driver)
{
	char target[64] = "";

	ck_assert(!put("/opt/llvm-14/bin/clang-14", "x"));
	must(sandbox_put_symlink(&sandbox, "/opt/llvm", "llvm-14", &err));
	must(sandbox_put_symlink(&sandbox, "/usr/bin/clang",
				 "../../opt/llvm/bin/clang-14", &err));
	ck_assert_int_eq(sandbox_freeze(&sandbox, "/usr/bin/gcc", &err),
			 -ENOENT);
	must(sandbox_freeze(&sandbox, "/usr/bin/clang", &err));
	ck_assert_int_gt(readlinkat(sandbox.input_root.root_fd, "proc/self/exe",
				    target, sizeof(target) - 1),
			 0);
	ck_assert_str_eq(target, "/opt/llvm-14/bin/clang-14");
}

TEST(a_symlink_target_must_not_be_empty_or_too_long)
{
	char *long_target = xcalloc(1, 4097);

	memset(long_target, 'x', 4096);
	ck_assert_int_eq(sandbox_put_symlink(&sandbox, "/l", "", &err),
			 -EINVAL);
	ck_assert_int_eq(sandbox_put_symlink(&sandbox, "/l", long_target, &err),
			 -EINVAL);
	long_target[4095] = '\0';
	must(sandbox_put_symlink(&sandbox, "/l", long_target, &err));
	free(long_target);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/fs.h"

#include "../lib/private-tmp.h"
#include "../lib/process-state.h"
#include "../lib/test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

static char *dir;

static void setup(void)
{
	dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
	struct err err = { 0 };

	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

/* Return 1 if a directory has one name except "." and "..", else -1. */
static int entries(const char *path)
{
	char *command = xasprintf("test $(ls -A %s | wc -l) -eq 1", path);
	int ret = system(command);

	free(command);
	return ret ? -1 : 1;
}

static void expect_content(const char *path, const char *text)
{
	expect_file(path, text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

FIXTURE(setup, teardown);
TIMEOUT(120);

TEST(fs_write_follow_replaces_no_link_fifo_or_device)
{
	struct err err = { 0 };
	struct stat st;
	char name[64];
	int fd, ends[2];

	must(fs_write("f", bytes_str("old"), 0600, &err));
	ck_assert_int_eq(symlink("f", "link"), 0);
	must(fs_write_follow("link", bytes_str("new"), &err));
	ck_assert_int_eq(lstat("link", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	expect_file("f", "new");

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	fd = open("fifo", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	must(fs_write_follow("fifo", bytes_str("x"), &err));
	ck_assert_int_eq(lstat("fifo", &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	close(fd);
	ck_assert_int_eq(symlink("later", "ahead"), 0);
	must(fs_write_follow("ahead", bytes_str("x"), &err));
	ck_assert_int_eq(lstat("ahead", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(lstat("later", &st), 0);
	/* Like /dev/stdout if stdout is a pipe. */
	ck_assert_int_eq(pipe(ends), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[1]);
	ck_assert_int_eq(symlink(name, "piped"), 0);
	must(fs_write_follow("piped", bytes_str("x"), &err));
	ck_assert_int_eq(lstat("piped", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(read(ends[0], name, sizeof(name)), 1);
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(fs_write_follow("/dev/full", bytes_str("x"), &err),
			 -ENOSPC);
	ck_assert_int_eq(stat("/dev/full", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
	ck_assert_int_eq(fs_write_follow("no/such", bytes_str("x"), &err),
			 -ENOENT);
}

TEST(a_write_sets_content_and_mode_and_leaves_no_other_file)
{
	struct err err = { 0 };

	umask(022);
	must(fs_write("f", bytes_str("one"), 0600, &err));
	ck_assert_uint_eq(mode_of("f"), 0600);
	must(fs_write("f", bytes_str("two"), 0644, &err));
	ck_assert_uint_eq(mode_of("f"), 0644);
	expect_content("f", "two");
	ck_assert_int_eq(entries("."), 1);
}

TEST(fs_read_appends_to_the_buffer)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	fs_write("f", bytes_str("tail"), 0600, &err);
	buf_add_str(&b, "head ");
	must(fs_read("f", 100, &b, &err));
	ck_assert_str_eq(buf_str(&b), "head tail");
	buf_release(&b);
}

TEST(a_file_above_the_limit_is_rejected)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	fs_write("f", bytes_str("1234"), 0600, &err);
	must(fs_read("f", 4, &b, &err));
	buf_reset(&b);
	err_is(fs_read("f", 3, &b, &err), -EFBIG, "f: File too large");
	ck_assert_int_eq(fs_read("/dev/zero", 1 << 20, &b, &err), -EFBIG);
	buf_release(&b);
}

TEST(reading_a_missing_file_or_a_directory_fails)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	err_is(fs_read("nosuch", 10, &b, &err), -ENOENT,
	       "nosuch: No such file or directory");
	ck_assert_int_eq(fs_read(".", 10, &b, &err), -EISDIR);
	buf_release(&b);
}

TEST(a_failed_write_leaves_the_old_file)
{
	struct rlimit small = { .rlim_cur = 1000, .rlim_max = 1000 };
	char *big = xcalloc(1, 5000);
	struct err err = { 0 };

	must(fs_write("f", bytes_str("old"), 0600, &err));
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	err_is(fs_write("f", bytes_of(big, 5000), 0600, &err), -EFBIG,
	       "f: File too large");
	expect_content("f", "old");
	ck_assert_int_eq(entries("."), 1);
	free(big);
}

TEST(writing_below_a_missing_directory_or_to_a_directory_fails)
{
	struct err err = { 0 };

	err_is(fs_write("no/f", bytes_str(""), 0600, &err), -ENOENT,
	       "no/f: No such file or directory");
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(fs_write("d", bytes_str("x"), 0600, &err), -EISDIR);
	ck_assert_int_eq(entries("."), 1);
}

TEST(bytes_write_returns_the_error)
{
	int fd = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(bytes_write(fd, bytes_str("x")), -ENOSPC);
	ck_assert_int_eq(bytes_write(fd, bytes_of(NULL, 0)), 0);
	close(fd);
	ck_assert_int_eq(bytes_write(fd, bytes_str("x")), -EBADF);
}

TEST(a_copy_has_content_and_permissions)
{
	struct err err = { 0 };

	must(fs_write("f", bytes_str("text"), 0600, &err));
	ck_assert_int_eq(chmod("f", 0755), 0);
	umask(077);
	must(fs_copy("f", "g", &err));
	expect_content("g", "text");
	ck_assert_uint_eq(mode_of("g"), 0755);
	ck_assert_int_eq(chmod("f", 0444), 0);
	must(fs_copy("f", "g", &err));
	ck_assert_uint_eq(mode_of("g"), 0444);
}

TEST(sparse_procfs_and_empty_files_are_copied_whole)
{
	struct err err = { 0 };
	struct stat st;
	int fd = open("f", O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(pwrite(fd, "begin", 5, 0), 5);
	ck_assert_int_eq(pwrite(fd, "end", 3, 3 << 20), 3);
	close(fd);
	must(fs_copy("f", "g", &err));
	ck_assert_int_eq(system("cmp f g"), 0);
	/* The size of a file of procfs is 0. */
	must(fs_copy("/proc/version", "h", &err));
	ck_assert(!stat("h", &st) && st.st_size > 10);
	must(fs_write("f", bytes_str(""), 0600, &err));
	must(fs_copy("f", "g", &err));
	expect_content("g", "");
}

TEST(only_temporary_files_are_removed)
{
	struct err err = { 0 };

	fs_write(".a.kfarm.12", bytes_str(""), 0600, &err);
	fs_write(".a.b.kfarm.1", bytes_str(""), 0600, &err);
	fs_write(".a.kfarm.conf", bytes_str(""), 0600, &err);
	fs_write("a.kfarm.12", bytes_str(""), 0600, &err);
	fs_remove_temp_files(".");
	ck_assert(!fs_exists(".a.kfarm.12") && !fs_exists(".a.b.kfarm.1"));
	ck_assert(fs_exists(".a.kfarm.conf") && fs_exists("a.kfarm.12"));
	fs_remove_temp_files("nosuch");
}

TEST(a_copy_that_fails_names_the_file_at_fault)
{
	struct err err = { 0 };

	err_is(fs_copy("nosuch", "g", &err), -ENOENT,
	       "nosuch: No such file or directory");
	fs_write("f", bytes_str("text"), 0600, &err);
	err_is(fs_copy("f", "no/g", &err), -ENOENT,
	       "no/g: No such file or directory");
	ck_assert_int_eq(fs_copy(".", "g", &err), -EISDIR);
	ck_assert(!fs_exists("g"));
	ck_assert_int_eq(entries("."), 1);
}

TEST(missing_parent_directories_are_created)
{
	char *deep = xasprintf("%s/a//b/c/", dir);
	struct err err = { 0 };

	must(fs_mkdirs(deep, 0700, &err));
	ck_assert(fs_is_dir("a/b/c"));
	must(fs_mkdirs(deep, 0700, &err));
	must(fs_mkdirs("x/y", 0700, &err));
	ck_assert(fs_is_dir("x/y"));
	must(fs_mkdirs("/", 0700, &err));
	free(deep);
}

TEST(a_file_in_place_of_a_directory_is_an_error)
{
	struct err err = { 0 };

	fs_write("f", bytes_str(""), 0600, &err);
	err_is(fs_mkdirs("f/a", 0700, &err), -ENOTDIR,
	       "create directory f/a: Not a directory");
	ck_assert_int_lt(fs_mkdirs("f", 0700, &err), 0);
	ck_assert_int_eq(fs_mkdirs("", 0700, &err), -ENOENT);
}

TEST(a_missing_permission_to_create_a_directory_is_reported)
{
	const bool is_root = !geteuid();
	struct err err = { 0 };

	/* Root can write to every directory, so the test uses another user. */
	ck_assert_int_eq(chmod(dir, is_root ? 0755 : 0555), 0);
	ck_assert(!is_root || !seteuid(65534));
	err_is(fs_mkdirs("a/b", 0700, &err), -EACCES,
	       "create directory a: Permission denied");
	ck_assert(!is_root || !seteuid(0));
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

TEST(remove_does_not_follow_links)
{
	struct err err = { 0 };

	fs_mkdirs("keep", 0700, &err);
	fs_write("keep/f", bytes_str("kept"), 0600, &err);
	fs_mkdirs("gone/a/b", 0700, &err);
	fs_write("gone/a/f", bytes_str(""), 0400, &err);
	ck_assert_int_eq(symlink("../keep", "gone/link"), 0);
	ck_assert_int_eq(symlink("nowhere", "gone/dangling"), 0);
	must(fs_remove("gone", &err));
	ck_assert(!fs_exists("gone"));
	expect_content("keep/f", "kept");
	must(fs_remove("gone", &err));
	must(fs_remove("keep/f", &err));
	ck_assert(!fs_exists("keep/f"));
}

TEST(files_and_links_are_removed_and_missing_names_are_ignored)
{
	int at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	close(openat(at, "0", O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(fs_remove_at(at, "0"), 0);
	ck_assert(!symlinkat("/etc", at, "1"));
	ck_assert_int_eq(fs_remove_at(at, "1"), 0);
	ck_assert_int_eq(fs_remove_at(at, "2"), 0);
	ck_assert(!access("/etc", F_OK));
	close(at);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}

/* The tree is deeper than the limit of open files. */
TEST(a_tree_of_any_depth_is_removed)
{
	struct rlimit few = { 32, 32 };
	struct err err = { 0 };
	int at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 1000; i++) {
		int next;

		ck_assert(!mkdirat(at, "d", 0755));
		close(openat(at, "f", O_CREAT | O_WRONLY, 0600));
		next = openat(at, "d", O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	close(at);
	ck_assert(!setrlimit(RLIMIT_NOFILE, &few));
	must(fs_remove("d/", &err));
	ck_assert(!fs_exists("d"));
	ck_assert(fs_exists("f"));
}

TEST(a_tree_that_is_wide_is_removed)
{
	struct err err = { 0 };
	char name[64];

	ck_assert(!mkdir("w", 0755));
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "w/%d", i);
		ck_assert(!mkdir(name, 0755));
		snprintf(name, sizeof(name), "w/%d/x", i);
		ck_assert(!symlink("/etc/passwd", name));
	}
	must(fs_remove("w", &err));
	ck_assert(!fs_exists("w"));
	ck_assert(!access("/etc/passwd", F_OK));
}

TEST(fs_create_at_sets_size_mode_and_mtime_or_fails)
{
	struct err err = { 0 };
	struct stat st;
	int from;

	fs_write("from", bytes_str("twelve bytes"), 0600, &err);
	from = open("from", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(
		fs_create_at(AT_FDCWD, "to", from, 6, 0555, -1500000000), 0);
	expect_content("to", "twelve");
	ck_assert_uint_eq(mode_of("to"), 0555);
	ck_assert_int_eq(stat("to", &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, -2);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 500000000);
	ck_assert_int_eq(fs_create_at(AT_FDCWD, "to", from, 6, 0555, 0),
			 -EEXIST);
	ck_assert_int_eq(fs_create_at(AT_FDCWD, "more", from, 13, 0555, 0),
			 -EIO);
	ck_assert_int_eq(fs_create_at(AT_FDCWD, "no", -1, 1, 0555, 0), -EBADF);
	/* The file position is unchanged. */
	ck_assert_int_eq(lseek(from, 0, SEEK_CUR), 0);
	close(from);
}

TEST(a_lock_belongs_to_the_file_that_has_the_name)
{
	const int make = O_RDWR | O_CREAT, now = LOCK_EX | LOCK_NB;
	int fd = fs_open_locked(AT_FDCWD, "lock", make, now), again;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fs_open_locked(AT_FDCWD, "lock", make, now), -EBUSY);
	/* Another file with that name is another lock. */
	ck_assert_int_eq(unlink("lock"), 0);
	ck_assert_int_eq(fs_open_locked(AT_FDCWD, "lock", O_RDWR, now),
			 -ENOENT);
	again = fs_open_locked(AT_FDCWD, "lock", make, now);
	ck_assert_int_ge(again, 0);
	close(again);
	close(fd);
	ck_assert_int_eq(symlink("lock", "link"), 0);
	ck_assert_int_eq(fs_open_locked(AT_FDCWD, "link", O_RDWR, now), -ELOOP);
}

/* A waiting process gets the lock after its file has been unlinked. */
TEST(a_lock_of_an_unlinked_file_is_not_acquired)
{
	int fd = fs_open_locked(AT_FDCWD, "lock", O_RDWR | O_CREAT, LOCK_EX);
	pid_t pid = fork();

	if (!pid) {
		await_sleep(getppid());
		_exit(unlink("lock"));
	}
	/* The child's descriptor holds the lock until the child exits. */
	close(fd);
	ck_assert_int_eq(fs_open_locked(AT_FDCWD, "lock", O_RDWR, LOCK_EX),
			 -EAGAIN);
	waitpid(pid, NULL, 0);
}

TEST(a_list_has_all_names_in_order)
{
	struct strv names = { 0 };
	struct err err = { 0 };
	int at;

	ck_assert_int_eq(fs_list("nowhere", &names), -ENOENT);
	for (const char *name = "cab"; *name; name++)
		fs_write((char[]){ *name, 0 }, bytes_str(""), 0600, &err);
	ck_assert_int_eq(fs_list("a", &names), -ENOTDIR);
	ck_assert_int_eq(mkdir(".hidden", 0700), 0);
	ck_assert_int_eq(symlink(".hidden", "link"), 0);
	ck_assert_int_eq(fs_list(dir, &names), 0);
	ck_assert_uint_eq(names.n, 5);
	ck_assert_str_eq(names.v[0], ".hidden");
	ck_assert_str_eq(names.v[4], "link");
	strv_release(&names);
	ck_assert_int_eq(fs_list("link", &names), 0);
	at = open("link", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(fs_list_at(at, &names), 0);
	ck_assert_uint_eq(names.n, 0);
	close(at);
}

TEST(a_relative_path_is_appended_to_the_working_directory)
{
	char *a = fs_make_absolute("x/../y"), *b = fs_make_absolute("/z");
	char *want = xasprintf("%s/x/../y", dir);

	ck_assert_str_eq(a, want);
	ck_assert_str_eq(b, "/z");
	free(a);
	free(b);
	free(want);
}

static void expect_path(char *path, const char *want)
{
	ck_assert_str_eq(path, want);
	free(path);
}

TEST(a_path_in_a_removed_directory_stays_relative)
{
	ck_assert_int_eq(mkdir("gone", 0700), 0);
	ck_assert_int_eq(chdir("gone"), 0);
	ck_assert_int_eq(rmdir("../gone"), 0);
	expect_path(fs_make_absolute("x"), "x");
	expect_path(fs_make_absolute("/x"), "/x");
	expect_path(fs_canonical_path("."), ".");
	expect_path(fs_canonical_path("x/y"), "x/y");
	expect_path(fs_canonical_path("/nosuch/x"), "/nosuch/x");
}

static const struct canonical_path {
	const char *path, *want; /* `want` is relative to the directory */
} canonical_paths[] = {
	{ ".", "" },
	{ "real/../link/", "/real" },
	{ "link/missing", "/real/missing" },
	{ "link/../real/a/b", "/real/a/b" },
	{ "missing/../x", "/missing/../x" },
};

TEST_EACH(a_canonical_path_has_no_links, canonical_paths)
{
	char *want = xasprintf("%s%s", dir, row->want);
	struct err err = { 0 };

	must(fs_mkdirs("real", 0755, &err));
	ck_assert_int_eq(symlink("real", "link"), 0);
	expect_path(fs_canonical_path(row->path), want);
	expect_path(fs_canonical_path("/"), "/");
	expect_path(fs_canonical_path("/proc/../nosuch"), "/nosuch");
	expect_path(fs_canonical_path("/nosuch/x"), "/nosuch/x");
	free(want);
}

TEST(home_directories_follow_the_xdg_specification)
{
	setenv("HOME", "/home/u", 1);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_STATE_HOME");
	/* The XDG specification: ignore relative paths. */
	setenv("XDG_DATA_HOME", "data", 1);
	expect_path(fs_config_home(), "/c/kfarm");
	expect_path(fs_cache_home(), "/home/u/.cache/kfarm");
	expect_path(fs_data_home(), "/home/u/.local/share/kfarm");
	setenv("HOME", "", 1);
	expect_path(fs_state_home(), "/root/.local/state/kfarm");
	setenv("HOME", "here", 1);
	expect_path(fs_state_home(), "/root/.local/state/kfarm");
}

static const struct displayed_path {
	const char *home, *path, *want; /* relative to the directory */
} displayed_paths[] = {
	{ "real", "real/a", "~/a" },       { "real", "real", "~" },
	{ "real", "realm", NULL },         { "link", "link/a", "~/a" },
	{ "link", "real/a", "~/a" },       { "link", "linked", NULL },
	{ "missing", "missing/a", "~/a" },
};

TEST_EACH(the_home_is_displayed_as_a_tilde, displayed_paths)
{
	char *home = xasprintf("%s/%s", dir, row->home);
	char *path = xasprintf("%s/%s", dir, row->path);
	struct err err = { 0 };
	struct buf shown = { 0 };

	must(fs_mkdirs("real", 0755, &err));
	ck_assert_int_eq(symlink("real", "link"), 0);
	setenv("HOME", home, 1);
	fs_add_display_path(&shown, path);
	ck_assert_str_eq(buf_str(&shown), row->want ? row->want : path);
	buf_reset(&shown);
	setenv("HOME", "", 1);
	fs_add_display_path(&shown, path);
	ck_assert_str_eq(buf_str(&shown), path);
	buf_release(&shown);
	free(path);
	free(home);
}

TEST(only_a_leading_tilde_and_slash_are_expanded)
{
	setenv("HOME", "/home/u", 1);
	expect_path(fs_expand_home("~/a/~/b"), "/home/u/a/~/b");
	expect_path(fs_expand_home("~a/b"), "~a/b");
	expect_path(fs_expand_home("a/~/b"), "a/~/b");
	unsetenv("HOME");
	expect_path(fs_expand_home("~/a"), "~/a");
}

TEST(the_runtime_directory_must_be_private)
{
	static const char error[] = "%s: not a directory that only this user "
				    "can write to; remove it or set "
				    "XDG_RUNTIME_DIR";
	char *want = xasprintf("%s/kfarm", dir), *got = NULL;
	struct err err = { 0 };

	setenv("XDG_RUNTIME_DIR", dir, 1);
	must(fs_runtime_dir(&got, &err));
	ck_assert_str_eq(got, want);
	ck_assert_uint_eq(mode_of(want), 0700);
	free(got);
	ck_assert_int_eq(chmod(want, 0777), 0);
	err_is(fs_runtime_dir(&got, &err), -EPERM, error, want);
	rmdir(want);
	fs_mkdirs("elsewhere", 0700, &err);
	ck_assert_int_eq(symlink("elsewhere", want), 0);
	err_is(fs_runtime_dir(&got, &err), -EPERM, error, want);
	free(want);
}

TEST(a_directory_of_another_user_in_tmp_is_replaced_by_one_in_the_cache)
{
	char *in_tmp = xasprintf("/tmp/kfarm-%d", (int)geteuid());
	char *want = xasprintf("%s/kfarm/run", dir), *got = NULL;
	struct strv all = { 0 };
	struct err err;

	setenv("XDG_CACHE_HOME", dir, 1);
	unsetenv("XDG_RUNTIME_DIR");
	if (!private_tmp_mount())
		SKIP("no private /tmp: %s", strerror(errno));
	must(fs_runtime_dir(&got, &err));
	ck_assert_str_eq(got, in_tmp);
	free(got);
	ck_assert_int_eq(chmod(in_tmp, 0777), 0);
	must(fs_runtime_dir(&got, &err));
	fs_runtime_dirs(&all);
	ck_assert_str_eq(got, want);
	ck_assert_uint_eq(mode_of(want), 0700);
	ck_assert(strv_has(&all, want) && !strv_has(&all, in_tmp));
	private_tmp_unmount();
	strv_release(&all);
	free(got);
	free(want);
	free(in_tmp);
}

TEST(a_memory_file_is_read_from_its_start)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	char first;
	int fd;

	must(fs_memfd_new(bytes_str("some bytes"), &fd, &err));
	ck_assert_int_eq(read(fd, &first, 1), 1);
	ck_assert_int_eq(first, 's');
	ck_assert_int_eq(fs_memfd_read(fd, 9, &out, &err), -EMSGSIZE);
	buf_reset(&out);
	must(fs_memfd_read(fd, 10, &out, &err));
	ck_assert_str_eq(buf_str(&out), "some bytes");
	buf_release(&out);
	close(fd);
}

/*
 * Content of /proc/locks, or NULL for the content of the system.  If it is set,
 * all files are on the device 8:1, because the test directory can be on a file
 * system without a device, such as tmpfs.
 */
static char *locks_text;

/* These functions replace those of the C library. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
FILE *fopen(const char *path, const char *mode)
{
	if (locks_text && !strcmp(path, "/proc/locks"))
		return fmemopen(locks_text, strlen(locks_text), mode);
	return fdopen(open(path,
			   *mode == 'r' ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC,
			   0644),
		      mode);
}

int stat(const char *path, struct stat *st)
{
	int ret = fstatat(AT_FDCWD, path, st, 0);

	if (locks_text)
		st->st_dev = makedev(8, 1);
	return ret;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

TEST_RANGE(a_lock_on_another_device_with_the_same_inode_is_not_reported, 0, 2)
{
	struct stat st;
	char *who;

	ck_assert_int_eq(stat(dir, &st), 0);
	locks_text = xasprintf(
		"1: FLOCK  ADVISORY  WRITE %d 08:%02x:%lu 0 EOF\n", getppid(),
		1 + (unsigned)_i, (unsigned long)st.st_ino);
	who = lock_holders(dir);
	if (_i)
		ck_assert_str_eq(who, "another process");
	else
		ck_assert_str_ne(who, "another process");
	free(who);
	free(locks_text);
	locks_text = NULL;
}

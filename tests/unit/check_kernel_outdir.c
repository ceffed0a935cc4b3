/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "history/save.h"
#include "kernel-tree.h"
#include "kernel/outdir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct err err;
static struct kernel_outdir o;
static bool log_damaged; /* only the first lines of build.log are readable */

static ssize_t read_damaged(void *log, char *out, size_t size)
{
	static const char lines[] = "\033[1ma\nb\n";
	const size_t n = sizeof(lines) - 1;
	size_t *at = log;

	if (*at == n) {
		errno = EIO;
		return -1;
	}
	ck_assert_uint_ge(size, n);
	memcpy(out, lines, n);
	*at = n;
	return (ssize_t)n;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): a cookie_seek_function_t */
static int seek_damaged(void *log, off64_t *offset, int whence)
{
	ck_assert_int_eq(whence, SEEK_SET);
	*(size_t *)log = (size_t)*offset;
	return 0;
}

/* Replaces the C library's function. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
FILE *fopen(const char *path, const char *mode)
{
	static size_t at;

	if (log_damaged && str_ends(path, "/build.log"))
		return fopencookie(
			&at, mode,
			(cookie_io_functions_t){ .read = read_damaged,
						 .seek = seek_damaged });
	return fdopen(
		open(path, *mode == 'r' ? O_RDONLY : O_RDWR | O_CREAT, 0644),
		mode);
}

static size_t count_files(const char *dir)
{
	char *path = at(dir);
	struct strv names = { 0 };
	size_t n;

	fs_list(path, &names);
	n = names.n;
	strv_release(&names);
	free(path);
	return n;
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(default_directories_are_numbered)
{
	char *want = at(".cache/kfarm/builds/8"), *text;

	put_file(".cache/kfarm/builds/7/x", "", 0644);
	put_file(".cache/kfarm/builds/notes/x", "", 0644);
	must(kernel_outdir_make_numbered(&o, NULL, NULL, &err));
	ck_assert_str_eq(o.dir, want);
	ck_assert_int_eq(o.number, 8);
	text = kernel_outdir_display_path(&o);
	ck_assert_str_eq(text, "~/.cache/kfarm/builds/8");
	free(text);
	free(want);
	kernel_outdir_release(&o);
}

/* `kfarm clean` would remove the directory. */
TEST(a_given_directory_with_a_default_name_is_rejected)
{
	char *dir = at(".cache/kfarm/builds/20"), *link = at("link");
	char *slash = xasprintf("%s/", dir), *other = at("link/20");

	err_is(kernel_outdir_make(&o, slash, &err), -EINVAL,
	       "output directory: %s: this name is reserved for build 20; "
	       "choose another name",
	       dir);
	ck_assert(!stands(".cache/kfarm/builds"));
	kernel_outdir_release(&o);

	put_file(".cache/kfarm/builds/7/x", "", 0644);
	free(dir);
	dir = at(".cache/kfarm/builds");
	ck_assert_int_eq(symlink(dir, link), 0);
	ck_assert_int_eq(kernel_outdir_make_numbered(&o, other, NULL, &err),
			 -EINVAL);
	kernel_outdir_release(&o);
	free(other);
	other = at("link/20261125141300");
	must(kernel_outdir_make_numbered(&o, other, NULL, &err));
	kernel_outdir_release(&o);
	free(other);
	free(slash);
	free(link);
	free(dir);
}

TEST(concurrent_builds_get_different_directories)
{
	char *last = at(".cache/kfarm/builds/8");
	char *builds = kernel_outdir_top();
	int n_dirs = 0;

	for (int i = 0; i < 8; i++) {
		char *given = i % 2 ? xasprintf("%s/x%d", top, i) : NULL;

		if (!fork())
			_exit(kernel_outdir_make_numbered(&o, given, NULL,
							  &err) != 0);
		free(given);
	}
	for (int i = 0; i < 8; i++) {
		int status = 1;

		wait(&status);
		ck_assert_int_eq(status, 0);
	}
	/* Half of the builds have default directories. */
	for (int i = 1; i <= 8; i++) {
		char *one = xasprintf("%s/%d", builds, i);

		n_dirs += fs_is_dir(one);
		free(one);
	}
	ck_assert_int_eq(n_dirs, 4);
	ck_assert(fs_exists(last));
	free(builds);
	free(last);
}

TEST(a_build_with_a_given_directory_has_a_number)
{
	char *dir = at("out");

	put_file(".cache/kfarm/builds/7/x", "", 0644);
	must(kernel_outdir_make_numbered(&o, dir, NULL, &err));
	ck_assert_int_eq(o.number, 8);
	ck_assert_str_eq(o.dir, dir);
	kernel_outdir_release(&o);
	ck_assert_int_eq(kernel_outdir_reserve_number(), 9);
	must(kernel_outdir_make_numbered(&o, NULL, NULL, &err));
	ck_assert_int_eq(o.number, 10);
	kernel_outdir_release(&o);
	/* Only the entry of the last number is needed. */
	ck_assert(stands(".cache/kfarm/builds/7") &&
		  stands(".cache/kfarm/builds/10"));
	ck_assert(!stands(".cache/kfarm/builds/8") &&
		  !stands(".cache/kfarm/builds/9"));
	free(dir);
}

TEST(reserving_a_number_removes_only_unused_lower_reservations)
{
	char *dir = at("elsewhere"), *link = at(".cache/kfarm/builds/6");

	put_file("elsewhere/x", "", 0644);
	put_file(".cache/kfarm/builds/7", "", 0644);
	put_file(".cache/kfarm/builds/8", "mine", 0644);
	ck_assert_int_eq(symlink(dir, link), 0);
	ck_assert_int_eq(kernel_outdir_reserve_number(), 9);
	ck_assert(!stands(".cache/kfarm/builds/7"));
	ck_assert(stands(".cache/kfarm/builds/8") &&
		  stands(".cache/kfarm/builds/6/x"));
	free(link);
	free(dir);
}

TEST(build_numbers_in_the_history_are_not_reused)
{
	char *path = history_db_path();
	struct history *h = NULL;
	struct history_build b = { .number = 41, .start_s = 1 };
	struct history_details none = { 0 };

	ck_assert_int_eq(history_last_number(), 0);
	must(history_db_open_at(&h, path, HISTORY_MODE_WRITE, 100, &err));
	must(history_save_end(h, &b, &none, &err));
	ck_assert_int_eq(b.number, 41);
	history_db_close(h);
	ck_assert_int_eq(history_last_number(), 41);
	must(kernel_outdir_make_numbered(&o, NULL, NULL, &err));
	ck_assert_int_eq(o.number, 42);
	kernel_outdir_release(&o);
	/* Without the history, the directories suffice. */
	unlink(path);
	ck_assert_int_eq(kernel_outdir_reserve_number(), 43);
	free(path);
}

TEST(without_a_cache_directory_no_number_is_reserved)
{
	char *dir = at("out");

	put_file(".cache", "", 0644);
	ck_assert_int_eq(kernel_outdir_reserve_number(), 0);
	must(kernel_outdir_make_numbered(&o, dir, NULL, &err));
	ck_assert_int_eq(o.number, 0);
	kernel_outdir_release(&o);
	ck_assert_int_lt(kernel_outdir_make_numbered(&o, NULL, NULL, &err), 0);
	kernel_outdir_release(&o);
	free(dir);
}

/* make does not make these again if they are up to date. */
TEST(files_of_kbuild_remain_in_the_build_directory)
{
	static const char *const names[] = { "vmlinux", "System.map",
					     "modules.order" };
	char *dir = at("out");

	put_file("out/metadata.json",
		 "{\"results\": {\"artifacts\": {\"vmlinux\": [\"vmlinux\", "
		 "\"modules.order\", \"Image\"]}}}",
		 0644);
	put_file("out/modules.tar.xz", "", 0644);
	put_file("out/Image", "", 0644);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = xasprintf("out/%s", names[i]);

		put_file(path, "", 0644);
		free(path);
	}
	must(kernel_outdir_make_numbered(&o, dir, dir, &err));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = xasprintf("out/%s", names[i]);

		ck_assert_msg(stands(path), "%s", path);
		free(path);
	}
	ck_assert(!stands("out/modules.tar.xz") && !stands("out/Image") &&
		  !stands("out/metadata.json"));
	kernel_outdir_release(&o);
	must(kernel_outdir_make_numbered(&o, dir, NULL, &err));
	ck_assert(!stands("out/vmlinux") && !stands("out/System.map"));
	kernel_outdir_release(&o);
	free(dir);
}

TEST(files_of_an_earlier_build_are_removed)
{
	char *dir = at("out");

	put_file("out/modules.tar.xz", "", 0644);
	put_file("out/metadata.json", "", 0644);
	put_file("out/report.html", "", 0644);
	put_file("out/mine", "", 0644);
	must(kernel_outdir_make(&o, dir, &err));
	ck_assert(!stands("out/modules.tar.xz") &&
		  !stands("out/metadata.json") && !stands("out/report.html"));
	ck_assert(stands("out/mine") && stands("out/build.log"));
	kernel_outdir_release(&o);
	free(dir);
}

TEST(a_directory_with_foreign_files_is_rejected)
{
	char *dir = at("out");

	put_file("out/config", "mine", 0644);
	err_is(kernel_outdir_make(&o, dir, &err), -EEXIST,
	       "output directory: %s: contains config, which kfarm has not "
	       "written; choose another directory",
	       dir);
	ck_assert(stands("out/config") && !stands("out/build.log"));
	kernel_outdir_release(&o);
	free(dir);
}

TEST(concurrent_builds_cannot_share_a_directory)
{
	char *dir = at("out"), *link = at("link");
	struct kernel_outdir second;

	must(kernel_outdir_make(&o, dir, &err));
	put_file("out/vmlinux", "first", 0644);
	ck_assert_int_eq(symlink(dir, link), 0);
	err_is(kernel_outdir_make(&second, link, &err), -EBUSY,
	       "output directory: %s: in use by another build", link);
	kernel_outdir_release(&second);
	ck_assert(stands("out/build.log") && stands("out/vmlinux"));
	kernel_outdir_release(&o);
	must(kernel_outdir_make(&o, dir, &err));
	ck_assert(!stands("out/vmlinux"));
	kernel_outdir_release(&o);
	free(link);
	free(dir);
}

TEST(a_locked_build_directory_can_be_the_output_directory)
{
	char *dir = at("out"), *link = at("link");
	int fd;

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(symlink(dir, link), 0);
	fd = fs_open_locked(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, LOCK_EX);
	ck_assert_int_ge(fd, 0);
	must(kernel_outdir_make_numbered(&o, link, dir, &err));
	kernel_outdir_release(&o);
	close(fd);
	free(link);
	free(dir);
}

/* Opening a FIFO without a writer would wait. */
TEST(metadata_that_is_a_fifo_is_removed)
{
	char *dir = at("o"), *path = at("o/metadata.json");

	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(kernel_outdir_read_metadata(dir));
	ck_assert_int_eq(kernel_outdir_make(&o, dir, &err), 0);
	ck_assert(!fs_exists(path));
	kernel_outdir_release(&o);
	free(path);
	free(dir);
}

static const char *const uncreatable_dirs[] = { "/proc/nosuch", "/dev/null/x" };

TEST_EACH(an_error_names_a_directory_that_cannot_be_created, uncreatable_dirs)
{
	ck_assert_int_lt(kernel_outdir_make(&o, *row, &err), 0);
	text_starts(err.text, "output directory: ");
	text_has(err.text, *row);
	kernel_outdir_release(&o);
}

TEST(control_characters_are_removed_from_the_log)
{
	char *dir = at("out"), *log = at("out/build.log"), *text;

	must(kernel_outdir_make(&o, dir, &err));
	put_file("out/build.log", "\033[1ma\tb\033[m\r\nc\a\nlast", 0644);
	must(kernel_outdir_clean_log(&o, &err));
	text = get_file(log);
	ck_assert_str_eq(text, "a\tb\nc\nlast");
	ck_assert_uint_eq(count_files("out"), 1);
	free(text);
	kernel_outdir_release(&o);
	free(log);
	free(dir);
}

TEST(a_log_that_cannot_be_read_to_its_end_is_not_replaced)
{
	char *dir = at("out"), *log = at("out/build.log"), *text;

	must(kernel_outdir_make(&o, dir, &err));
	put_file("out/build.log", "\033[1ma\nb\nc\n", 0644);
	log_damaged = true;
	ck_assert_int_eq(kernel_outdir_clean_log(&o, &err), -EIO);
	text_has(err.text, log);
	text = get_file(log);
	ck_assert_str_eq(text, "\033[1ma\nb\nc\n");
	ck_assert_uint_eq(count_files("out"), 1);
	free(text);
	kernel_outdir_release(&o);
	free(log);
	free(dir);
}

/* A removal by `kfarm clean` takes an exclusive lock. */
TEST(the_target_of_a_linked_output_directory_is_locked)
{
	char *dir = at("real"), *link = at("link");

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(symlink("real", link), 0);
	ck_assert_int_eq(kernel_outdir_make(&o, link, &err), 0);
	ck_assert_int_eq(fs_open_locked(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY,
					LOCK_EX | LOCK_NB),
			 -EBUSY);
	ck_assert_str_eq(o.dir, link);
	kernel_outdir_release(&o);
	free(link);
	free(dir);
}

TEST(a_log_without_control_characters_is_not_rewritten)
{
	char *dir = at("out"), *log = at("out/build.log");
	struct stat a, b;

	must(kernel_outdir_make(&o, dir, &err));
	ck_assert_int_eq(
		write(o.log_fd, "fine \342\200\230x\342\200\231\n", 13), 13);
	ck_assert_int_eq(stat(log, &a), 0);
	must(kernel_outdir_clean_log(&o, &err));
	ck_assert_int_eq(stat(log, &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	kernel_outdir_release(&o);
	free(log);
	free(dir);
}

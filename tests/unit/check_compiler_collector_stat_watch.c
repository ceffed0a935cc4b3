/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "compiler/collector.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <sys/time.h>

static char dir[TEMPDIR_SIZE];
static char *paths[3]; /* a file, a link to it, a directory */
static struct compiler_stat_watch *w;
static struct err err;

static void set_up(void)
{
	static const char *const names[] = { "file", "link", "dir" };
	const struct timeval old[2] = { { 1000, 0 }, { 1000, 0 } };

	tempdir_make(dir);
	for (size_t i = 0; i < 3; i++)
		paths[i] = xasprintf("%s/%s", dir, names[i]);
	must(fs_write(paths[0], bytes_str("1"), 0600, &err));
	ck_assert_int_eq(symlink("file", paths[1]), 0);
	must(fs_mkdirs(paths[2], 0755, &err));
	ck_assert_int_eq(utimes(paths[0], old), 0);
	ck_assert_int_eq(lutimes(paths[1], old), 0);
	ck_assert_int_eq(utimes(paths[2], old), 0);
	w = compiler_stat_watch_new();
	for (size_t i = 0; i < 3; i++) {
		struct file_stamp stamp;
		struct stat st;

		ck_assert_int_eq(lstat(paths[i], &st), 0);
		file_stamp_from_stat(&stamp, &st);
		compiler_stat_watch_add(w, paths[i], &stamp);
	}
}

static void tear_down(void)
{
	compiler_stat_watch_free(w);
	tempdir_remove(dir);
	for (size_t i = 0; i < 3; i++)
		free(paths[i]);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(unchanged_files_pass_the_check)
{
	must(compiler_stat_watch_check(w, &err));
	must(compiler_stat_watch_check(w, &err));
}

TEST_RANGE(a_changed_file_link_or_directory_is_reported, 0, 3)
{
	char *inside = xasprintf("%s/x", paths[2]);

	if (_i == 0) {
		must(fs_write(paths[0], bytes_str("22"), 0600, &err));
	} else if (_i == 1) {
		ck_assert_int_eq(unlink(paths[1]), 0);
		ck_assert_int_eq(symlink("elsewhere", paths[1]), 0);
	} else {
		must(fs_write(inside, bytes_str(""), 0600, &err));
	}
	ck_assert_int_eq(compiler_stat_watch_check(w, &err), -ESTALE);
	text_has(err.text, paths[_i]);
	free(inside);
}

TEST_RANGE(a_removed_file_link_or_directory_is_reported, 0, 3)
{
	must(fs_remove(paths[_i], &err));
	ck_assert_int_eq(compiler_stat_watch_check(w, &err), -ESTALE);
	text_has(err.text, paths[_i]);
	text_has(err.text, "was removed");
}

/* Repeat until the directory's own recent times are reliable. */
static void look_until_settled(void)
{
	for (int i = 0; i < 60000 && !compiler_stat_watch_check_quick(w); i++) {
		usleep(1000);
		must(compiler_stat_watch_check(w, &err));
	}
}

TEST(the_quick_check_detects_a_replaced_file)
{
	char *other = xasprintf("%s/other", dir);

	ck_assert(!compiler_stat_watch_check_quick(w));
	look_until_settled();
	ck_assert(compiler_stat_watch_check_quick(w));
	must(fs_write(other, bytes_str("1"), 0600, &err));
	ck_assert(!compiler_stat_watch_check_quick(w));
	look_until_settled();
	ck_assert(compiler_stat_watch_check_quick(w));
	ck_assert_int_eq(rename(other, paths[0]), 0);
	ck_assert(!compiler_stat_watch_check_quick(w));
	ck_assert_int_eq(compiler_stat_watch_check(w, &err), -ESTALE);
	ck_assert(!compiler_stat_watch_check_quick(w));
	free(other);
}

/* A write into a file changes no directory. */
TEST_RANGE(the_quick_check_detects_writes_only_into_marked_files, 0, 2)
{
	if (_i)
		compiler_stat_watch_mark_written(w);
	look_until_settled();
	ck_assert_int_eq(truncate(paths[0], 5), 0);
	ck_assert(compiler_stat_watch_check_quick(w) == !_i);
	ck_assert_int_eq(compiler_stat_watch_check(w, &err), -ESTALE);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/link.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static char *ours, *others;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	ours = xasprintf("%s/.live/1.0/new", dir);
	others = xstrdup(dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(ours);
	free(others);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

/* Create a file with a time, which equal files share. */
static void make(const char *name, const char *text, mode_t mode, time_t when)
{
	struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
	char *path = xasprintf("%s/%s", dir, name), *upper = str_dir(path);

	must(fs_mkdirs(upper, 0755, &err));
	must(fs_write(path, bytes_str(text), mode, &err));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	free(upper);
	free(path);
}

static ino_t inode(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	free(path);
	return st.st_ino;
}

#define NEW ".live/1.0/new/"

FIXTURE(set_up, tear_down);

TEST(equal_files_become_one)
{
	make("gcc-1/a", "text", 0644, 100);
	make(NEW "b/c", "text", 0644, 100);
	make(NEW "toolchain.json", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(ours, others), 1);
	ck_assert_uint_eq(inode(NEW "b/c"), inode("gcc-1/a"));
	ck_assert_uint_ne(inode(NEW "toolchain.json"), inode("gcc-1/a"));
}

TEST(what_differs_at_all_stays)
{
	make("gcc-1/a", "text", 0644, 100);
	make(NEW "bytes", "tent", 0644, 100);
	make(NEW "mode", "text", 0755, 100);
	make(NEW "time", "text", 0644, 101);
	make(NEW "longer", "text.", 0644, 100);
	make(".live/2.0/gcc-2/a", "other", 0644, 100);
	make(NEW "hidden", "other", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(ours, others), 0);
}

/* Otherwise a change to one would change the other. */
TEST(two_files_stay_two)
{
	make("gcc-1/a", "text", 0644, 100);
	make(NEW "a", "text", 0644, 100);
	make(NEW "b", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(ours, others), 1);
	ck_assert_uint_ne(inode(NEW "a"), inode(NEW "b"));
	make("gcc-2/a", "text", 0644, 100);
	make(NEW "a", "text", 0644, 100);
	make(NEW "b", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(ours, others), 2);
	ck_assert_uint_ne(inode(NEW "a"), inode(NEW "b"));
}

TEST(names_of_one_file_stay_together)
{
	char *a = xasprintf("%s/" NEW "a", dir);
	char *b = xasprintf("%s/" NEW "b", dir);

	make("gcc-1/x", "text", 0755, 100);
	make("gcc-1/y", "text", 0755, 100);
	make(NEW "a", "text", 0755, 100);
	ck_assert_int_eq(link(a, b), 0);
	ck_assert_uint_eq(toolchain_link_dedup(ours, others), 2);
	ck_assert_uint_eq(inode(NEW "a"), inode(NEW "b"));
	ck_assert(inode(NEW "a") == inode("gcc-1/x") ||
		  inode(NEW "a") == inode("gcc-1/y"));
	ck_assert_uint_ne(inode("gcc-1/x"), inode("gcc-1/y"));
	free(a);
	free(b);
}

TEST(alone_there_is_nothing_to_share)
{
	make(NEW "a", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(ours, others), 0);
	ck_assert_uint_eq(toolchain_link_dedup(ours, "/nonexistent"), 0);
}

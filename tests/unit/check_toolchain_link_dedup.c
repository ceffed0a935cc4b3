/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/link.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static char *new_dir, *toolchains_dir;
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
	new_dir = xasprintf("%s/.live/1.0/new", dir);
	toolchains_dir = xstrdup(dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(new_dir);
	free(toolchains_dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

/* Create a file with the modification time `when`. */
static void make_file(const char *name, const char *text, mode_t mode,
		      time_t when)
{
	struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
	char *path = xasprintf("%s/%s", dir, name), *upper = str_dir(path);

	must(fs_mkdirs(upper, 0755, &err));
	must(fs_write(path, bytes_str(text), mode, &err));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	free(upper);
	free(path);
}

static ino_t inode_of(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	free(path);
	return st.st_ino;
}

#define NEW ".live/1.0/new/"

FIXTURE(set_up, tear_down);

TEST(a_file_equal_to_an_installed_file_becomes_a_hard_link)
{
	make_file("gcc-1/a", "text", 0644, 100);
	make_file(NEW "b/c", "text", 0644, 100);
	make_file(NEW "toolchain.json", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, toolchains_dir), 1);
	ck_assert_uint_eq(inode_of(NEW "b/c"), inode_of("gcc-1/a"));
	ck_assert_uint_ne(inode_of(NEW "toolchain.json"), inode_of("gcc-1/a"));
}

TEST(files_that_differ_in_content_mode_or_mtime_are_not_linked)
{
	make_file("gcc-1/a", "text", 0644, 100);
	make_file(NEW "bytes", "tent", 0644, 100);
	make_file(NEW "mode", "text", 0755, 100);
	make_file(NEW "time", "text", 0644, 101);
	make_file(NEW "longer", "text.", 0644, 100);
	make_file(".live/2.0/gcc-2/a", "other", 0644, 100);
	make_file(NEW "hidden", "other", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, toolchains_dir), 0);
}

/* With a link, a change to one file would change the other. */
TEST(separate_equal_files_are_not_linked_to_each_other)
{
	make_file("gcc-1/a", "text", 0644, 100);
	make_file(NEW "a", "text", 0644, 100);
	make_file(NEW "b", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, toolchains_dir), 1);
	ck_assert_uint_ne(inode_of(NEW "a"), inode_of(NEW "b"));
	make_file("gcc-2/a", "text", 0644, 100);
	make_file(NEW "a", "text", 0644, 100);
	make_file(NEW "b", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, toolchains_dir), 2);
	ck_assert_uint_ne(inode_of(NEW "a"), inode_of(NEW "b"));
}

TEST(hard_links_of_one_file_stay_linked_to_each_other)
{
	char *a = xasprintf("%s/" NEW "a", dir);
	char *b = xasprintf("%s/" NEW "b", dir);

	make_file("gcc-1/x", "text", 0755, 100);
	make_file("gcc-1/y", "text", 0755, 100);
	make_file(NEW "a", "text", 0755, 100);
	ck_assert_int_eq(link(a, b), 0);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, toolchains_dir), 2);
	ck_assert_uint_eq(inode_of(NEW "a"), inode_of(NEW "b"));
	ck_assert(inode_of(NEW "a") == inode_of("gcc-1/x") ||
		  inode_of(NEW "a") == inode_of("gcc-1/y"));
	ck_assert_uint_ne(inode_of("gcc-1/x"), inode_of("gcc-1/y"));
	free(a);
	free(b);
}

TEST(without_other_toolchains_no_file_is_linked)
{
	make_file(NEW "a", "text", 0644, 100);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, toolchains_dir), 0);
	ck_assert_uint_eq(toolchain_link_dedup(new_dir, "/nonexistent"), 0);
}

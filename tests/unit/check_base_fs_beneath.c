/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/* beneath_open(), which opens directories and follows no symbolic link. */
#include "base/fs.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static int root;

static void set_up(void)
{
	tempdir_make(dir);
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("root", 0700), 0);
	ck_assert_int_eq(mkdir("outside", 0700), 0);
	ck_assert_int_eq(mkdir("root/a", 0700), 0);
	ck_assert_int_eq(mkdir("root/a/b", 0700), 0);
	ck_assert_int_eq(symlink("a", "root/link"), 0);
	ck_assert_int_eq(symlink("../../outside", "root/a/out"), 0);
	close(open("root/file", O_CREAT | O_WRONLY, 0600));
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
}

static void tear_down(void)
{
	close(root);
	tempdir_remove(dir);
}

static const struct {
	const char *path;
	bool make;
	int ret; /* 0: a directory */
} ways[] = {
	{ "", false, 0 },
	{ "a", false, 0 },
	{ "a/b", false, 0 },
	{ "a/b/c", false, -ENOENT },
	{ "a/b/c/d", true, 0 },
	{ "link", false, -ELOOP },
	{ "link/b", true, -ELOOP },
	{ "a/out", true, -ELOOP },
	{ "a/out/new", true, -ELOOP },
	{ "file", false, -ENOTDIR },
	{ "file/x", true, -ENOTDIR },
};

FIXTURE(set_up, tear_down);

TEST_EACH(paths_below_a_directory_are_opened_without_following_links, ways)
{
	int fd = beneath_open(root, row->path, row->make);

	if (row->ret)
		ck_assert_int_eq(fd, row->ret);
	else
		ck_assert_int_ge(fd, 0);
	if (fd >= 0)
		close(fd);
	ck_assert_int_ne(access("outside/new", F_OK), 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/unpack.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static struct toolchain_file_writer *w;
static struct compiler_entries got;
static struct err err;

static void set_up(void)
{
	int fd;

	tempdir_make(dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	w = toolchain_file_writer_new(fd, 6);
	close(fd);
}

static void tear_down(void)
{
	toolchain_file_writer_free(w);
	compiler_entries_release(&got);
	tempdir_remove(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static int file(const char *path, const char *text)
{
	struct timespec when = { .tv_sec = 1000000000 };
	int ret = toolchain_file_writer_open(w, path, false, &err);

	if (!ret)
		ret = toolchain_file_writer_add(w, bytes_str(text), &err);
	return ret ? ret : toolchain_file_writer_close(w, &when, &err);
}

FIXTURE(set_up, tear_down);

TEST(what_was_made_is_listed)
{
	struct digest text;

	ck_assert_int_eq(file("b/c", "text"), 0);
	must(toolchain_file_writer_hard_link(w, "a", "b/c", &err));
	must(toolchain_file_writer_mkdir(w, "d", &err));
	must(toolchain_file_writer_symlink(w, "b/l", "../a", &err));
	toolchain_file_writer_take_entries(w, &got);
	ck_assert_uint_eq(got.n, 4);
	ck_assert_str_eq(got.v[0].path, "a");
	ck_assert_str_eq(got.v[1].path, "b/c");
	ck_assert_str_eq(got.v[2].path, "b/l");
	ck_assert_str_eq(got.v[3].path, "d");
	ck_assert_int_eq(got.v[3].kind, COMPILER_ENTRY_DIR);
	digest_bytes(bytes_str("text"), &text);
	ck_assert(digest_equal(&got.v[0].digest, &text));
	ck_assert(digest_equal(&got.v[1].digest, &text));
	ck_assert_uint_eq(got.v[0].size_bytes, 4);
	ck_assert_int_eq(got.v[1].mtime_ns, 1000000000ll * 1000000000);
}

TEST(directories_above_count_as_entries)
{
	ck_assert_int_eq(file("1/2/3/4/5/6", "x"), 0);
	ck_assert_int_eq(file("1/7", "x"), -E2BIG);
	text_has(err.text, "1/7");
}

/* Another process has replaced a directory by a link. */
TEST(no_link_is_followed_whoever_made_it)
{
	char *path = xasprintf("%s/a", dir), *other = xasprintf("%s/o", dir);

	ck_assert_int_eq(file("a/b", "x"), 0);
	ck_assert_int_eq(file("c/b", "x"), 0);
	ck_assert_int_eq(mkdir(other, 0755), 0);
	must(fs_remove(path, &err));
	ck_assert_int_eq(symlink("o", path), 0);
	ck_assert_int_ne(file("a/d", "x"), 0);
	ck_assert_int_eq(rmdir(other), 0); /* the directory is empty */
	free(other);
	free(path);
}

TEST(a_file_of_somebody_else_is_not_opened)
{
	char *path = xasprintf("%s/a", dir);

	must(fs_write(path, bytes_str("mine"), 0644, &err));
	ck_assert_int_eq(file("a", "x"), -EEXIST);
	free(path);
}

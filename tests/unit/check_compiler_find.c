/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Compilers in the directories of PATH. */
#include "compiler/find.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static struct compiler_list list;

static void set_up(void)
{
	tempdir_make(dir);
}

static void tear_down(void)
{
	compiler_list_release(&list);
	tempdir_remove(dir);
}

static void put(const char *name, const char *content, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name), *parent = str_dir(path);
	struct err err;

	must(fs_mkdirs(parent, 0700, &err));
	must(fs_write(path, bytes_str(content), mode, &err));
	free(parent);
	free(path);
}

static void put_link(const char *name, const char *to)
{
	char *path = xasprintf("%s/%s", dir, name);

	ck_assert_int_eq(symlink(to, path), 0);
	free(path);
}

static void find(const char *first, const char *second)
{
	char *path = xasprintf("%s/%s:/nonexistent:%s/%s", dir, first, dir,
			       second);

	compiler_find_all(&list, path);
	free(path);
}

static const struct name {
	const char *name;
	bool is;
	size_t stem;
} names[] = {
	{ "gcc", true, 3 },
	{ "g++", true, 3 },
	{ "clang", true, 5 },
	{ "clang++", true, 7 },
	{ "gcc-12", true, 3 },
	{ "gcc-12.2.0", true, 3 },
	{ "clang++-14", true, 7 },
	{ "aarch64-linux-gnu-gcc", true, 21 },
	{ "aarch64-linux-gnu-gcc-12", true, 21 },
	{ "aarch64-gcc730-linux-gcc", true, 24 },
	{ "gcc-ar", false, 6 },
	{ "gcc-ar-12", false, 6 },
	{ "clang-format-14", false, 12 },
	{ "gcc-12-base", false, 11 },
	{ "gcc-", false, 4 },
	{ "gcc-.5", false, 6 },
	{ "cc", true, 2 },
	{ "c++", true, 3 },
	{ "cc1", false, 3 },
	{ "ld", false, 2 },
	{ "", false, 0 },
};

FIXTURE(set_up, tear_down);

TEST_EACH(names_of_drivers_are_recognized, names)
{
	ck_assert_int_eq(compiler_find_is_driver_name(row->name), row->is);
	ck_assert_uint_eq(compiler_find_stem_len(row->name), row->stem);
}

TEST(the_first_driver_of_a_name_wins_and_the_list_is_sorted)
{
	put("a/gcc", "\177ELF", 0755);
	put("b/gcc", "#!/bin/sh\n", 0755);
	put("b/arm-gcc-9", "#!/bin/sh\n", 0755);
	put("b/x-clang", "\177ELF", 0755);
	find("a", "b");
	ck_assert_uint_eq(list.n, 3);
	ck_assert_str_eq(list.v[0].name, "arm-gcc-9");
	ck_assert_str_eq(list.v[1].name, "gcc");
	ck_assert_str_eq(list.v[2].name, "x-clang");
	text_ends(list.v[1].path, "/a/gcc");
	ck_assert(!list.v[0].is_elf);
	ck_assert(list.v[1].is_elf);
}

TEST(nonprograms_and_links_to_ccache_are_ignored)
{
	put("a/gcc", "\177ELF", 0644);
	put("a/g++/x", "a directory", 0755);
	put("a/ccache", "\177ELF", 0755);
	put_link("a/clang", "ccache");
	put_link("a/x-gcc", "nowhere");
	put("b/clang", "\177ELF", 0755);
	find("a", "b");
	ck_assert_uint_eq(list.n, 1);
	text_ends(list.v[0].path, "/b/clang");
}

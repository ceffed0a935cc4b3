/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/dir-digest.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <dirent.h>

static char dir[TEMPDIR_SIZE];
static struct compiler_entries got;
static struct err err;

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
	char *path = path_of(name), *upper = str_dir(path);

	must(fs_mkdirs(upper, 0755, &err));
	must(fs_write(path, bytes_str(text), mode, &err));
	free(upper);
	free(path);
}

static void make_link(const char *target, const char *name)
{
	char *path = path_of(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void set_up(void)
{
	char *empty;

	tempdir_make(dir);
	make_file("bin/gcc", "program", 0755);
	make_file("lib/specs", "text", 0644);
	make_link("../bin/gcc", "lib/link");
	make_file(TOOLCHAIN_JSON, "{}", 0644);
	/* A killed kfarm leaves this file behind. */
	make_file("." TOOLCHAIN_JSON ".kfarm.123", "{", 0644);
	empty = path_of("lib/empty");
	ck_assert_int_eq(mkdir(empty, 0755), 0);
	free(empty);
}

static void tear_down(void)
{
	compiler_entries_release(&got);
	tempdir_remove(dir);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static struct digest compute_digest(void)
{
	struct digest d;

	must(toolchain_dir_digest_read(&got, dir, NULL, &err));
	toolchain_dir_digest_compute(&got, &d);
	compiler_entries_release(&got);
	return d;
}

FIXTURE(set_up, tear_down);

TEST(every_entry_except_toolchain_json_is_read)
{
	struct digest program;

	must(toolchain_dir_digest_read(&got, dir, NULL, &err));
	ck_assert_uint_eq(got.n, 4);
	ck_assert_str_eq(got.v[0].path, "bin/gcc");
	ck_assert_int_eq(got.v[0].kind, COMPILER_ENTRY_FILE);
	ck_assert(got.v[0].executable);
	ck_assert_uint_eq(got.v[0].size_bytes, 7);
	digest_bytes(bytes_str("program"), &program);
	ck_assert(digest_equal(&got.v[0].digest, &program));
	ck_assert_str_eq(got.v[1].path, "lib/empty");
	ck_assert_int_eq(got.v[1].kind, COMPILER_ENTRY_DIR);
	ck_assert_str_eq(got.v[2].path, "lib/link");
	ck_assert_str_eq(got.v[2].target, "../bin/gcc");
	ck_assert_str_eq(got.v[3].path, "lib/specs");
	ck_assert(!got.v[3].executable);
}

TEST_RANGE(the_digest_depends_on_everything_except_times, 0, 7)
{
	struct digest first = compute_digest(), second;
	static const char *const changes[] = {
		"touch -d 2001-01-01 %s/bin/gcc",
		"chmod a-x %s/bin/gcc",
		"echo >>%s/lib/specs",
		"ln -sfn ../lib/specs %s/lib/link",
		"rmdir %s/lib/empty",
		"mv %s/lib/specs %1$s/lib/spec",
		"touch %s/lib/" TOOLCHAIN_JSON,
	};
	char *command = xasprintf(changes[_i], dir);

	ck_assert_int_eq(system(command), 0); /* NOLINT: fixed commands */
	second = compute_digest();
	ck_assert_int_eq(digest_equal(&first, &second), _i == 0);
	free(command);
}

/* Independent implementations must compute the same digest. */
TEST(the_digest_matches_the_documented_encoding)
{
	struct compiler_entries e = { 0 };
	struct compiler_entry *file = toolchain_dir_digest_add_entry(&e, "b");
	struct digest made, wanted;
	struct buf text = { 0 };

	file->executable = true;
	digest_bytes(bytes_str("x"), &file->digest);
	toolchain_dir_digest_add_entry(&e, "a")->kind = COMPILER_ENTRY_SYMLINK;
	e.v[1].target = xstrdup("b");
	toolchain_dir_digest_compute(&e, &made);
	buf_add(&text, "\1\1\0\0\0a\1\0\0\0b", 11);
	buf_add(&text, "\0\1\0\0\0b\1", 7);
	buf_add(&text, e.v[0].digest.b, DIGEST_SIZE);
	digest_bytes(buf_bytes(&text), &wanted);
	ck_assert(digest_equal(&made, &wanted));
	buf_release(&text);
	compiler_entries_release(&e);
}

TEST(a_fifo_is_rejected)
{
	char *path = path_of("lib/fifo");

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(toolchain_dir_digest_read(&got, dir, NULL, &err),
			 -EINVAL);
	text_has(err.text, path);
	free(path);
}

/* Make the directories a and b; return the one that readdir() returns first. */
static char make_two_dirs(const char *tree)
{
	char *a = xasprintf("%s/a", tree), *b = xasprintf("%s/b", tree);
	struct dirent *e;
	char first;
	DIR *d;

	must(fs_mkdirs(a, 0755, &err));
	must(fs_mkdirs(b, 0755, &err));
	d = opendir(tree);
	do {
		e = readdir(d);
	} while (*e->d_name == '.');
	first = *e->d_name;
	closedir(d);
	free(b);
	free(a);
	return first;
}

/* Links, which are fast to create, fill the directory that is read first. */
TEST(empty_directories_count_towards_the_entry_limit)
{
	char *tree = path_of("tree"), first = make_two_dirs(tree);
	char *path = xasprintf("%s/%c/00000", tree, first);
	char *number = path + strlen(path) - 5;

	for (int i = 0; i < COMPILER_ENTRIES_MAX - 1; i++) {
		sprintf(number, "%05d", i);
		ck_assert_int_eq(symlink("specs", path), 0);
	}
	must(toolchain_dir_digest_read(&got, tree, NULL, &err));
	ck_assert_uint_eq(got.n, COMPILER_ENTRIES_MAX);
	compiler_entries_release(&got);
	number[-2] = first == 'a' ? 'b' : 'a';
	for (int i = 0; i < 2; i++) {
		sprintf(number, "%05d", i);
		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	ck_assert_int_eq(toolchain_dir_digest_read(&got, tree, NULL, &err),
			 -E2BIG);
	text_has(err.text, tree);
	ck_assert_ptr_null(got.v);
	free(path);
	free(tree);
}

TEST(reading_can_be_cancelled)
{
	atomic_bool cancel = true;

	ck_assert_int_eq(toolchain_dir_digest_read(&got, dir, &cancel, &err),
			 -ECANCELED);
	ck_assert_ptr_null(got.v);
}

static const struct {
	const char *path;
	bool expected;
} paths[] = {
	{ "a", true },       { "a/b.c/d", true }, { "..a", true },
	{ "a/...", true },   { "", false },       { "/a", false },
	{ "a/", false },     { "a//b", false },   { ".", false },
	{ "./a", false },    { "..", false },     { "a/../b", false },
	{ "a/..", false },   { "a\nb", false },   { "a\x7f", false },
	{ "a/\x1b", false },
};

TEST_EACH(a_valid_path_is_relative_normalized_and_printable, paths)
{
	ck_assert_int_eq(toolchain_dir_digest_is_valid_path(row->path),
			 row->expected);
}

TEST(a_component_has_at_most_255_bytes_and_a_path_at_most_1024)
{
	char *name = xasprintf("%0255d", 0), *longer = xasprintf("0%s", name);
	char *deep = xasprintf("%s/%s/%s/%s/0", name, name, name, name);

	ck_assert(toolchain_dir_digest_is_valid_path(name));
	ck_assert(!toolchain_dir_digest_is_valid_path(longer));
	ck_assert(!toolchain_dir_digest_is_valid_path(deep));
	free(deep);
	free(longer);
	free(name);
}

static const struct {
	const char *path, *target;
	bool expected;
} links[] = {
	{ "a", "b", true },
	{ "a/b", "../c", true },
	{ "a/b/c", "./../../d/e", true },
	{ "a/b", "..", true },
	{ "a", "..", false },
	{ "a/b", "../..", false },
	{ "a/b", "../../x", false },
	{ "a", "/etc/passwd", false },
	{ "a", "", false },
	/* x can be a link, so the meaning of ".." after it is unknown. */
	{ "a/b/c", "x/..", false },
	{ "a/b/c", "x/../../..", false },
};

TEST_EACH(only_a_link_that_stays_below_the_directory_is_inside, links)
{
	ck_assert_int_eq(
		toolchain_dir_digest_is_link_inside(row->path, row->target),
		row->expected);
}

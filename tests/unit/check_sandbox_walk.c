/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/internal.h"

static char top[] = "/tmp/kfarm-walk-XXXXXX";
static struct err err;
static int root;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
	ck_assert(!mkdirat(root, "a", 0755) && !mkdirat(root, "a/b", 0755));
	ck_assert(!symlinkat("a", root, "rel"));
	ck_assert(!symlinkat("/a/b", root, "abs"));
	ck_assert(!symlinkat("../../../..", root, "a/up"));
	ck_assert(!symlinkat("loop", root, "loop"));
	close(openat(root, "a/b/file", O_CREAT | O_WRONLY, 0644));
}

static void tear_down(void)
{
	close(root);
	must(fs_remove(top, &err));
}

static int open_parent(const char *path, bool create)
{
	const char *leaf;
	int fd = sandbox_input_root_open_parent(root, path, create, &leaf);

	ck_assert_str_eq(leaf, str_base(path));
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(open_parent_opens_the_directory_of_the_last_component)
{
	const char *leaf;
	struct stat st;
	int fd = sandbox_input_root_open_parent(root, "/a/b/file", false,
						&leaf);

	ck_assert_int_ge(fd, 0);
	ck_assert(!fstatat(fd, leaf, &st, AT_SYMLINK_NOFOLLOW));
	close(fd);
	ck_assert_int_eq(open_parent("/a", false), 0);
}

TEST(open_parent_rejects_symlinks_and_files_as_directories)
{
	for (int create = 0; create < 2; create++) {
		ck_assert_int_eq(open_parent("/rel/x", create), -ELOOP);
		ck_assert_int_eq(open_parent("/abs/x", create), -ELOOP);
		ck_assert_int_eq(open_parent("/a/up/x", create), -ELOOP);
		ck_assert_int_eq(open_parent("/a/up/etc/x", create), -ELOOP);
		ck_assert_int_eq(open_parent("/a/b/file/x", create), -ENOTDIR);
	}
}

TEST(open_parent_creates_missing_directories_only_if_requested)
{
	ck_assert_int_eq(open_parent("/n/m/x", false), -ENOENT);
	ck_assert_int_eq(open_parent("/n/m/x", true), 0);
	ck_assert_int_eq(open_parent("/n/m/x", false), 0);
	ck_assert_int_eq(open_parent("/rel/new/x", true), -ELOOP);
	ck_assert_int_eq(faccessat(root, "a/new", F_OK, 0), -1);
}

static void expect_resolved(const char *path, const char *want)
{
	char *real = NULL;

	ck_assert_int_eq(sandbox_input_root_resolve(root, path, &real), 0);
	ck_assert_str_eq(real, want);
	free(real);
}

TEST(resolve_follows_symlinks_within_the_input_root)
{
	char *real = NULL;

	expect_resolved("/a/b/file", "/a/b/file");
	expect_resolved("/rel/b/file", "/a/b/file");
	expect_resolved("/abs/file", "/a/b/file");
	expect_resolved("/a/up/abs/../b/./file", "/a/b/file");
	ck_assert_int_eq(sandbox_input_root_resolve(root, "/none", &real),
			 -ENOENT);
	ck_assert_int_eq(sandbox_input_root_resolve(root, "/loop", &real),
			 -ELOOP);
	ck_assert_int_eq(
		sandbox_input_root_resolve(root, "/a/up/etc/passwd", &real),
		-ENOENT);
	ck_assert_ptr_null(real);
}

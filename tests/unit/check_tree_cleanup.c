/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/cleanup.h"

#include "../lib/nfs-flock.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static struct err err;

static void set_up(void)
{
	tempdir_make(dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

static void make_file(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	must(fs_write(path, bytes_str("x"), 0644, &err));
	free(above);
	free(path);
}

static bool path_exists(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool is = fs_exists(path);

	free(path);
	return is;
}

static int lock(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	free(path);
	return fd;
}

FIXTURE(set_up, tear_down);

TEST(leftovers_are_removed_unless_their_lock_is_held)
{
	struct strv incomplete = { 0 };
	int fd;

	make_file("a/repo.git/HEAD");
	make_file(".new-b/repo.git/HEAD");
	make_file(".new-b/lock");
	make_file(".new-busy/lock");
	make_file(".new-nolock/repo.git/HEAD");
	make_file(".gone-12-c/repo.git/HEAD");
	make_file(".other/x");
	fd = lock(".new-busy/lock");
	tree_cleanup_datadir(dir, &incomplete);
	strv_sort(&incomplete);
	ck_assert_uint_eq(incomplete.n, 2);
	ck_assert_str_eq(incomplete.v[0], "b");
	ck_assert_str_eq(incomplete.v[1], "nolock");
	ck_assert(path_exists("a/repo.git/HEAD"));
	ck_assert(path_exists(".new-busy/lock"));
	ck_assert(path_exists(".other/x"));
	ck_assert(!path_exists(".new-b"));
	ck_assert(!path_exists(".new-nolock"));
	ck_assert(!path_exists(".gone-12-c"));
	strv_release(&incomplete);
	close(fd);
}

TEST(a_leftover_whose_lock_cannot_be_opened_is_kept)
{
	struct strv incomplete = { 0 };

	make_file(".new-a/lock/x");
	make_file(".gone-12-b/lock/x");
	tree_cleanup_datadir(dir, &incomplete);
	ck_assert_uint_eq(incomplete.n, 0);
	ck_assert(path_exists(".new-a/lock/x"));
	ck_assert(path_exists(".gone-12-b/lock/x"));
}

TEST(a_tree_can_be_created_only_once_at_a_time)
{
	int first, second;

	must(tree_cleanup_create_new(dir, "a", &first, &err));
	ck_assert_int_eq(tree_cleanup_create_new(dir, "a", &second, &err),
			 -EBUSY);
	text_has(err.text, "a is being added by process");
	ck_assert_int_eq(second, -1);
	close(first);
	must(tree_cleanup_create_new(dir, "a", &second, &err));
	close(second);
}

TEST(creating_a_tree_discards_an_earlier_incomplete_tree)
{
	int fd;

	make_file(".new-a/lock");
	make_file(".new-a/repo.git/HEAD");
	must(tree_cleanup_create_new(dir, "a", &fd, &err));
	ck_assert(path_exists(".new-a/lock"));
	ck_assert(!path_exists(".new-a/repo.git"));
	close(fd);
}

TEST(lock_files_and_incomplete_packs_of_a_repository_are_removed)
{
	static const char *const removed[] = {
		"repo.git/HEAD.lock",
		"repo.git/packed-refs.lock",
		"repo.git/refs/heads/a/b.lock",
		"repo.git/objects/pack/pack_git2_123",
		".state.json.kfarm.12",
		"repo.git/.config.kfarm.12",
		"repo.git/.shallow.kfarm.12",
		"repo.git/objects/info/.alternates.kfarm.12",
	};
	static const char *const kept[] = {
		"repo.git/HEAD",
		"repo.git/refs/heads/a/b",
		"repo.git/objects/pack/pack-12.pack",
		"repo.git/worktrees/x/index.lock",
		"state.json",
	};

	for (size_t i = 0; i < sizeof(removed) / sizeof(*removed); i++)
		make_file(removed[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		make_file(kept[i]);
	tree_cleanup_repository(dir);
	for (size_t i = 0; i < sizeof(removed) / sizeof(*removed); i++)
		ck_assert_msg(!path_exists(removed[i]), "%s", removed[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		ck_assert_msg(path_exists(kept[i]), "%s", kept[i]);
}

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

static void put(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	must(fs_write(path, bytes_str("x"), 0644, &err));
	free(above);
	free(path);
}

static bool there(const char *name)
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

TEST(leftovers_go_and_what_is_in_use_stays)
{
	struct strv begun = { 0 };
	int fd;

	put("a/repo.git/HEAD");
	put(".new-b/repo.git/HEAD");
	put(".new-b/lock");
	put(".new-busy/lock");
	put(".new-nolock/repo.git/HEAD");
	put(".gone-12-c/repo.git/HEAD");
	put(".other/x");
	fd = lock(".new-busy/lock");
	tree_cleanup_datadir(dir, &begun);
	strv_sort(&begun);
	ck_assert_uint_eq(begun.n, 2);
	ck_assert_str_eq(begun.v[0], "b");
	ck_assert_str_eq(begun.v[1], "nolock");
	ck_assert(there("a/repo.git/HEAD"));
	ck_assert(there(".new-busy/lock"));
	ck_assert(there(".other/x"));
	ck_assert(!there(".new-b"));
	ck_assert(!there(".new-nolock"));
	ck_assert(!there(".gone-12-c"));
	strv_release(&begun);
	close(fd);
}

TEST(a_leftover_whose_lock_cannot_be_opened_remains)
{
	struct strv begun = { 0 };

	put(".new-a/lock/x");
	put(".gone-12-b/lock/x");
	tree_cleanup_datadir(dir, &begun);
	ck_assert_uint_eq(begun.n, 0);
	ck_assert(there(".new-a/lock/x"));
	ck_assert(there(".gone-12-b/lock/x"));
}

TEST(only_one_begins_a_tree)
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

TEST(what_was_begun_is_not_gone_on_with)
{
	int fd;

	put(".new-a/lock");
	put(".new-a/repo.git/HEAD");
	must(tree_cleanup_create_new(dir, "a", &fd, &err));
	ck_assert(there(".new-a/lock"));
	ck_assert(!there(".new-a/repo.git"));
	close(fd);
}

TEST(a_repository_loses_its_locks_and_half_packs)
{
	static const char *const gone[] = {
		"repo.git/HEAD.lock",
		"repo.git/packed-refs.lock",
		"repo.git/refs/heads/a/b.lock",
		"repo.git/objects/pack/pack_git2_123",
		".state.json.kfarm.12",
	};
	static const char *const stays[] = {
		"repo.git/HEAD",
		"repo.git/refs/heads/a/b",
		"repo.git/objects/pack/pack-12.pack",
		"repo.git/worktrees/x/index.lock",
		"state.json",
	};

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		put(gone[i]);
	for (size_t i = 0; i < sizeof(stays) / sizeof(*stays); i++)
		put(stays[i]);
	tree_cleanup_repository(dir);
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		ck_assert_msg(!there(gone[i]), "%s", gone[i]);
	for (size_t i = 0; i < sizeof(stays) / sizeof(*stays); i++)
		ck_assert_msg(there(stays[i]), "%s", stays[i]);
}

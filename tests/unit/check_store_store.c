/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <sched.h>
#include <sys/mount.h>

#define MIB ((uint64_t)1 << 20)

static void expect_rejected(const char *dir, int code, const char *words)
{
	struct store *s = NULL;
	struct err err = { 0 };

	err_is(store_open(&s, dir, 0, &err), code,
	       "cannot open the store: %s: %s", dir, words);
	ck_assert_ptr_null(s);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

FIXTURE(play_setup, play_teardown);

TEST(a_new_store_is_accessible_only_by_its_owner)
{
	struct err err = { 0 };
	struct store *s;

	umask(0);
	must(store_open(&s, "a/b/store", 0, &err));
	ck_assert_uint_eq(mode_of("a/b/store"), 0700);
	ck_assert_uint_eq(mode_of("a/b/store/sha256"), 0700);
	ck_assert_uint_eq(mode_of("a/b/store/live"), 0700);
	store_free(s);
	ck_assert_uint_eq(play_entries("a/b/store/live"), 0);
	store_free(NULL);
}

TEST(a_directory_writable_by_others_is_rejected)
{
	static const char words[] =
		"writable by group or others, who may have changed the "
		"contents; run `chmod go-w` on the directory and remove the "
		"contents";
	char *in_sha256 = xasprintf("sha256: %s", words);
	char *in_action = xasprintf("action: %s", words);

	ck_assert_int_eq(mkdir("group", 0700), 0);
	ck_assert_int_eq(chmod("group", 0770), 0);
	expect_rejected("group", -EPERM, words);
	ck_assert_int_eq(chmod("group", 0702), 0);
	expect_rejected("group", -EPERM, words);
	ck_assert_int_eq(chmod("group", 0755), 0);
	ck_assert_int_eq(mkdir("group/sha256", 0700), 0);
	ck_assert_int_eq(chmod("group/sha256", 0777), 0);
	expect_rejected("group", -EPERM, in_sha256);
	ck_assert_int_eq(chmod("group/sha256", 0755), 0);
	ck_assert_int_eq(mkdir("group/action", 0700), 0);
	ck_assert_int_eq(chmod("group/action", 0777), 0);
	expect_rejected("group", -EPERM, in_action);
	free(in_sha256);
	free(in_action);
}

TEST(a_directory_of_another_user_is_rejected)
{
	if (geteuid()) {
		char *words = xasprintf("owned by user 0, expected user %u; "
					"change its owner or use another "
					"directory",
					geteuid());

		/* root owns the directory */
		expect_rejected("/usr", -EPERM, words);
		free(words);
		return;
	}
	ck_assert_int_eq(mkdir("theirs", 0700), 0);
	ck_assert_int_eq(chown("theirs", 12345, 12345), 0);
	expect_rejected(
		"theirs", -EPERM,
		"owned by user 12345, expected user 0; change its owner "
		"or use another directory");
}

TEST(a_file_or_symlink_in_place_of_a_directory_is_rejected)
{
	struct err err = { 0 };

	must(fs_write("file", bytes_str("x"), 0600, &err));
	expect_rejected("file", -ENOTDIR, "not a directory");
	ck_assert_int_eq(mkdir("store", 0700), 0);
	ck_assert_int_eq(mkdir("other", 0700), 0);
	ck_assert_int_eq(symlink("../other", "store/sha256"), 0);
	expect_rejected("store", -ENOTDIR, "sha256: Not a directory");
}

TEST(on_a_read_only_file_system_blobs_can_be_read_but_not_added)
{
	struct play_blob b = play_blob(1, 5000);
	struct store *s;

	ck_assert_int_eq(mkdir("store", 0700), 0);
	/* Mount in a private namespace, which ends with the process. */
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "store", "tmpfs", 0, "size=1m,mode=0700")) {
		free(b.data);
		SKIP("no private tmpfs: %s", strerror(errno));
	}
	s = play_open(MIB);
	play_counted(s);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	play_age(&b, 100000);
	ck_assert_int_eq(
		mount("none", "store", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	/* Existing blobs are intact; no other blob is available. */
	ck_assert_int_eq(play_copy(s, &b), 0);
	ck_assert_int_eq(store_pin(s, &b.digest, b.size), -EROFS);
	ck_assert_int_eq(play_put(s, &b, false), -EROFS);
	ck_assert_int_eq(store_gc(s, 1), -EROFS);
	ck_assert_int_eq(store_gc(s, UINT64_MAX), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	store_free(s);
	expect_rejected(
		"store", -EROFS,
		"cannot create a scratch directory: Read-only file system");
	ck_assert_int_eq(umount("store"), 0);
	free(b.data);
}

TEST(a_blob_is_available_after_the_store_is_reopened)
{
	struct play_blob b = play_blob(1, 5000);
	struct store *s = play_open(0);

	ck_assert_int_eq(play_put(s, &b, true), 0);
	store_free(s);
	s = play_open(0);
	ck_assert(store_has(s, &b.digest, b.size));
	ck_assert_int_eq(play_copy(s, &b), 0);
	store_free(s);
	free(b.data);
}

TEST(two_handles_of_one_process_share_a_directory)
{
	struct play_blob b = play_blob(1, 5000);
	struct store *s = play_open(0), *t = play_open(0);

	ck_assert_uint_eq(play_entries("store/live"), 2);
	ck_assert_int_eq(play_put(s, &b, true), 0);
	ck_assert_int_eq(play_copy(t, &b), 0);
	ck_assert_int_eq(store_gc(t, 1), 0);
	ck_assert(play_stands(&b));
	store_free(s);
	ck_assert_int_eq(store_gc(t, 1), 0);
	ck_assert(!play_stands(&b));
	store_free(t);
	free(b.data);
}

TEST(the_limit_is_the_requested_or_the_default_limit)
{
	struct store *s = play_open(5 * MIB);
	struct store_stats n;
	uint64_t limit = store_limit_default("store");

	store_stats(s, &n);
	ck_assert_uint_eq(n.limit_bytes, 5 * MIB);
	store_free(s);
	ck_assert_uint_ge(limit, 64 * MIB);
	ck_assert_uint_le(limit, 10240 * MIB);
	/* for a missing directory, its closest existing parent is used */
	ck_assert_uint_eq(store_limit_default("store/no/such"), limit);
	s = play_open(0);
	store_stats(s, &n);
	ck_assert_uint_eq(n.limit_bytes, limit);
	store_free(s);
}

TEST(statistics_count_blobs_pins_writes_and_reads)
{
	struct play_blob b = play_blob(1, 5000);
	struct store *s = play_open(0);
	struct store_stats n;

	play_counted(s);
	ck_assert_int_eq(play_put(s, &b, true), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	store_stats(s, &n);
	ck_assert_uint_eq(n.used_bytes, 8192);
	ck_assert_uint_eq(n.n_blobs, 1);
	ck_assert_uint_eq(n.n_pinned, 1);
	ck_assert_uint_eq(n.n_written, 1);
	ck_assert_uint_eq(n.written_bytes, 5000);
	ck_assert_uint_eq(n.n_read, 1);
	ck_assert_uint_eq(n.read_bytes, 5000);
	ck_assert_uint_eq(n.n_damaged, 0);
	/* the same blob again adds nothing */
	ck_assert_int_eq(play_put(s, &b, false), 0);
	store_stats(s, &n);
	ck_assert_uint_eq(n.used_bytes, 8192);
	ck_assert_uint_eq(n.n_blobs, 1);
	store_free(s);
	free(b.data);
}

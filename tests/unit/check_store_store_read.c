/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <sys/resource.h>

static uint64_t count_damaged(struct store *s)
{
	struct store_stats n;

	store_stats(s, &n);
	return n.n_damaged;
}

FIXTURE(play_setup, play_teardown);

TEST(a_damaged_entry_is_reported_once_and_removed)
{
	struct play_blob b = play_blob(1, 300000);
	struct store *s = play_open(0);

	for (int pinned = 0; pinned < 2; pinned++) {
		ck_assert_int_eq(play_put(s, &b, pinned), 0);
		ck_assert_int_eq(play_copy(s, &b), 0);
		play_damage(&b);
		ck_assert_int_eq(play_copy(s, &b), -EBADMSG);
		ck_assert(!play_stands(&b));
		ck_assert(!store_has(s, &b.digest, b.size));
		ck_assert_int_eq(play_copy(s, &b), -ENOENT);
		ck_assert_int_eq(store_pin(s, &b.digest, b.size), -ENOENT);
		ck_assert_uint_eq(count_damaged(s), pinned + 1);
		ck_assert_int_eq(play_put(s, &b, false), 0);
		ck_assert_int_eq(play_copy(s, &b), 0);
	}
	store_free(s);
	free(b.data);
}

TEST(open_blob_returns_a_read_only_descriptor_of_intact_blobs)
{
	struct play_blob b = play_blob(1, 300000);
	struct store *s = play_open(0);
	uint8_t first[4];
	int fd;

	ck_assert_int_eq(store_open_blob(s, &b.digest, b.size), -ENOENT);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	fd = store_open_blob(s, &b.digest, b.size);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, first, 4), 4);
	ck_assert_mem_eq(first, b.data, 4);
	ck_assert_int_eq(write(fd, first, 4), -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	play_damage(&b);
	ck_assert_int_eq(store_open_blob(s, &b.digest, b.size), -EBADMSG);
	ck_assert(!play_stands(&b));
	store_free(s);
	free(b.data);
}

TEST(an_entry_of_a_wrong_size_is_removed)
{
	struct play_blob b = play_blob(1, 300000);
	struct store *s = play_open(0);
	char *path = play_path(&b);

	for (int change = -1; change < 2; change += 2) {
		ck_assert_int_eq(play_put(s, &b, false), 0);
		ck_assert_int_eq(chmod(path, 0600), 0);
		ck_assert_int_eq(truncate(path, (off_t)b.size + change), 0);
		ck_assert(!store_has(s, &b.digest, b.size));
		ck_assert_int_eq(store_pin(s, &b.digest, b.size), -ENOENT);
		ck_assert_int_eq(play_copy(s, &b), -ENOENT);
		ck_assert(!play_stands(&b));
	}
	store_free(s);
	free(path);
	free(b.data);
}

TEST(a_request_with_a_wrong_size_does_not_remove_the_entry)
{
	struct play_blob b = play_blob(1, 3000), wrong_size = b;
	struct store *s = play_open(0);

	ck_assert_int_eq(play_put(s, &b, false), 0);
	wrong_size.size = 2999;
	ck_assert_int_eq(play_copy(s, &wrong_size), -ENOENT);
	ck_assert_int_eq(store_pin(s, &wrong_size.digest, wrong_size.size),
			 -ENOENT);
	ck_assert_int_eq(play_copy(s, &b), 0);
	ck_assert_uint_eq(count_damaged(s), 0);
	store_free(s);
	free(b.data);
}

static void plant_link(const char *path)
{
	ck_assert_int_eq(symlink("../../../right", path), 0);
}

static void plant_fifo(const char *path)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

/* Plant the directories atomically: the collector could remove them. */
static void plant_dir(const char *path)
{
	struct err err = { 0 };

	must(fs_mkdirs("planted/a/b", 0700, &err));
	ck_assert_int_eq(rename("planted", path), 0);
}

static void plant_wrong_content(const char *path)
{
	struct play_blob other = play_blob(2, 3000);

	play_write(path, bytes_of(other.data, 3000));
	free(other.data);
}

/* A planted entry, and the result of the first copy. */
static const struct {
	void (*plant)(const char *path);
	int result;
} planted[] = {
	{ plant_link, -ENOENT }, /* even if the target is correct */
	{ plant_fifo, -ENOENT },
	{ plant_dir, -ENOENT },
	{ plant_wrong_content, -EBADMSG },
};

TEST(a_planted_entry_is_never_returned)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);
	char *path = play_path(&b), *dir = str_dir(path);
	struct err err = { 0 };

	play_counted(s);
	must(fs_write("right", bytes_of(b.data, b.size), 0444, &err));
	for (size_t i = 0; i < sizeof(planted) / sizeof(*planted); i++) {
		must(fs_mkdirs(dir, 0700, &err));
		planted[i].plant(path);
		ck_assert_int_eq(play_copy(s, &b), planted[i].result);
		ck_assert(!play_stands(&b));
		planted[i].plant(path);
		if (planted[i].result == -ENOENT)
			ck_assert_int_eq(store_pin(s, &b.digest, b.size),
					 -ENOENT);
		ck_assert_int_eq(play_put(s, &b, false), 0);
		ck_assert_int_eq(play_copy(s, &b), 0);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert(fs_exists("right"));
	store_free(s);
	free(path);
	free(dir);
	free(b.data);
}

TEST(without_file_descriptors_calls_fail_but_lose_no_blob)
{
	struct play_blob b = play_blob(1, 3000), c = play_blob(2, 3000);
	struct store *s = play_open(0);
	struct rlimit old, none;

	ck_assert_int_eq(play_put(s, &b, true), 0);
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(store_open_blob(s, &b.digest, b.size), -EMFILE);
	ck_assert_int_eq(play_put(s, &c, false), -EMFILE);
	ck_assert_int_eq(store_pin(s, &c.digest, c.size), -EMFILE);
	ck_assert_int_eq(store_gc(s, 1), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	ck_assert_int_eq(play_put(s, &c, false), 0);
	ck_assert_uint_eq(count_damaged(s), 0);
	store_free(s);
	free(b.data);
	free(c.data);
}

TEST(reading_a_blob_updates_its_time_of_last_use)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);
	char *path = play_path(&b);
	struct stat st;

	ck_assert_int_eq(play_put(s, &b, false), 0);
	play_age(&b, 100000);
	ck_assert_int_eq(play_copy(s, &b), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(time(NULL) - st.st_mtime, 90000);
	store_free(s);
	free(path);
	free(b.data);
}

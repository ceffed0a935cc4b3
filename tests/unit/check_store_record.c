/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <sys/stat.h>

FIXTURE(play_setup, play_teardown);
TIMEOUT(300);

static struct digest key_of(const char *text)
{
	struct digest d;

	digest_bytes(bytes_str(text), &d);
	return d;
}

static char *record_path(const struct digest *key)
{
	char hex[DIGEST_HEX];

	digest_format(key, hex);
	return xasprintf("store/action/%.2s/%s", hex, hex + 2);
}

static int put(struct store *s, const struct digest *key, const char *text)
{
	return store_put_record(s, STORE_RECORD_ACTION, key, bytes_str(text));
}

static void expect_record(struct store *s, const struct digest *key,
			  const char *text)
{
	struct buf b = { 0 };

	buf_add_str(&b, "before ");
	ck_assert_int_eq(store_get_record(s, STORE_RECORD_ACTION, key, &b), 0);
	ck_assert_str_eq(buf_str(&b) + strlen("before "), text);
	buf_release(&b);
}

static void expect_no_record(struct store *s, const struct digest *key,
			     int error)
{
	struct buf b = { 0 };

	ck_assert_int_eq(store_get_record(s, STORE_RECORD_ACTION, key, &b),
			 error);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}

/* Replace the file of a record. */
static void write_record(const struct digest *key, struct bytes content)
{
	char *path = record_path(key);

	play_write(path, content);
	free(path);
}

static struct buf read_file(const struct digest *key)
{
	char *path = record_path(key);
	struct buf b = { 0 };
	struct err err;

	must(fs_read(path, SIZE_MAX / 2, &b, &err));
	free(path);
	return b;
}

TEST(a_record_is_stored_replaced_and_removed)
{
	struct digest key = key_of("one"), other = key_of("two");
	struct store *s = play_open(0);

	expect_no_record(s, &key, -ENOENT);
	store_remove_record(s, STORE_RECORD_ACTION, &key);
	ck_assert_int_eq(put(s, &key, "first"), 0);
	expect_record(s, &key, "first");
	expect_no_record(s, &other, -ENOENT);
	ck_assert_int_eq(put(s, &key, ""), 0);
	expect_record(s, &key, "");
	store_remove_record(s, STORE_RECORD_ACTION, &key);
	expect_no_record(s, &key, -ENOENT);
	store_free(s);
}

TEST(a_store_without_records_has_no_directory_for_them)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);

	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert_int_ne(access("store/action", F_OK), 0);
	store_free(s);
	free(b.data);
}

TEST(another_store_of_the_directory_reads_the_record)
{
	struct digest key = key_of("one");
	struct store *a = play_open(0), *b = play_open(0);

	expect_no_record(b, &key, -ENOENT);
	ck_assert_int_eq(put(a, &key, "text"), 0);
	expect_record(b, &key, "text");
	store_free(a);
	expect_record(b, &key, "text");
	store_free(b);
}

TEST(a_record_with_any_damaged_byte_is_removed)
{
	struct digest key = key_of("one");
	struct store *s = play_open(0);
	struct store_stats n;
	struct buf good;

	ck_assert_int_eq(put(s, &key, "some text"), 0);
	good = read_file(&key);
	for (size_t i = 0; i < good.len; i++) {
		good.data[i] ^= 1;
		write_record(&key, buf_bytes(&good));
		good.data[i] ^= 1;
		expect_no_record(s, &key, -EBADMSG);
		expect_no_record(s, &key, -ENOENT);
	}
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_damaged, good.len);
	buf_release(&good);
	store_free(s);
}

TEST(a_record_of_any_other_length_is_removed)
{
	struct digest key = key_of("one");
	struct store *s = play_open(0);
	struct buf good;

	ck_assert_int_eq(put(s, &key, "some text"), 0);
	good = read_file(&key);
	for (size_t len = 0; len < good.len; len++) {
		write_record(&key, bytes_of(good.data, len));
		expect_no_record(s, &key, -EBADMSG);
		expect_no_record(s, &key, -ENOENT);
	}
	buf_add_str(&good, "x");
	write_record(&key, buf_bytes(&good));
	expect_no_record(s, &key, -EBADMSG);
	buf_release(&good);
	store_free(s);
}

TEST(the_record_of_another_key_is_removed)
{
	struct digest key = key_of("one"), other = key_of("two");
	struct store *s = play_open(0);
	struct buf file;

	ck_assert_int_eq(put(s, &key, "one"), 0);
	ck_assert_int_eq(put(s, &other, "two"), 0);
	file = read_file(&other);
	write_record(&key, buf_bytes(&file));
	expect_no_record(s, &key, -EBADMSG);
	expect_record(s, &other, "two");
	buf_release(&file);
	store_free(s);
}

/* Another user could have stored a false record in such a directory. */
TEST(records_in_a_directory_writable_by_others_are_removed)
{
	struct digest key = key_of("one");
	struct store *s = play_open(0);
	struct store_stats n;
	struct stat st;
	char *path = record_path(&key);

	ck_assert_int_eq(put(s, &key, "text"), 0);
	*strrchr(path, '/') = '\0';
	ck_assert_int_eq(chmod(path, 0777), 0);
	expect_no_record(s, &key, -ENOENT);
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_damaged, 1);
	ck_assert_int_eq(put(s, &key, "text"), 0);
	expect_record(s, &key, "text");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	free(path);
	store_free(s);
}

TEST(a_directory_in_place_of_a_record_is_removed)
{
	struct digest key = key_of("one");
	struct store *s = play_open(0);
	char *path = record_path(&key);
	struct err err;

	play_counted(s);
	ck_assert_int_eq(put(s, &key, "one"), 0);
	must(fs_remove(path, &err));
	ck_assert_int_eq(mkdir(path, 0700), 0);
	expect_no_record(s, &key, -ENOENT);
	ck_assert_int_eq(put(s, &key, "one"), 0);
	expect_record(s, &key, "one");
	free(path);
	store_free(s);
}

TEST(a_record_above_the_maximum_size_is_rejected)
{
	struct digest key = key_of("one");
	struct store *s = play_open(0);
	struct play_blob b = play_blob(1, STORE_RECORD_MAX + 1);

	ck_assert_int_eq(store_put_record(s, STORE_RECORD_ACTION, &key,
					  bytes_of(b.data, b.size)),
			 -EFBIG);
	expect_no_record(s, &key, -ENOENT);
	ck_assert_int_eq(store_put_record(s, STORE_RECORD_ACTION, &key,
					  bytes_of(b.data, b.size - 1)),
			 0);
	store_free(s);
	free(b.data);
}

TEST(the_collector_counts_and_removes_old_records)
{
	struct digest old = key_of("old"), new = key_of("new");
	struct store *s = play_open(0);
	struct play_blob b = play_blob(1, 3000);
	char *path = record_path(&old);
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct store_stats n;

	ck_assert_int_eq(put(s, &old, "old"), 0);
	ck_assert_int_eq(put(s, &new, "new"), 0);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	ck_assert_int_eq(store_gc(s, UINT64_MAX), 0);
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_records[STORE_RECORD_ACTION], 2);
	ck_assert_uint_eq(n.n_blobs, 3);
	ck_assert_uint_eq(n.used_bytes, 3 * 4096);
	ck_assert_int_eq(store_gc(s, 2 * 4096), 0);
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_records[STORE_RECORD_ACTION], 1);
	expect_no_record(s, &old, -ENOENT);
	expect_record(s, &new, "new");
	ck_assert(play_stands(&b));
	ck_assert_int_eq(store_gc(s, 1), 0);
	expect_no_record(s, &new, -ENOENT);
	store_free(s);
	free(path);
	free(b.data);
}

TEST(a_blob_is_read_into_a_buffer)
{
	struct play_blob b = play_blob(1, 300000), c = play_blob(2, 10);
	struct store *s = play_open(0);
	struct buf out = { 0 };

	buf_add_str(&out, "before");
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(store_read_blob(s, &b.digest, b.size, &out), 0);
	ck_assert_uint_eq(out.len, 6 + b.size);
	ck_assert_mem_eq(out.data, "before", 6);
	ck_assert_mem_eq(out.data + 6, b.data, b.size);
	ck_assert_int_eq(store_read_blob(s, &c.digest, c.size, &out), -ENOENT);
	ck_assert_int_eq(store_read_blob(s, &b.digest, b.size - 1, &out),
			 -ENOENT);
	play_damage(&b);
	ck_assert_int_eq(store_read_blob(s, &b.digest, b.size, &out), -EBADMSG);
	ck_assert_uint_eq(out.len, 6 + b.size);
	ck_assert(!play_stands(&b));
	buf_release(&out);
	store_free(s);
	free(b.data);
	free(c.data);
}

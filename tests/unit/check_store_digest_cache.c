/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/digest-cache.h"

#include "base/clock.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static struct store_digest_cache *cache;

static void setup(void)
{
	play_setup();
	cache = store_digest_cache_new(1000);
}

static void teardown(void)
{
	store_digest_cache_free(cache);
	play_teardown();
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bytes_write(fd, bytes_str(text)), 0);
	close(fd);
}

static struct store_file_digest get(const char *path)
{
	struct store_file_digest id;
	struct err err = { 0 };
	int ret = store_digest_cache_get(cache, path, &id, &err);

	ck_assert_msg(!ret, "%s", err.text);
	return id;
}

/* Wait until a tick of the file system's clock has made the stamp reliable. */
static struct store_file_digest get_reliable(const char *path)
{
	struct timespec nap = { .tv_nsec = 5000000 };
	struct store_file_digest id = get(path);

	while (!id.reliable) {
		nanosleep(&nap, NULL);
		id = get(path);
	}
	return id;
}

static struct store_digest_cache_stats stats(void)
{
	struct store_digest_cache_stats s;

	store_digest_cache_stats(cache, &s);
	return s;
}

static bool has_content(const struct store_file_digest *id, const char *text)
{
	struct digest d;

	digest_bytes(bytes_str(text), &d);
	return digest_equal(&d, &id->digest) && id->stamp.size == strlen(text);
}

FIXTURE(setup, teardown);
TIMEOUT(300);

TEST(get_returns_digest_size_mtime_and_executable_bit)
{
	struct timespec t[2] = { { .tv_sec = 1 }, { 1234567890, 987654321 } };
	struct store_file_digest id;

	write_file("f", "some text");
	ck_assert_int_eq(utimensat(AT_FDCWD, "f", t, 0), 0);
	id = get("f");
	ck_assert(has_content(&id, "some text"));
	ck_assert_int_eq(id.stamp.mtime_ns, INT64_C(1234567890987654321));
	ck_assert(!id.executable);
	ck_assert_int_eq(chmod("f", 0755), 0);
	id = get("f");
	ck_assert(id.executable);
	write_file("empty", "");
	id = get("empty");
	ck_assert(has_content(&id, ""));
}

/* Return true if the file's stamp is unchanged. */
static bool is_unchanged(const char *path, const struct store_file_digest *was)
{
	struct file_stamp now;
	struct stat st;

	if (!was->reliable || stat(path, &st))
		return false;
	file_stamp_from_stat(&now, &st);
	return file_stamp_equal(&now, &was->stamp);
}

TEST(a_file_with_a_reliable_stamp_is_read_once)
{
	struct store_file_digest a, b, c;
	uint64_t read;

	write_file("f", "some text");
	a = get_reliable("f");
	read = stats().n_read;
	b = get("f");
	ck_assert(store_digest_cache_find(cache, &a.stamp, &c));
	ck_assert_uint_eq(stats().n_read, read);
	ck_assert_uint_ge(stats().n_reused, 2);
	ck_assert_mem_eq(&a.digest, &b.digest, sizeof(a.digest));
	ck_assert_mem_eq(&a.digest, &c.digest, sizeof(a.digest));
	ck_assert(b.reliable && c.reliable);
	/* the target of a link is the same file */
	ck_assert_int_eq(symlink("f", "link"), 0);
	c = get("link");
	ck_assert(has_content(&c, "some text"));
	ck_assert_uint_eq(stats().n_read, read);
}

/* Each content is detected, although stamps within a tick can be equal. */
TEST(a_racily_clean_file_is_read_again)
{
	for (int i = 0; i < 500; i++) {
		char *text = xasprintf("content %03d", i);
		struct store_file_digest id;

		write_file("f", text);
		id = get("f");
		ck_assert_msg(has_content(&id, text), "%s", text);
		free(text);
	}
}

TEST(a_change_with_the_old_mtime_is_detected)
{
	struct timespec t[2] = { 0 };
	struct store_file_digest id;
	struct stat st;

	write_file("f", "one");
	id = get_reliable("f");
	ck_assert_int_eq(stat("f", &st), 0);
	write_file("f", "two");
	/* restore the old mtime */
	t[0] = st.st_atim;
	t[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, "f", t, 0), 0);
	ck_assert(!is_unchanged("f", &id));
	id = get("f");
	ck_assert(has_content(&id, "two"));
}

static void expect_error(const char *path, int code, const char *words)
{
	struct store_file_digest id;
	struct err err = { 0 };

	err_is(store_digest_cache_get(cache, path, &id, &err), code, "%s: %s",
	       path, words);
}

TEST(an_error_names_a_missing_special_or_unreadable_file)
{
	expect_error("missing", -ENOENT, strerror(ENOENT));
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	expect_error("dir", -EISDIR, strerror(EISDIR));
	expect_error("dir/x/y", -ENOENT, strerror(ENOENT));
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	expect_error("fifo", -EINVAL, strerror(EINVAL));
	expect_error("/dev/zero", -EINVAL, strerror(EINVAL));
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	expect_error("loop", -ELOOP, strerror(ELOOP));
	if (geteuid()) {
		write_file("secret", "x");
		ck_assert_int_eq(chmod("secret", 0), 0);
		expect_error("secret", -EACCES, strerror(EACCES));
	}
}

/* A file of size 0 that has content looks like a growing file. */
TEST(a_file_that_changes_while_being_read_is_an_error)
{
	expect_error("/proc/self/stat", -EAGAIN, "changed while being read");
}

static atomic_bool stop;

static void *rewrite(void *arg)
{
	char text[2][4096];
	unsigned i = 0;

	(void)arg;
	memset(text[0], 'a', sizeof(text[0]));
	memset(text[1], 'b', sizeof(text[1]));
	while (!stop) {
		int fd = open("moving", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		for (int k = 0; k < 64 && fd >= 0; k++)
			if (write(fd, text[i % 2], 4096) != 4096)
				break;
		close(fd);
		i++;
	}
	return NULL;
}

/*
 * While a file is rewritten, it can have old and new content.  A reliable
 * digest is nevertheless valid as long as the stamp is unchanged.
 */
TEST(a_reliable_digest_is_correct_while_a_file_is_rewritten)
{
	struct store_file_digest id;
	struct err err = { 0 };
	pthread_t writer;
	struct digest now;

	write_file("moving", "x");
	ck_assert_int_eq(pthread_create(&writer, NULL, rewrite, NULL), 0);
	for (int i = 0; i < 200; i++) {
		int ret = store_digest_cache_get(cache, "moving", &id, &err);

		ck_assert_msg(!ret || ret == -EAGAIN, "%s", err.text);
		if (ret || digest_file("moving", &now, &err))
			continue;
		if (is_unchanged("moving", &id))
			ck_assert(digest_equal(&id.digest, &now));
	}
	stop = true;
	pthread_join(writer, NULL);
	id = get_reliable("moving");
	must(digest_file("moving", &now, &err));
	ck_assert(digest_equal(&id.digest, &now));
}

TEST(a_full_cache_replaces_the_least_recently_used_file)
{
	struct store_file_digest id[4], found;

	store_digest_cache_free(cache);
	cache = store_digest_cache_new(3);
	for (int i = 0; i < 4; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		write_file(name, name);
	}
	id[0] = get_reliable("a");
	id[1] = get_reliable("b");
	id[2] = get_reliable("c");
	/* "a" was used, so "b" is replaced by "d" */
	ck_assert(store_digest_cache_find(cache, &id[0].stamp, &found));
	id[3] = get_reliable("d");
	ck_assert_uint_eq(stats().n_files, 3);
	ck_assert(store_digest_cache_find(cache, &id[0].stamp, &found));
	ck_assert(!store_digest_cache_find(cache, &id[1].stamp, &found));
	ck_assert(store_digest_cache_find(cache, &id[3].stamp, &found));
	store_digest_cache_free(cache);
	cache = store_digest_cache_new(0);
	get_reliable("a");
	ck_assert_uint_eq(stats().n_files, 0);
}

static void *get_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		char name[32], text[32];
		struct store_file_digest id;

		snprintf(name, sizeof(name), "f%d", i % 50);
		snprintf(text, sizeof(text), "text %d", i % 50);
		id = get(name);
		ck_assert(has_content(&id, text));
	}
	return NULL;
}

TEST(threads_can_share_a_cache)
{
	pthread_t threads[4];

	store_digest_cache_free(cache);
	cache = store_digest_cache_new(20);
	for (int i = 0; i < 50; i++) {
		char name[32], text[32];

		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text), "text %d", i);
		write_file(name, text);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, get_all, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_le(stats().n_files, 20);
}

/* Continue with a new cache that loads the saved digests. */
static void reload(const char *saved)
{
	store_digest_cache_free(cache);
	cache = store_digest_cache_new(1000);
	store_digest_cache_load(cache, saved);
}

TEST(a_saved_digest_spares_the_next_process_from_reading)
{
	const char *path = "cc1", *saved = "cache/digests";
	struct store_file_digest before, after;

	write_file(path, "program");
	ck_assert(!chmod(path, 0755));
	before = get_reliable(path);
	store_digest_cache_save(cache, saved);
	reload(saved);
	after = get(path);
	ck_assert(has_content(&after, "program"));
	ck_assert(after.executable);
	ck_assert(after.reliable);
	ck_assert(file_stamp_equal(&before.stamp, &after.stamp));
	ck_assert_uint_eq(stats().n_read, 0);

	write_file(path, "changed");
	after = get(path);
	ck_assert(has_content(&after, "changed"));
}

/* The ctime of another file at the same place of a new image can be equal. */
TEST(a_digest_with_a_stamp_of_whole_seconds_is_not_loaded)
{
	const char *path = "cc1", *saved = "digests";
	struct buf text = { 0 };
	struct err err;
	char *at;

	write_file(path, "program");
	get_reliable(path);
	store_digest_cache_save(cache, saved);
	must(fs_read(saved, 4096, &text, &err));
	ck_assert(digest_cut_line(&text));
	at = strrchr((char *)text.data, ':');
	while (*--at != ':')
		;
	strcpy(at, ":3b9aca00:0\n"); /* 10^9 */
	text.len = strlen((char *)text.data);
	digest_add_line(&text);
	must(fs_write(saved, buf_bytes(&text), 0600, &err));
	reload(saved);
	ck_assert_uint_eq(stats().n_files, 0);

	strcpy(strrchr((char *)text.data, ':') - 8, "3b9aca01:0\n");
	text.len = strlen((char *)text.data);
	digest_add_line(&text);
	must(fs_write(saved, buf_bytes(&text), 0600, &err));
	reload(saved);
	ck_assert_uint_eq(stats().n_files, 1);
	buf_release(&text);
}

TEST(loading_does_not_keep_new_digests_from_being_saved)
{
	const char *path = "cc1", *saved = "digests";

	write_file(path, "program");
	get_reliable(path);
	store_digest_cache_load(cache, saved);
	store_digest_cache_save(cache, saved);
	ck_assert(!access(saved, F_OK));
}

TEST(unchanged_digests_are_not_saved_again)
{
	const char *path = "cc1", *saved = "digests";

	write_file(path, "program");
	get_reliable(path);
	store_digest_cache_save(cache, saved);
	reload(saved);
	get(path);
	ck_assert(!unlink(saved));
	store_digest_cache_save(cache, saved);
	ck_assert(access(saved, F_OK));
}

TEST(a_damaged_file_of_digests_is_ignored)
{
	const char *path = "cc1", *saved = "digests";
	struct store_file_digest id;
	struct buf text = { 0 };
	struct err err;

	write_file(path, "program");
	get_reliable(path);
	store_digest_cache_save(cache, saved);
	must(fs_read(saved, 4096, &text, &err));
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		must(fs_write(saved, buf_bytes(&text), 0600, &err));
		text.data[i] ^= 1;
		reload(saved);
		ck_assert_uint_eq(stats().n_files, 0);
	}
	must(fs_write(saved, bytes_of(text.data, text.len / 2), 0600, &err));
	reload(saved);
	id = get(path);
	ck_assert(has_content(&id, "program"));
	ck_assert_uint_eq(stats().n_read, 1);
	buf_release(&text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/digest-cache.h"

#include "base/clock.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static struct store_digest_cache *memo;

static void setup(void)
{
	play_setup();
	memo = store_digest_cache_new(1000);
}

static void teardown(void)
{
	store_digest_cache_free(memo);
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
	int ret = store_digest_cache_get(memo, path, &id, NULL, 0, &err);

	ck_assert_msg(!ret, "%s", err.text);
	return id;
}

/*
 * Wait for a tick of the file system's clock, after which the stamp is
 * reliable.
 */
static struct store_file_digest get_settled(const char *path)
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

	store_digest_cache_stats(memo, &s);
	return s;
}

static bool is_of(const struct store_file_digest *id, const char *text)
{
	struct digest d;

	digest_bytes(bytes_str(text), &d);
	return digest_equal(&d, &id->digest) && id->stamp.size == strlen(text);
}

FIXTURE(setup, teardown);
TIMEOUT(300);

TEST(a_file_is_known_by_its_content_size_times_and_mode)
{
	struct timespec t[2] = { { .tv_sec = 1 }, { 1234567890, 987654321 } };
	struct store_file_digest id;

	write_file("f", "some text");
	ck_assert_int_eq(utimensat(AT_FDCWD, "f", t, 0), 0);
	id = get("f");
	ck_assert(is_of(&id, "some text"));
	ck_assert_int_eq(id.stamp.mtime_ns, INT64_C(1234567890987654321));
	ck_assert(!id.executable);
	ck_assert_int_eq(chmod("f", 0755), 0);
	id = get("f");
	ck_assert(id.executable);
	write_file("empty", "");
	id = get("empty");
	ck_assert(is_of(&id, ""));
}

/* Return true if the file's stamp is unchanged. */
static bool is_still(const char *path, const struct store_file_digest *was)
{
	struct file_stamp now;
	struct stat st;

	if (!was->reliable || stat(path, &st))
		return false;
	file_stamp_from_stat(&now, &st);
	return file_stamp_equal(&now, &was->stamp);
}

TEST(a_settled_file_is_read_once)
{
	struct store_file_digest a, b, c;
	uint64_t read;

	write_file("f", "some text");
	a = get_settled("f");
	read = stats().n_read;
	b = get("f");
	ck_assert(store_digest_cache_find(memo, &a.stamp, &c));
	ck_assert_uint_eq(stats().n_read, read);
	ck_assert_uint_ge(stats().n_reused, 2);
	ck_assert_mem_eq(&a.digest, &b.digest, sizeof(a.digest));
	ck_assert_mem_eq(&a.digest, &c.digest, sizeof(a.digest));
	ck_assert(b.reliable && c.reliable);
	/* the target of a link is the same file */
	ck_assert_int_eq(symlink("f", "link"), 0);
	c = get("link");
	ck_assert(is_of(&c, "some text"));
	ck_assert_uint_eq(stats().n_read, read);
}

/* Without a pause, so within one tick: every content is detected. */
TEST(a_young_file_is_read_again)
{
	for (int i = 0; i < 500; i++) {
		char *text = xasprintf("content %03d", i);
		struct store_file_digest id;

		write_file("f", text);
		id = get("f");
		ck_assert_msg(is_of(&id, text), "%s", text);
		free(text);
	}
}

TEST(a_change_of_a_settled_file_is_noticed)
{
	struct timespec t[2] = { 0 };
	struct store_file_digest id;
	struct stat st;

	write_file("f", "one");
	id = get_settled("f");
	ck_assert_int_eq(stat("f", &st), 0);
	write_file("f", "two");
	/* even with the old mtime */
	t[0] = st.st_atim;
	t[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, "f", t, 0), 0);
	ck_assert(!is_still("f", &id));
	id = get("f");
	ck_assert(is_of(&id, "two"));
}

TEST(content_is_given_with_what_it_is)
{
	struct buf content = { 0 };
	struct store_file_digest id;
	struct err err = { 0 };

	write_file("f", "some text");
	get_settled("f");
	buf_add_str(&content, "before: ");
	must(store_digest_cache_get(memo, "f", &id, &content, 9, &err));
	ck_assert_str_eq(buf_str(&content), "before: some text");
	ck_assert(is_of(&id, "some text"));
	ck_assert_int_eq(
		store_digest_cache_get(memo, "f", &id, &content, 8, &err),
		-EFBIG);
	ck_assert_str_eq(buf_str(&content), "before: some text");
	buf_release(&content);
}

static void expect_error(const char *path, int code, const char *words)
{
	struct store_file_digest id;
	struct err err = { 0 };

	err_is(store_digest_cache_get(memo, path, &id, NULL, 0, &err), code,
	       "%s: %s", path, words);
}

TEST(what_is_no_file_is_an_error_that_names_it)
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

/* A file that reports size 0 but has content seems to grow for ever. */
TEST(a_file_that_does_not_keep_still_is_given_up)
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
 * A file can have mixed content while it is rewritten.  But a reliable digest
 * is valid as long as the stamp is.
 */
TEST(a_file_that_is_being_rewritten_is_remembered_only_when_it_rests)
{
	struct store_file_digest id;
	struct err err = { 0 };
	pthread_t writer;
	struct digest now;

	write_file("moving", "x");
	ck_assert_int_eq(pthread_create(&writer, NULL, rewrite, NULL), 0);
	for (int i = 0; i < 200; i++) {
		int ret = store_digest_cache_get(memo, "moving", &id, NULL, 0,
						 &err);

		ck_assert_msg(!ret || ret == -EAGAIN, "%s", err.text);
		if (ret || digest_file("moving", &now, &err))
			continue;
		if (is_still("moving", &id))
			ck_assert(digest_equal(&id.digest, &now));
	}
	stop = true;
	pthread_join(writer, NULL);
	id = get_settled("moving");
	must(digest_file("moving", &now, &err));
	ck_assert(digest_equal(&id.digest, &now));
}

TEST(no_more_files_than_agreed_are_remembered)
{
	struct store_file_digest id[4], found;

	store_digest_cache_free(memo);
	memo = store_digest_cache_new(3);
	for (int i = 0; i < 4; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		write_file(name, name);
	}
	id[0] = get_settled("a");
	id[1] = get_settled("b");
	id[2] = get_settled("c");
	/* "a" was used, so "b" is replaced by "d" */
	ck_assert(store_digest_cache_find(memo, &id[0].stamp, &found));
	id[3] = get_settled("d");
	ck_assert_uint_eq(stats().n_files, 3);
	ck_assert(store_digest_cache_find(memo, &id[0].stamp, &found));
	ck_assert(!store_digest_cache_find(memo, &id[1].stamp, &found));
	ck_assert(store_digest_cache_find(memo, &id[3].stamp, &found));
	store_digest_cache_free(memo);
	memo = store_digest_cache_new(0);
	get_settled("a");
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
		ck_assert(is_of(&id, text));
	}
	return NULL;
}

TEST(threads_share_a_memo)
{
	pthread_t threads[4];

	store_digest_cache_free(memo);
	memo = store_digest_cache_new(20);
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

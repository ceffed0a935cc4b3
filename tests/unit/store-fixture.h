/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/store-fixture.h - A store in a private directory, and blobs.
 */
#ifndef TESTS_UNIT_STORE_PLAY_H
#define TESTS_UNIT_STORE_PLAY_H

#include "store/store.h"

#include "../lib/store-put.h"
#include "../lib/test.h"

#include <dirent.h>
#include <time.h>

static char *play_dir; /* working directory of a test */

static inline void play_setup(void)
{
	play_dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(play_dir));
	ck_assert_int_eq(chdir(play_dir), 0);
}

static inline void play_teardown(void)
{
	struct err err = { 0 };

	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(play_dir, &err));
	free(play_dir);
}

static inline struct store *play_open(uint64_t limit)
{
	struct store *s = NULL;
	struct err err = { 0 };

	must(store_open(&s, "store", limit, &err));
	return s;
}

/* Wait for the initial count of the store, after which numbers are exact. */
static inline void play_counted(struct store *s)
{
	struct store_stats n;

	ck_assert_int_eq(store_gc(s, 0), 0);
	store_stats(s, &n);
	ck_assert(n.counted);
}

/* A blob identified by `seed`; the caller owns `data`. */
struct play_blob {
	struct digest digest;
	size_t size;
	uint8_t *data;
};

static inline struct play_blob play_blob(unsigned seed, size_t size)
{
	struct play_blob b = { .size = size, .data = xmalloc(size + 1) };
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525u + 1013904223u;
		b.data[i] = (uint8_t)(x >> 24);
	}
	digest_bytes(bytes_of(b.data, size), &b.digest);
	return b;
}

static inline int play_put(struct store *s, const struct play_blob *b, bool pin)
{
	return store_put(s, &b->digest, bytes_of(b->data, b->size), pin);
}

/*
 * Return its path in the store, "store/sha256/ab/cdef..."; the caller frees it.
 */
static inline char *play_path(const struct play_blob *b)
{
	char hex[DIGEST_HEX];

	digest_format(&b->digest, hex);
	return xasprintf("store/sha256/%.2s/%s", hex, hex + 2);
}

static inline bool play_stands(const struct play_blob *b)
{
	char *path = play_path(b);
	struct stat st;
	bool stands = !lstat(path, &st);

	free(path);
	return stands;
}

/*
 * Replace the file `path` of the store.  The file is written outside of the
 * store first, because the collector, which can run concurrently, removes files
 * whose names are not digests.
 */
static inline void play_write(const char *path, struct bytes content)
{
	struct err err = { 0 };

	must(fs_write("written", content, 0444, &err));
	ck_assert_int_eq(rename("written", path), 0);
}

/* Set the last use to that many seconds ago. */
static inline void play_age(const struct play_blob *b, time_t seconds)
{
	struct timespec t[2] = { { .tv_sec = time(NULL) - seconds },
				 { .tv_sec = time(NULL) - seconds } };
	char *path = play_path(b);

	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
	free(path);
}

/* Change one byte of the entry without a change of its size. */
static inline void play_damage(const struct play_blob *b)
{
	char *path = play_path(b);
	uint8_t byte = b->data[b->size / 2] ^ 1;
	int fd;

	ck_assert_int_eq(chmod(path, 0600), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)(b->size / 2)), 1);
	close(fd);
	ck_assert_int_eq(chmod(path, 0444), 0);
	free(path);
}

/* Return the result of store_open_blob(); on success, check the bytes. */
static inline int play_copy(struct store *s, const struct play_blob *b)
{
	uint8_t *got = xmalloc(b->size + 1);
	int fd = store_open_blob(s, &b->digest, b->size);
	size_t n = 0;
	ssize_t more = 1;

	while (fd >= 0 && more > 0) {
		more = read(fd, got + n, b->size + 1 - n);
		n += more > 0 ? (size_t)more : 0;
	}
	if (fd >= 0) {
		ck_assert_uint_eq(n, b->size);
		ck_assert(!n || !memcmp(got, b->data, n));
		close(fd);
	}
	free(got);
	return fd < 0 ? fd : 0;
}

/* Count the names in a directory. */
static inline size_t play_entries(const char *path)
{
	DIR *list = opendir(path);
	struct dirent *e;
	size_t n = 0;

	ck_assert_ptr_nonnull(list);
	while ((e = readdir(list)) != NULL)
		n += !str_equal(e->d_name, ".") && !str_equal(e->d_name, "..");
	closedir(list);
	return n;
}

#endif

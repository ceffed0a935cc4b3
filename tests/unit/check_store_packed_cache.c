/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/packed-cache.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define KIB ((size_t)1024)

static atomic_uint packs; /* number of packed pieces */
static atomic_int pack_result; /* result of the packing function */
static atomic_bool slow; /* delay pack() so that other threads wait */

/* The packed form of a piece: its offset, and the piece. */
static int pack(void *arg, const struct digest *d, uint64_t size,
		uint64_t offset, struct bytes piece, struct buf *out)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	uint8_t raw[8];

	(void)d;
	if (slow)
		nanosleep(&nap, NULL);
	ck_assert_ptr_eq(arg, &packs);
	ck_assert_uint_le(offset + piece.len, size);
	ck_assert_uint_eq(out->len, 0);
	packs++;
	put_le64(raw, offset);
	buf_add(out, raw, sizeof(raw));
	buf_add_bytes(out, piece);
	return pack_result;
}

static void setup(void)
{
	play_setup();
	packs = 0;
	pack_result = 0;
	slow = false;
}

static void teardown(void)
{
	play_teardown();
}

static struct store_packed_cache *new_packed(size_t limit)
{
	return store_packed_cache_new(limit, limit, pack, &packs);
}

static void save(const struct play_blob *b, const char *path)
{
	struct err err = { 0 };

	must(fs_write(path, bytes_of(b->data, b->size), 0600, &err));
}

static const struct store_packed_blob *get_file(struct store_packed_cache *p,
						const struct play_blob *b,
						const char *path)
{
	const struct store_packed_blob *out = NULL;
	struct err err = { 0 };

	must(store_packed_cache_get(p, &b->digest, b->size, path, &out, &err));
	return out;
}

/* Return the blob if it is cached; the caller puts it back.  Else NULL. */
static const struct store_packed_blob *get_cached(struct store_packed_cache *p,
						  const struct play_blob *b)
{
	const struct store_packed_blob *out;
	struct err err = { 0 };

	return store_packed_cache_get(p, &b->digest, b->size, "nowhere", &out,
				      &err) ?
		       NULL :
		       out;
}

static int get_bytes(struct store_packed_cache *p, const struct play_blob *b,
		     const struct store_packed_blob **out)
{
	int fd = memfd_create("blob", MFD_CLOEXEC), ret;
	char *path = xasprintf("/proc/self/fd/%d", fd);
	struct err err;

	ck_assert_int_eq(bytes_write(fd, bytes_of(b->data, b->size)), 0);
	ret = store_packed_cache_get(p, &b->digest, b->size, path, out, &err);
	free(path);
	close(fd);
	return ret;
}

/* Check that the pieces are packed by pack() and contain all of `b`. */
static void expect_pieces(const struct store_packed_blob *got,
			  const struct play_blob *b)
{
	size_t offset = 0, packed = 0;

	ck_assert(digest_equal(&got->digest, &b->digest));
	ck_assert_uint_eq(got->raw_bytes, b->size);
	ck_assert_uint_ge(got->n_pieces, 1);
	for (size_t i = 0; i < got->n_pieces; i++) {
		size_t len = got->pieces[i].len - 8;

		ck_assert_uint_eq(get_le64(got->pieces[i].data), offset);
		ck_assert(!len || !memcmp(got->pieces[i].data + 8,
					  b->data + offset, len));
		offset += len;
		packed += len + 8;
		ck_assert(i == got->n_pieces - 1 || len == STORE_PIECE_MAX);
	}
	ck_assert_uint_eq(offset, b->size);
	ck_assert_uint_eq(got->packed_bytes, packed);
}

FIXTURE(setup, teardown);
TIMEOUT(300);

TEST(a_blob_is_packed_in_pieces_of_the_maximum_size)
{
	static const size_t sizes[] = { 0, 1, STORE_PIECE_MAX,
					STORE_PIECE_MAX + 1,
					5 * STORE_PIECE_MAX };
	static const size_t pieces[] = { 1, 1, 1, 2, 5 };
	const struct store_packed_blob *out;

	for (unsigned i = 0; i < 5; i++) {
		struct play_blob b = play_blob(i, sizes[i]);
		struct store_packed_cache *p = new_packed(8192 * KIB);

		save(&b, "f");
		out = get_file(p, &b, "f");
		expect_pieces(out, &b);
		ck_assert_uint_eq(out->n_pieces, pieces[i]);
		store_packed_cache_put(p, out);
		store_packed_cache_free(p);
		p = new_packed(8192 * KIB);
		ck_assert_int_eq(get_bytes(p, &b, &out), 0);
		expect_pieces(out, &b);
		ck_assert_uint_eq(out->n_pieces, pieces[i]);
		store_packed_cache_put(p, out);
		store_packed_cache_free(p);
		free(b.data);
	}
	store_packed_cache_free(NULL);
}

TEST(a_blob_is_packed_once_and_then_reused)
{
	struct play_blob b = play_blob(1, 1000);
	struct store_packed_cache *p = new_packed(64 * KIB);
	const struct store_packed_blob *one, *two, *three;
	struct store_packed_cache_stats n;

	ck_assert_ptr_null(get_cached(p, &b));
	save(&b, "f");
	one = get_file(p, &b, "f");
	ck_assert_int_eq(unlink("f"), 0);
	two = get_file(p, &b, "f");
	ck_assert_ptr_eq(one, two);
	store_packed_cache_put(p, one);
	store_packed_cache_put(p, two);
	three = get_cached(p, &b);
	ck_assert_ptr_nonnull(three);
	expect_pieces(three, &b);
	ck_assert_uint_eq(packs, 1);
	store_packed_cache_stats(p, &n);
	ck_assert_uint_eq(n.n_blobs, 1);
	ck_assert_uint_eq(n.n_packed, 1);
	ck_assert_uint_eq(n.n_reused, 2);
	ck_assert_uint_eq(n.raw_bytes, 1000);
	ck_assert_uint_eq(n.packed_bytes, 1008);
	ck_assert_uint_eq(n.in_use_bytes, n.memory_bytes);
	ck_assert_uint_ge(n.memory_bytes, 1008);
	store_packed_cache_put(p, three);
	store_packed_cache_put(p, NULL);
	store_packed_cache_stats(p, &n);
	ck_assert_uint_eq(n.in_use_bytes, 0);
	store_packed_cache_free(p);
	free(b.data);
}

static int try_file(struct store_packed_cache *p, const struct play_blob *b,
		    const char *path)
{
	const struct store_packed_blob *out;
	struct err err = { 0 };
	int ret = store_packed_cache_get(p, &b->digest, b->size, path, &out,
					 &err);
	const char *words = ret == -ESTALE ? "file has changed" :
					     strerror(-ret);

	if (ret)
		text_is(err.text, "%s: %s", path, words);
	else
		store_packed_cache_put(p, out);
	return ret;
}

TEST(a_missing_or_changed_file_is_not_packed)
{
	struct play_blob b = play_blob(1, 600 * KIB);
	struct store_packed_cache *p = new_packed(8192 * KIB);
	struct store_packed_cache_stats n;

	save(&b, "f");
	b.data[500 * KIB] ^= 1;
	save(&b, "changed");
	ck_assert_int_eq(try_file(p, &b, "missing"), -ENOENT);
	ck_assert_int_eq(try_file(p, &b, "changed"), -ESTALE);
	b.size--;
	ck_assert_int_eq(try_file(p, &b, "f"), -ESTALE);
	b.size++;
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(try_file(p, &b, "fifo"), -ESTALE);
	ck_assert_int_eq(try_file(p, &b, "."), -ESTALE);
	ck_assert_ptr_null(get_cached(p, &b));
	store_packed_cache_stats(p, &n);
	ck_assert_uint_eq(n.n_blobs, 0);
	ck_assert_uint_eq(n.memory_bytes, 0);
	ck_assert_int_eq(try_file(p, &b, "f"), 0);
	store_packed_cache_free(p);
	free(b.data);
}

TEST(an_error_of_the_packing_function_is_returned)
{
	struct play_blob b = play_blob(1, 1000);
	struct store_packed_cache *p = new_packed(64 * KIB);

	save(&b, "f");
	pack_result = -EPROTO;
	ck_assert_int_eq(try_file(p, &b, "f"), -EPROTO);
	ck_assert_ptr_null(get_cached(p, &b));
	pack_result = 0;
	ck_assert_int_eq(try_file(p, &b, "f"), 0);
	store_packed_cache_free(p);
	free(b.data);
}

TEST(at_the_memory_limit_the_least_recently_used_blob_is_dropped)
{
	struct store_packed_cache *p = new_packed(64 * KIB);
	const struct store_packed_blob *out;
	struct play_blob b[10];
	struct store_packed_cache_stats n;

	for (unsigned i = 0; i < 10; i++) {
		b[i] = play_blob(i, 10 * KIB);
		ck_assert_int_eq(get_bytes(p, &b[i], &out), 0);
		store_packed_cache_put(p, out);
		/* the first blob is in constant use */
		out = get_cached(p, &b[0]);
		ck_assert_ptr_nonnull(out);
		store_packed_cache_put(p, out);
		store_packed_cache_stats(p, &n);
		ck_assert_uint_le(n.memory_bytes, 64 * KIB);
	}
	ck_assert_uint_eq(n.n_blobs, 6);
	ck_assert_uint_eq(n.n_dropped, 4);
	ck_assert_ptr_null(get_cached(p, &b[1]));
	out = get_cached(p, &b[9]);
	ck_assert_ptr_nonnull(out);
	store_packed_cache_put(p, out);
	store_packed_cache_free(p);
	for (unsigned i = 0; i < 10; i++)
		free(b[i].data);
}

TEST(blobs_that_are_not_in_use_have_a_separate_memory_limit)
{
	struct store_packed_cache *p = store_packed_cache_new(
		640 * KIB, 32 * KIB, pack, &packs);
	const struct store_packed_blob *out[10];
	struct play_blob b[10];
	struct store_packed_cache_stats n;

	for (unsigned i = 0; i < 10; i++) {
		b[i] = play_blob(i, 10 * KIB);
		ck_assert_int_eq(get_bytes(p, &b[i], &out[i]), 0);
	}
	for (unsigned i = 0; i < 10; i++) {
		expect_pieces(out[i], &b[i]);
		store_packed_cache_put(p, out[i]);
	}
	store_packed_cache_stats(p, &n);
	ck_assert_uint_eq(n.in_use_bytes, 0);
	ck_assert_uint_eq(n.n_blobs, 3);
	ck_assert_uint_le(n.memory_bytes, 32 * KIB);
	ck_assert_ptr_null(get_cached(p, &b[6]));
	out[0] = get_cached(p, &b[7]);
	ck_assert_ptr_nonnull(out[0]);
	store_packed_cache_put(p, out[0]);
	store_packed_cache_free(p);
	for (unsigned i = 0; i < 10; i++)
		free(b[i].data);
}

TEST(blobs_in_use_are_not_dropped_for_others)
{
	const struct store_packed_blob *one, *two, *three;
	struct play_blob a = play_blob(1, 30 * KIB), b = play_blob(2, 30 * KIB);
	struct play_blob c = play_blob(3, 30 * KIB);
	struct play_blob large = play_blob(4, 33 * KIB);
	struct store_packed_cache *p = new_packed(64 * KIB);

	ck_assert_int_eq(get_bytes(p, &a, &one), 0);
	ck_assert_int_eq(get_bytes(p, &b, &two), 0);
	ck_assert_int_eq(get_bytes(p, &c, &three), -ENOBUFS);
	ck_assert_int_eq(get_bytes(p, &large, &three), -EFBIG);
	expect_pieces(one, &a);
	store_packed_cache_put(p, two);
	ck_assert_int_eq(get_bytes(p, &c, &three), 0);
	expect_pieces(one, &a);
	expect_pieces(three, &c);
	store_packed_cache_put(p, one);
	store_packed_cache_put(p, three);
	store_packed_cache_free(p);
	free(a.data);
	free(b.data);
	free(c.data);
	free(large.data);
}

struct share {
	struct store_packed_cache *p;
	struct play_blob *b;
	unsigned n;
};

static void *get_all(void *arg)
{
	struct share *share = arg;
	const struct store_packed_blob *out;

	for (unsigned i = 0; i < 40 * share->n; i++) {
		struct play_blob *b = &share->b[i * 7 % share->n];

		out = i % 3 ? NULL : get_cached(share->p, b);
		if (!out && get_bytes(share->p, b, &out))
			ck_abort_msg("not packed");
		expect_pieces(out, b);
		store_packed_cache_put(share->p, out);
	}
	return NULL;
}

static void share_among_threads(size_t limit)
{
	struct play_blob b[10];
	struct share share = { new_packed(limit), b, 10 };
	pthread_t threads[4];

	for (unsigned i = 0; i < 10; i++)
		b[i] = play_blob(i, 10 * KIB);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, get_all, &share), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	store_packed_cache_free(share.p);
	for (unsigned i = 0; i < 10; i++)
		free(b[i].data);
}

TEST(concurrent_requests_pack_each_blob_once)
{
	slow = true;
	share_among_threads(1024 * KIB);
	ck_assert_uint_eq(packs, 10);
}

TEST(a_blob_in_use_stays_valid_while_threads_drop_other_blobs)
{
	share_among_threads(64 * KIB);
	ck_assert_uint_ge(packs, 10);
}

static void *get_missing_file(void *arg)
{
	struct share *share = arg;

	return (void *)(intptr_t)try_file(share->p, share->b, "gone");
}

/* A thread that waited for a request that failed packs the blob itself. */
TEST(a_failed_request_does_not_fail_a_concurrent_request)
{
	struct play_blob b = play_blob(1, 1000);
	struct share share = { NULL, &b, 1 };

	slow = true;
	save(&b, "f");
	for (int i = 0; i < 100; i++) {
		struct store_packed_cache *p = new_packed(64 * KIB);
		pthread_t thread;
		void *ret;

		share.p = p;
		ck_assert_int_eq(
			pthread_create(&thread, NULL, get_missing_file, &share),
			0);
		ck_assert_int_eq(try_file(p, &b, "f"), 0);
		pthread_join(thread, &ret);
		/* the blob can be cached before `thread` requests it */
		ck_assert((intptr_t)ret == -ENOENT || !ret);
		store_packed_cache_free(p);
	}
	free(b.data);
}

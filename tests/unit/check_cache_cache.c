/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
#include "cache/cache.h"

#include "../lib/random.h"
#include "../lib/test.h"
#include "store-fixture.h"

#include <fts.h>

FIXTURE(play_setup, play_teardown);
TIMEOUT(300);

static struct cache *open_cache(uint64_t size, bool write_only)
{
	const struct cache_setup setup = { .dir = "store",
					   .size_bytes = size,
					   .write_only = write_only };
	struct cache *c = NULL;
	struct err err;

	must(cache_open(&c, &setup, &err));
	return c;
}

static struct digest key_of(unsigned seed)
{
	struct digest d;

	digest_bytes(bytes_of(&seed, sizeof(seed)), &d);
	return d;
}

/* A result with a large object, a list and two side outputs, one of text. */
static struct peer_job_result make_result(unsigned seed)
{
	struct play_blob object = play_blob(seed, 70000);
	struct peer_job_result r = { .wire = { .cpu_ms = 1234,
					       .wall_ms = 2345,
					       .peak_kib = 34567,
					       .n_sides = 2 },
				     .n_side_outputs = 2 };

	buf_add(&r.streams[WIRE_OUTPUT_OBJECT], object.data, object.size);
	buf_add_str(&r.streams[WIRE_OUTPUT_STDERR], "warning: unused\n");
	buf_add_str(&r.streams[WIRE_OUTPUT_DEPS], "a.o: a.c a.h\n");
	buf_add(&r.streams[WIRE_OUTPUT_SIDE], object.data, 4096);
	while (r.streams[WIRE_OUTPUT_SIDE + 1].len <= 64 << 10)
		buf_printf(&r.streams[WIRE_OUTPUT_SIDE + 1], "a.c: f %u\n",
			   seed);
	free(object.data);
	return r;
}

static void expect_equal(const struct peer_job_result *a,
			 const struct peer_job_result *b)
{
	ck_assert_uint_eq(a->wire.cpu_ms, b->wire.cpu_ms);
	ck_assert_uint_eq(a->wire.wall_ms, b->wire.wall_ms);
	ck_assert_uint_eq(a->wire.peak_kib, b->wire.peak_kib);
	ck_assert_uint_eq(a->wire.wait_status, 0);
	ck_assert_uint_eq(a->wire.n_sides, b->wire.n_sides);
	ck_assert_uint_eq(a->n_side_outputs, b->n_side_outputs);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		ck_assert(bytes_equal(buf_bytes(&a->streams[i]),
				      buf_bytes(&b->streams[i])));
		ck_assert_uint_eq(a->wire.output_bytes[i], b->streams[i].len);
	}
}

static void expect_hit(struct cache *c, const struct digest *key,
		       const struct peer_job_result *want)
{
	struct peer_job_result got;

	ck_assert_int_eq(cache_find(c, key, &got), 0);
	expect_equal(&got, want);
	peer_job_result_release(&got);
}

static void expect_miss(struct cache *c, const struct digest *key, int error)
{
	static const struct peer_job_result none;
	struct peer_job_result got;

	ck_assert_int_eq(cache_find(c, key, &got), error);
	ck_assert_mem_eq(&got, &none, sizeof(got));
}

static void add(struct cache *c, unsigned seed)
{
	struct peer_job_result r = make_result(seed);
	struct digest key = key_of(seed);
	struct err err;

	must(cache_add(c, &key, &r, &err));
	peer_job_result_release(&r);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* List the files of the cache, those of store/action first. */
static void list_files(struct strv *out)
{
	static char action[] = "store/action", blobs[] = "store/sha256";
	char *const dirs[] = { action, blobs, NULL };
	FTS *tree = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;

	ck_assert_ptr_nonnull(tree);
	while ((e = fts_read(tree))) {
		if (e->fts_info == FTS_F)
			strv_add(out, e->fts_path);
	}
	fts_close(tree);
}

static const size_t text_sizes[] = { 4096, 4097, 1 << 20, 5 << 20 };

TEST_EACH(an_object_is_compressed, text_sizes)
{
	struct cache *c = open_cache(0, false);
	struct peer_job_result r = { 0 };
	struct digest key = key_of(1);
	struct strv files = { 0 };
	struct stat st;
	struct err err;

	for (size_t i = 0; i < *row; i++)
		buf_put_u8(&r.streams[WIRE_OUTPUT_OBJECT], (uint8_t)(i % 80));
	must(cache_add(c, &key, &r, &err));
	expect_hit(c, &key, &r);
	list_files(&files);
	ck_assert_uint_eq(files.n, *row > 4096 ? 2 : 1);
	for (size_t i = 0; i < files.n; i++) {
		ck_assert_int_eq(stat(files.v[i], &st), 0);
		ck_assert_uint_lt((size_t)st.st_size, *row / 8);
	}
	strv_release(&files);
	peer_job_result_release(&r);
	cache_free(c);
}

/* A record whose digest is correct, but whose content is not. */
TEST(a_malformed_record_is_removed)
{
	struct peer_job_result r = make_result(1), got = { 0 };
	struct cache_blob blobs[WIRE_N_OUTPUTS] = { 0 };
	struct cache *c = open_cache(0, false);
	struct digest key = key_of(1);
	struct buf record = { 0 };
	struct err err;

	cache_record_encode(&record, &r, blobs);
	cache_record_release_blobs(blobs);
	for (size_t len = 0; len < record.len; len++) {
		must(store_put_record(cache_store(c), STORE_RECORD_ACTION, &key,
				      bytes_of(record.data, len)));
		expect_miss(c, &key, -EBADMSG);
		expect_miss(c, &key, -ENOENT);
	}
	for (size_t i = 0; i < record.len; i++) {
		record.data[i] ^= 0x11;
		cache_record_decode(buf_bytes(&record), &got, blobs);
		peer_job_result_release(&got);
		got = (struct peer_job_result){ 0 };
		record.data[i] ^= 0x11;
	}
	buf_release(&record);
	peer_job_result_release(&r);
	cache_free(c);
}

TEST(a_result_is_found_under_its_key)
{
	struct cache *c = open_cache(0, false);
	struct peer_job_result r = make_result(1);
	struct digest key = key_of(1), other = key_of(2);

	expect_miss(c, &key, -ENOENT);
	add(c, 1);
	expect_hit(c, &key, &r);
	expect_miss(c, &other, -ENOENT);
	cache_free(c);
	c = open_cache(0, false);
	expect_hit(c, &key, &r);
	peer_job_result_release(&r);
	cache_free(c);
}

TEST(equal_objects_are_stored_once)
{
	struct cache *c = open_cache(0, false);
	struct peer_job_result r = make_result(1);
	struct digest key = key_of(7);
	struct strv files = { 0 };
	struct err err;

	add(c, 1);
	must(cache_add(c, &key, &r, &err));
	expect_hit(c, &key, &r);
	/* Two records, the object and the side output of text. */
	list_files(&files);
	ck_assert_uint_eq(files.n, 4);
	strv_release(&files);
	peer_job_result_release(&r);
	cache_free(c);
}

TEST(a_write_only_cache_finds_no_result_but_stores_results)
{
	struct cache *c = open_cache(0, false);
	struct peer_job_result r = make_result(1);
	struct digest key = key_of(1);

	add(c, 1);
	cache_free(c);
	c = open_cache(0, true);
	expect_miss(c, &key, -ENOENT);
	add(c, 1);
	cache_free(c);
	c = open_cache(0, false);
	expect_hit(c, &key, &r);
	peer_job_result_release(&r);
	cache_free(c);
}

TEST(a_result_with_a_missing_object_is_removed)
{
	struct cache *c = open_cache(0, false);
	struct digest key = key_of(1);
	struct strv files = { 0 };

	add(c, 1);
	list_files(&files);
	ck_assert(str_starts(files.v[1], "store/sha256/"));
	ck_assert_int_eq(unlink(files.v[1]), 0);
	expect_miss(c, &key, -ENOENT);
	ck_assert_int_ne(access(files.v[0], F_OK), 0);
	strv_release(&files);
	cache_free(c);
}

/*
 * Whatever happens to a file of the cache, a lookup returns the stored result
 * or nothing, and the result can be stored again.
 */
TEST_RANGE(a_damaged_file_never_yields_a_wrong_result, 0, 60)
{
	struct cache *c = open_cache(0, false);
	struct peer_job_result r = make_result(1), got;
	struct digest key = key_of(1);

	pick_start((unsigned long)_i);
	for (int round = 0; round < 20; round++) {
		struct strv files = { 0 };
		struct buf content = { 0 };
		struct err err;
		const char *path;

		add(c, 1);
		add(c, 2);
		list_files(&files);
		path = files.v[pick((unsigned)files.n)];
		must(fs_read(path, SIZE_MAX / 2, &content, &err));
		switch (pick(4)) {
		case 0: /* change a byte */
			content.data[pick((unsigned)content.len)] ^=
				(uint8_t)(1 + pick(255));
			break;
		case 1:
			content.len = pick((unsigned)content.len);
			break;
		case 2: /* exchange two files */
			buf_reset(&content);
			must(fs_read(files.v[pick((unsigned)files.n)],
				     SIZE_MAX / 2, &content, &err));
			break;
		default:
			buf_add_str(&content, "more");
		}
		play_write(path, buf_bytes(&content));
		if (!cache_find(c, &key, &got))
			expect_equal(&got, &r);
		peer_job_result_release(&got);
		buf_release(&content);
		strv_release(&files);
	}
	add(c, 1);
	expect_hit(c, &key, &r);
	peer_job_result_release(&r);
	cache_free(c);
}

TEST(a_failed_write_is_reported_once)
{
	struct cache *c = open_cache(0, false);
	struct peer_job_result r = make_result(1);
	struct digest key = key_of(1);
	struct err err = { 0 };

	/* Without its scratch directory, the store cannot write. */
	must(fs_remove("store/live", &err));
	ck_assert_int_lt(cache_add(c, &key, &r, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "result cache store: "));
	ck_assert_ptr_nonnull(
		strstr(err.text, "no more results are stored in this build"));
	ck_assert_int_eq(cache_add(c, &key, &r, &err), -ECANCELED);
	peer_job_result_release(&r);
	cache_free(c);
}

TEST(an_object_larger_than_the_cache_is_not_stored)
{
	struct cache *c = open_cache(64 << 10, false);
	struct peer_job_result r = make_result(1), small = make_result(2);
	struct digest key = key_of(1), other = key_of(2);
	struct err err;

	ck_assert_int_eq(cache_add(c, &key, &r, &err), -EFBIG);
	buf_reset(&small.streams[WIRE_OUTPUT_OBJECT]);
	must(cache_add(c, &other, &small, &err));
	expect_hit(c, &other, &small);
	peer_job_result_release(&r);
	peer_job_result_release(&small);
	cache_free(c);
}

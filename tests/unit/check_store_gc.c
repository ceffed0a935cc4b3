/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "base/clock.h"
#include "base/fs.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>

#define KIB ((uint64_t)1024)
#define N   16

static struct play_blob blobs[N];
static char shm[] = "/dev/shm/kfarm-check.XXXXXX";

static void setup(void)
{
	play_setup();
	for (unsigned i = 0; i < N; i++)
		blobs[i] = play_blob(i, 4096);
}

static void teardown(void)
{
	struct err err = { 0 };

	must(fs_remove(shm, &err));
	for (unsigned i = 0; i < N; i++)
		free(blobs[i].data);
	play_teardown();
}

/*
 * Store to which blobs[3] or, with `late_record`, a large record in the first
 * directory is added when a pass opens its last directory.
 */
static struct store *late_store;
static bool late_record;

static void put_late(struct store *s)
{
	const struct digest first = { 0 };
	uint8_t content[64 * KIB] = { 0 };

	if (late_record)
		ck_assert_int_eq(
			store_put_record(s, STORE_RECORD_ACTION, &first,
					 bytes_of(content, sizeof(content))),
			0);
	else
		ck_assert_int_eq(play_put(s, &blobs[3], false), 0);
}

/* Name of a directory that cannot be opened; empty: none. */
static char denied[3];

/*
 * This function replaces openat() of the C library, whose header has other
 * parameter names.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int openat(int dir, const char *path, int flags, ...)
{
	struct store *s = late_store;
	mode_t mode = 0;
	va_list list;

	va_start(list, flags);
	if (flags & O_CREAT)
		mode = va_arg(list, mode_t);
	va_end(list);
	if (*denied && !strcmp(path, denied)) {
		errno = EACCES;
		return -1;
	}
	if (s && !strcmp(path, "ff")) {
		late_store = NULL;
		put_late(s);
	}
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

/* Add all blobs; the first are the least recently used. */
static void fill(struct store *s)
{
	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(play_put(s, &blobs[i], false), 0);
		play_age(&blobs[i], 100000 - 1000 * (time_t)i);
	}
}

static unsigned n_present(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++)
		n += play_stands(&blobs[i]);
	return n;
}

FIXTURE(setup, teardown);
TIMEOUT(600);

TEST(the_least_recently_used_blobs_are_removed_first)
{
	struct store *s = play_open(0);
	struct store_stats n;

	fill(s);
	/* the oldest is used again, so it becomes the newest */
	ck_assert_int_eq(play_copy(s, &blobs[0]), 0);
	ck_assert_int_eq(store_pin(s, &blobs[1].digest, 4096), 0);
	store_unpin(s, &blobs[1].digest);
	ck_assert_int_eq(store_gc(s, 10 * 4 * KIB), 0);
	ck_assert_uint_eq(n_present(), 10);
	for (unsigned i = 0; i < N; i++)
		ck_assert_int_eq(play_stands(&blobs[i]), i < 2 || i >= 8);
	store_stats(s, &n);
	ck_assert(n.counted);
	ck_assert_uint_eq(n.used_bytes, 10 * 4 * KIB);
	ck_assert_uint_eq(n.n_blobs, 10);
	ck_assert_uint_eq(n.n_collected, 6);
	ck_assert_uint_eq(n.collected_bytes, 6 * 4 * KIB);
	store_free(s);
}

TEST(gc_removes_no_blobs_at_or_below_the_target)
{
	struct store *s = play_open(0);

	fill(s);
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert_int_eq(store_gc(s, N * 4 * KIB), 0);
	ck_assert_uint_eq(n_present(), N);
	store_free(s);
}

TEST(of_blobs_of_equal_age_only_the_excess_is_removed)
{
	struct store *s = play_open(0);

	fill(s);
	for (unsigned i = 0; i < N; i++)
		play_age(&blobs[i], 5000);
	ck_assert_int_eq(store_gc(s, 5 * 4 * KIB), 0);
	ck_assert_uint_eq(n_present(), 5);
	store_free(s);
}

TEST(blobs_with_a_time_in_the_future_count_as_the_newest)
{
	struct store *s = play_open(0);

	fill(s);
	play_age(&blobs[3], -100000);
	ck_assert_int_eq(store_gc(s, 4 * KIB), 0);
	ck_assert_uint_eq(n_present(), 1);
	ck_assert(play_stands(&blobs[3]));
	store_free(s);
}

TEST(gc_never_removes_a_pinned_blob)
{
	struct store *s = play_open(0);
	struct store_stats n;

	fill(s);
	ck_assert_int_eq(store_pin(s, &blobs[2].digest, 4096), 0);
	play_age(&blobs[2], 1000000);
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert_uint_eq(n_present(), 1);
	ck_assert(play_stands(&blobs[2]));
	store_stats(s, &n);
	ck_assert_uint_eq(n.used_bytes, 4 * KIB);
	store_free(s);
}

/* A limit of 8 of the 16 blobs. */
TEST(at_the_limit_a_new_blob_replaces_the_oldest_ones)
{
	struct store *s = play_open(8 * 4 * KIB);
	struct store_stats n;

	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(play_put(s, &blobs[i], false), 0);
		ck_assert(play_stands(&blobs[i]));
		play_age(&blobs[i], 100000 - 1000 * (time_t)i);
		store_stats(s, &n);
		ck_assert_uint_le(n_present(), 8);
	}
	ck_assert(play_stands(&blobs[N - 1]));
	ck_assert(!play_stands(&blobs[0]));
	store_free(s);
}

TEST(a_put_fails_with_enospc_if_pinned_blobs_use_all_space)
{
	struct store *s = play_open(8 * 4 * KIB);

	play_counted(s);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(play_put(s, &blobs[i], i < 5), 0);
	ck_assert_int_eq(play_put(s, &blobs[6], true), 0);
	ck_assert_int_eq(play_put(s, &blobs[7], true), 0);
	ck_assert_int_eq(play_put(s, &blobs[8], true), 0);
	/* blob 5, which was not pinned, was removed for blob 8 */
	ck_assert_int_eq(play_put(s, &blobs[9], false), -ENOSPC);
	ck_assert_int_eq(play_put(s, &blobs[9], false), -ENOSPC);
	ck_assert_uint_eq(n_present(), 8);
	/* an unpinned blob is removed at once */
	store_unpin(s, &blobs[0].digest);
	ck_assert_int_eq(play_put(s, &blobs[9], false), 0);
	ck_assert(!play_stands(&blobs[0]));
	store_free(s);
}

TEST(a_blob_that_cannot_fit_removes_no_other_blob)
{
	struct play_blob large = play_blob(99, 7 * 4096);
	struct store *s = play_open(8 * 4 * KIB);

	play_counted(s);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(play_put(s, &blobs[i], i < 2), 0);
	ck_assert_int_eq(play_put(s, &large, false), -ENOSPC);
	for (unsigned i = 0; i < 6; i++)
		ck_assert(play_stands(&blobs[i]));
	free(large.data);
	store_free(s);
}

TEST(a_blob_above_the_limit_is_rejected_and_others_are_unaffected)
{
	struct play_blob large = play_blob(99, 9 * 4096);
	struct store *s = play_open(8 * 4 * KIB);
	struct store_write *in;

	ck_assert_int_eq(play_put(s, &blobs[0], false), 0);
	ck_assert_int_eq(play_put(s, &large, false), -EFBIG);
	ck_assert_int_eq(
		store_write_begin(&in, s, &large.digest, UINT64_MAX, true),
		-EFBIG);
	ck_assert_int_eq(play_copy(s, &blobs[0]), 0);
	free(large.data);
	store_free(s);
}

TEST(a_started_write_reserves_the_size_of_its_blob)
{
	struct play_blob a = play_blob(90, 5 * 4096),
			 b = play_blob(91, 4 * 4096);
	struct store *s = play_open(8 * 4 * KIB);
	struct store_write *in, *other;
	struct store_stats n;

	play_counted(s);
	ck_assert_int_eq(store_write_begin(&in, s, &a.digest, a.size, false),
			 0);
	ck_assert_int_eq(store_write_begin(&other, s, &b.digest, b.size, false),
			 -ENOSPC);
	store_stats(s, &n);
	ck_assert_uint_eq(n.incoming_bytes, 5 * 4 * KIB);
	store_write_abort(in);
	ck_assert_int_eq(store_write_begin(&in, s, &b.digest, b.size, false),
			 0);
	store_write_abort(in);
	store_stats(s, &n);
	ck_assert_uint_eq(n.incoming_bytes, 0);
	free(a.data);
	free(b.data);
	store_free(s);
}

/* The thread of the store collects blobs without a call of store_gc(). */
TEST(above_seven_eighths_of_the_limit_a_thread_removes_blobs)
{
	struct store *s = play_open(16 * 4 * KIB);
	struct timespec nap = { .tv_nsec = 2000000 };
	struct store_stats n;

	play_counted(s);
	fill(s);
	do {
		nanosleep(&nap, NULL);
		store_stats(s, &n);
	} while (n.used_bytes > 14 * 4 * KIB);
	ck_assert_uint_ge(n.n_collected, 2);
	ck_assert_uint_le(n_present(), 14);
	ck_assert(!play_stands(&blobs[0]));
	store_free(s);
}

TEST(gc_removes_entries_that_are_not_blobs)
{
	struct store *s = play_open(0);
	char *path = play_path(&blobs[0]), *dir = str_dir(path);
	char *deep = xasprintf("%s/not-a-blob/x", dir);
	struct err err = { 0 };

	/* The thread that counts the blobs also prunes. */
	play_counted(s);
	fill(s);
	must(fs_mkdirs(deep, 0700, &err));
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert(!fs_exists(deep));
	ck_assert_uint_eq(n_present(), N);
	free(path);
	free(dir);
	free(deep);
	store_free(s);
}

TEST(gc_reports_a_directory_that_it_cannot_read_and_continues)
{
	struct store *s = play_open(0);
	char hex[DIGEST_HEX];

	play_counted(s);
	fill(s);
	digest_format(&blobs[0].digest, hex);
	memcpy(denied, hex, 2);
	ck_assert_int_eq(store_gc(s, 1), -EACCES);
	ck_assert(play_stands(&blobs[0]));
	ck_assert_uint_eq(n_present(), 1);
	*denied = '\0';
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert_uint_eq(n_present(), 0);
	store_free(s);
}

static void *put_all(void *arg)
{
	struct store *s = arg;

	for (unsigned round = 0; round < 20; round++)
		for (unsigned i = 0; i < N; i++) {
			int ret = play_put(s, &blobs[i], true);

			/* pins of other threads can occupy all space */
			ck_assert_msg(!ret || ret == -ENOSPC, "%d", ret);
			if (ret)
				continue;
			ret = store_open_blob(s, &blobs[i].digest, 4096);
			ck_assert_int_ge(ret, 0);
			close(ret);
			store_unpin(s, &blobs[i].digest);
		}
	return NULL;
}

TEST(threads_can_open_their_pinned_blobs_at_the_limit)
{
	struct store *s = play_open(8 * 4 * KIB);
	struct store_stats n;
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, put_all, s),
				 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_damaged, 0);
	ck_assert_uint_eq(n.incoming_bytes, 0);
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert_uint_le(n_present(), 8);
	store_free(s);
}

/* Create entries without the store, which would hash them. */
static unsigned make_entries(unsigned of_each)
{
	char *home = fs_make_absolute("store/sha256");
	char path[128];

	for (unsigned i = 0; i < 256; i++) {
		ck_assert_int_eq(chdir(home), 0);
		snprintf(path, sizeof(path), "%02x", i);
		ck_assert_int_eq(mkdir(path, 0700), 0);
		ck_assert_int_eq(chdir(path), 0);
		for (unsigned k = 0; k < of_each; k++) {
			int fd;

			snprintf(path, sizeof(path), "%062x", k);
			fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
			ck_assert_int_ge(fd, 0);
			close(fd);
		}
	}
	ck_assert_int_eq(chdir(home), 0);
	ck_assert_int_eq(chdir("../.."), 0);
	free(home);
	return 256 * of_each;
}

/* Creating the entries takes minutes on a disk, so /dev/shm is used. */
TEST(a_store_of_100000_entries_is_opened_within_10_s)
{
	bool memory = mkdtemp(shm) && !chdir(shm);
	uint64_t before, opened;
	struct store_stats n;
	struct store *s;
	unsigned made;

	if (!memory)
		printf("10^4 entries, for there is no /dev/shm\n");
	s = play_open(UINT64_C(1) << 40);
	store_free(s);
	made = make_entries(memory ? 391 : 39);
	before = clock_ms();
	s = play_open(UINT64_C(1) << 40);
	ck_assert_int_eq(play_put(s, &blobs[0], true), 0);
	opened = clock_ms() - before;
	ck_assert_int_eq(store_gc(s, 0), 0);
	store_stats(s, &n);
	printf("open and put: %d ms; counted after %d ms\n", (int)opened,
	       (int)(clock_ms() - before));
	ck_assert_uint_eq(n.n_blobs, made + 1);
	ck_assert_uint_lt(opened, 10000);
	store_free(s);
}

static const char usage[] = "store/usage";

/* Wait until the blobs have been counted, and return the statistics. */
static struct store_stats wait_counted(struct store *s)
{
	struct store_stats n;

	do {
		store_stats(s, &n);
		sched_yield();
	} while (!n.counted);
	return n;
}

static void read_usage(struct buf *file)
{
	struct err err;

	buf_reset(file);
	must(fs_read(usage, 4096, file, &err));
}

static void write_usage(struct bytes in)
{
	struct err err;

	must(fs_write(usage, in, 0600, &err));
}

/* Fill a store, close it, and remove the file of a blob. */
static void fill_and_remove(void)
{
	struct store *s = play_open(0);
	char *path = play_path(&blobs[3]);

	play_counted(s);
	fill(s);
	store_free(s);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

TEST(stores_share_a_usage_count_and_a_gc_pass_corrects_it)
{
	struct store *s, *other;

	fill_and_remove();
	s = play_open(0);
	other = play_open(0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N);
	ck_assert_uint_eq(wait_counted(s).used_bytes, N * 4 * KIB);
	ck_assert_int_eq(play_put(other, &blobs[3], false), 0);
	ck_assert_uint_eq(wait_counted(other).n_blobs, N + 1);
	/* `s` counts this blob at its next write, here of an existing blob. */
	ck_assert_int_eq(play_put(s, &blobs[4], false), 0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N + 1);
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N);
	store_free(s);
	store_free(other);
	s = play_open(0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N);
	ck_assert_uint_eq(wait_counted(s).used_bytes, N * 4 * KIB);
	store_free(s);
}

TEST(a_blob_added_during_a_gc_pass_is_counted_once)
{
	struct store *s = play_open(0);

	play_counted(s);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(play_put(s, &blobs[i], false), 0);
	ck_assert_uint_lt(blobs[3].digest.b[0], 0xff);
	late_store = s;
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert_ptr_null(late_store);
	ck_assert_uint_eq(wait_counted(s).used_bytes, 4 * 4 * KIB);
	ck_assert_uint_eq(wait_counted(s).n_blobs, 4);
	/* The next pass does not count it twice. */
	ck_assert_int_eq(store_gc(s, 0), 0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, 4);
	store_free(s);
}

TEST(a_record_added_and_removed_during_a_gc_pass_is_not_subtracted)
{
	struct store *s = play_open(0), *other = play_open(0);
	struct store_stats n;

	play_counted(s);
	play_counted(other);
	ck_assert_int_eq(play_put(s, &blobs[0], false), 0);
	play_age(&blobs[0], -100000);
	/* The record is removed first, and is larger than the excess. */
	ck_assert_uint_gt(blobs[0].digest.b[0], 0);
	late_store = other;
	late_record = true;
	ck_assert_int_eq(store_gc(s, 1), 0);
	ck_assert_ptr_null(late_store);
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_collected, 1);
	ck_assert_uint_eq(n.used_bytes, 0);
	ck_assert_uint_eq(n.n_blobs, 0);
	ck_assert_uint_eq(n.n_records[STORE_RECORD_ACTION], 0);
	/* The next pass corrects the numbers. */
	ck_assert_int_eq(store_gc(s, 0), 0);
	store_stats(s, &n);
	ck_assert_uint_eq(n.used_bytes, 4 * KIB);
	ck_assert_uint_eq(n.n_blobs, 1);
	store_free(other);
	store_free(s);
}

/* Open the store with this damaged usage file. */
static void expect_recount(struct bytes file)
{
	struct store *s;

	write_usage(file);
	s = play_open(0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N - 1);
	store_free(s);
}

TEST(the_blobs_are_counted_again_if_the_usage_file_is_damaged)
{
	struct buf file = { 0 };
	struct store *s;
	size_t len;

	fill_and_remove();
	read_usage(&file);
	len = file.len;
	for (size_t i = 0; i < len; i++) {
		expect_recount(bytes_of(file.data, i));
		file.data[i] ^= 1;
		expect_recount(buf_bytes(&file));
		file.data[i] ^= 1;
	}
	buf_put_u8(&file, 0);
	expect_recount(buf_bytes(&file));
	buf_release(&file);
	ck_assert_int_eq(unlink(usage), 0);
	ck_assert_int_eq(mkdir(usage, 0700), 0);
	s = play_open(0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N - 1);
	store_free(s);
}

/* The age of a usage count in seconds, and whether a write renews it. */
static const struct {
	int64_t age;
	bool recounts;
} ages[] = { { 80000, false }, { 90000, true }, { -1000, true } };

TEST_EACH(a_write_renews_a_usage_count_that_is_old_or_in_the_future, ages)
{
	struct buf file = { 0 };
	struct store *s;

	fill_and_remove();
	read_usage(&file);
	put_le64(file.data + 24, (uint64_t)(time(NULL) - row->age));
	put_le64(file.data + 32, bytes_hash(bytes_of(file.data, 32), 0));
	write_usage(buf_bytes(&file));
	s = play_open(0);
	ck_assert_uint_eq(wait_counted(s).n_blobs, N);
	ck_assert_int_eq(play_put(s, &blobs[4], false), 0);
	while (row->recounts && wait_counted(s).n_blobs != N - 1)
		sched_yield();
	ck_assert_uint_eq(wait_counted(s).n_blobs, row->recounts ? N - 1 : N);
	store_free(s);
	buf_release(&file);
}

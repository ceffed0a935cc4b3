/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file DIR/usage records the disk space that all processes use in a store.
 * A process that opens the store therefore need not visit each blob.  Format:
 *
 *	8 bytes	"kfusage1"
 *	u64	bytes used
 *	u64	number of blobs and records
 *	u64	time of the last pass of the collector, in seconds since 1970
 *	u64	bytes_hash() of all preceding bytes
 *
 * Numbers are little-endian.  Each process adds the entries that it publishes,
 * under a lock; only a pass counts all entries.  The numbers can be wrong,
 * because a process can be killed before it adds an entry, and because an entry
 * that is removed without a pass remains counted.  The next pass corrects the
 * numbers.  If the last pass was more than a day ago when a process opens the
 * store, the process starts a pass when it first publishes an entry.  If the
 * file is missing or damaged, the process starts a pass immediately.
 */
#include "store/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define MAGIC     "kfusage1"
#define N_NUMBERS 3
#define SIZE      (8 + 8 * N_NUMBERS + 8)
#define MAX_AGE_S 86400 /* of the last pass */
#define READS_MAX 3

enum {
	USED_BYTES,
	N_BLOBS,
	COUNTED_S
};

/* Open and lock the file.  Returns -1 on failure or if the file is locked. */
static int open_locked(const struct store *s)
{
	int fd = openat(s->root_fd, "usage",
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);

	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	return -1;
}

static bool read_usage(int fd, uint64_t numbers[N_NUMBERS])
{
	uint8_t in[SIZE + 1];
	ssize_t n = pread(fd, in, sizeof(in), 0);

	if (n != SIZE || memcmp(in, MAGIC, 8) != 0 ||
	    get_le64(in + SIZE - 8) != bytes_hash(bytes_of(in, SIZE - 8), 0))
		return false;
	for (size_t i = 0; i < N_NUMBERS; i++)
		numbers[i] = get_le64(in + 8 + 8 * i);
	return true;
}

static void write_usage(int fd, const uint64_t numbers[N_NUMBERS])
{
	uint8_t out[SIZE];

	memcpy(out, MAGIC, 8);
	for (size_t i = 0; i < N_NUMBERS; i++)
		put_le64(out + 8 + 8 * i, numbers[i]);
	put_le64(out + SIZE - 8, bytes_hash(bytes_of(out, SIZE - 8), 0));
	/* Truncate an incomplete file, so that no process uses its numbers. */
	if (pwrite(fd, out, SIZE, 0) != SIZE && ftruncate(fd, 0))
		return;
}

bool store_usage_load(struct store *s)
{
	uint64_t numbers[N_NUMBERS], now = (uint64_t)time(NULL);
	int fd = openat(s->root_fd, "usage",
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool valid = false;

	/* Retry, because another process can be writing the file. */
	for (int i = 0; i < READS_MAX && fd >= 0 && !valid; i++)
		valid = read_usage(fd, numbers);
	if (fd >= 0)
		close(fd);
	if (!valid)
		return false;
	s->count_is_old = numbers[COUNTED_S] > now ||
			  now - numbers[COUNTED_S] > MAX_AGE_S;
	s->stats.used_bytes = numbers[USED_BYTES];
	s->stats.n_blobs = numbers[N_BLOBS];
	s->stats.counted = true;
	return true;
}

static uint64_t add_signed(uint64_t a, int64_t b)
{
	return b < 0 && a < -(uint64_t)b ? 0 : a + (uint64_t)b;
}

void store_usage_add(struct store *s, int64_t n_bytes, int64_t n_blobs)
{
	uint64_t numbers[N_NUMBERS];
	int fd = open_locked(s);

	s->pending_bytes += n_bytes;
	s->pending_blobs += n_blobs;
	if (fd < 0)
		return;
	if (read_usage(fd, numbers)) {
		numbers[USED_BYTES] = add_signed(numbers[USED_BYTES],
						 s->pending_bytes);
		numbers[N_BLOBS] = add_signed(numbers[N_BLOBS],
					      s->pending_blobs);
		write_usage(fd, numbers);
		s->stats.used_bytes = numbers[USED_BYTES];
		s->stats.n_blobs = numbers[N_BLOBS];
		s->pending_bytes = s->pending_blobs = 0;
	}
	close(fd);
}

void store_usage_set(struct store *s)
{
	const uint64_t numbers[N_NUMBERS] = {
		[USED_BYTES] = s->stats.used_bytes,
		[N_BLOBS] = s->stats.n_blobs,
		[COUNTED_S] = (uint64_t)time(NULL),
	};
	int fd = open_locked(s);

	/* If another process has the lock, a later pass writes the file. */
	if (fd < 0)
		return;
	write_usage(fd, numbers);
	s->pending_bytes = s->pending_blobs = 0;
	close(fd);
}

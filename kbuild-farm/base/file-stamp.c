/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file-stamp.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND    INT64_C(1000000000)
#define MS        INT64_C(1000000)
#define FUTURE_NS (3600 * SECOND)

/* interval at which file_stamp_wait() reads the clock */
#define STAMP_POLL_MS 5

static int64_t timespec_to_ns(const struct timespec *t)
{
	return t->tv_sec * SECOND + t->tv_nsec;
}

int64_t file_stamp_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return timespec_to_ns(&t);
}

void file_stamp_from_stat(struct file_stamp *out, const struct stat *st)
{
	out->dev = st->st_dev;
	out->ino = st->st_ino;
	out->size = (uint64_t)st->st_size;
	out->mtime_ns = timespec_to_ns(&st->st_mtim);
	out->ctime_ns = timespec_to_ns(&st->st_ctim);
	out->in_future = out->ctime_ns > file_stamp_now_ns() + FUTURE_NS;
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->ino == b->ino && a->ctime_ns == b->ctime_ns &&
	       a->mtime_ns == b->mtime_ns && a->size == b->size &&
	       a->dev == b->dev && a->in_future == b->in_future;
}

char *file_stamp_format(const struct file_stamp *s)
{
	return xasprintf("%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64
			 ":%" PRIx64 ":%d",
			 s->dev, s->ino, s->size, (uint64_t)s->mtime_ns,
			 (uint64_t)s->ctime_ns, s->in_future);
}

bool file_stamp_parse(struct file_stamp *out, const char *text)
{
	struct file_stamp s = { 0 };
	uint64_t mtime, ctime;
	char *formatted;
	int future;
	bool same;

	if (sscanf(text,
		   "%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64
		   ":%d",
		   &s.dev, &s.ino, &s.size, &mtime, &ctime, &future) != 6)
		return false;
	s.mtime_ns = (int64_t)mtime;
	s.ctime_ns = (int64_t)ctime;
	s.in_future = future;
	formatted = file_stamp_format(&s);
	same = !strcmp(formatted, text);
	free(formatted);
	if (same)
		*out = s;
	return same;
}

uint64_t file_stamp_hash(const struct file_stamp *stamp)
{
	uint64_t h = stamp->ino * UINT64_C(0x9e3779b97f4a7c15) ^
		     (uint64_t)stamp->ctime_ns;

	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

/* Return the earliest time at which any further change alters the stamp. */
static int64_t reliable_from_ns(const struct file_stamp *stamp)
{
	/*
	 * A ctime without a fraction comes from a file system that records
	 * whole seconds, in ticks of one or two seconds.  The value of `tick`
	 * is longer than the real tick: 3 s for such a file system, and 20 ms
	 * for any other.
	 */
	int64_t tick = stamp->ctime_ns % SECOND ? SECOND / 50 : 3 * SECOND;

	return stamp->ctime_ns + tick + 1;
}

bool file_stamp_is_reliable(const struct file_stamp *stamp, int64_t now_ns)
{
	return stamp->in_future || now_ns >= reliable_from_ns(stamp);
}

bool file_stamp_wait(const struct file_stamp *stamp)
{
	int64_t now = file_stamp_now_ns();

	if (reliable_from_ns(stamp) - now > FILE_STAMP_WAIT_MS * MS)
		return file_stamp_is_reliable(stamp, now);
	for (int ms = 0; ms < FILE_STAMP_WAIT_MS; ms += STAMP_POLL_MS) {
		if (file_stamp_is_reliable(stamp, now))
			return true;
		usleep(STAMP_POLL_MS * 1000);
		now = file_stamp_now_ns();
	}
	return file_stamp_is_reliable(stamp, now);
}

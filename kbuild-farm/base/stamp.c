/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/stamp.h"

#include "base/str.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define MS     INT64_C(1000000)
#define AHEAD  (3600 * SECOND)

#define LOOK_MS 5 /* stamp_wait() looks at the clock so often */

static int64_t ns_of(const struct timespec *t)
{
	return t->tv_sec * SECOND + t->tv_nsec;
}

int64_t stamp_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return ns_of(&t);
}

void stamp_of(struct stamp *out, const struct stat *st)
{
	out->dev = st->st_dev;
	out->ino = st->st_ino;
	out->size = (uint64_t)st->st_size;
	out->mtime_ns = ns_of(&st->st_mtim);
	out->ctime_ns = ns_of(&st->st_ctim);
	out->ahead = out->ctime_ns > stamp_now() + AHEAD;
}

bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->ino == b->ino && a->ctime_ns == b->ctime_ns &&
	       a->mtime_ns == b->mtime_ns && a->size == b->size &&
	       a->dev == b->dev && a->ahead == b->ahead;
}

char *stamp_string(const struct stamp *s)
{
	return xasprintf("%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64
			 ":%" PRIx64 ":%d",
			 s->dev, s->ino, s->size, (uint64_t)s->mtime_ns,
			 (uint64_t)s->ctime_ns, s->ahead);
}

uint64_t stamp_hash(const struct stamp *stamp)
{
	uint64_t h = stamp->ino * UINT64_C(0x9e3779b97f4a7c15) ^
		     (uint64_t)stamp->ctime_ns;

	h *= UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

/* From then on a change shows. */
static int64_t settles(const struct stamp *stamp)
{
	/* A file system without fractions ticks by the second, or by two. */
	int64_t tick = stamp->ctime_ns % SECOND ? SECOND / 50 : 3 * SECOND;

	return stamp->ctime_ns + tick + 1;
}

bool stamp_settled(const struct stamp *stamp, int64_t now)
{
	return stamp->ahead || now >= settles(stamp);
}

bool stamp_wait(const struct stamp *stamp)
{
	int64_t now = stamp_now();

	if (settles(stamp) - now > STAMP_WAIT_MS * MS)
		return stamp_settled(stamp, now);
	for (int ms = 0; ms < STAMP_WAIT_MS; ms += LOOK_MS) {
		if (stamp_settled(stamp, now))
			return true;
		usleep(LOOK_MS * 1000);
		now = stamp_now();
	}
	return stamp_settled(stamp, now);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/ident.h"

#include <time.h>

#define SECOND INT64_C(1000000000)

void scan_ident_of(struct scan_ident *id, const struct stat *st)
{
	id->dev = st->st_dev;
	id->ino = st->st_ino;
	id->size = st->st_size;
	id->mtime = st->st_mtim.tv_sec * SECOND + st->st_mtim.tv_nsec;
	id->ctime = st->st_ctim.tv_sec * SECOND + st->st_ctim.tv_nsec;
}

bool scan_ident_equal(const struct scan_ident *a, const struct scan_ident *b)
{
	return a->ino == b->ino && a->ctime == b->ctime &&
	       a->mtime == b->mtime && a->size == b->size && a->dev == b->dev;
}

int64_t scan_ident_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

bool scan_ident_settled(const struct scan_ident *id, int64_t now)
{
	/* A file system without fractions ticks by the second, or by two. */
	int64_t tick = id->ctime % SECOND ? SECOND / 50 : 3 * SECOND;

	return id->ctime < now - tick;
}

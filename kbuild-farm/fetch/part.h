/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/part.h - what came of a download, and which version of the file it is.
 *
 * PART holds the bytes, PART.from beside it four lines, the last three of which
 * may be empty:
 *
 *	kfarm part 1 NAME	last component of the URL
 *	ETAG			a strong one
 *	DATE			Last-Modified, as the server wrote it
 *	LENGTH			of the whole, in decimal
 *
 * PART.from is written before the first byte of its version.  Both are believed
 * only as far as they make sense, and nobody is harmed if they lie: the server
 * compares the stamp, and sums and signatures what came.
 */
#ifndef FETCH_PART_H
#define FETCH_PART_H

#include "base/err.h"
#include "fetch/curl.h"

struct fetch_part {
	char *path; /* NULL: in memory there is only the stamp */
	char *name;
	int fd; /* locked; -1 without a path */
	uint64_t size;
	char *etag;
	char *modified;
	uint64_t total; /* 0: not known */
};

/*
 * Open or make `path`, which may be NULL, for the file that `url` names; what
 * is there stays if it can be resumed.  -EBUSY when somebody else has it open.
 */
int fetch_part_open(struct fetch_part *p, const char *path, const char *url,
		    struct err *err);
void fetch_part_close(struct fetch_part *p);

/* Read `n` bytes from `at`, all of them. */
int fetch_part_read(struct fetch_part *p, uint64_t at, void *out, size_t n,
		    struct err *err);
/* Empty it: what comes now is the version of `a`, of `total` bytes (0: ?). */
int fetch_part_begin(struct fetch_part *p, const struct fetch_answer *a,
		     uint64_t total, struct err *err);
int fetch_part_add(struct fetch_part *p, struct bytes b, struct err *err);
/* All of it is there. */
int fetch_part_end(struct fetch_part *p, struct err *err);

bool fetch_part_is_whole(const struct fetch_part *p);
/*
 * A header line that asks for the rest of this version (If-Range), or for the
 * whole if it is no longer current (If-None-Match, If-Modified-Since), or NULL:
 * there is nothing to tell the version by.  The caller frees it.
 */
char *fetch_part_condition(const struct fetch_part *p);

#endif

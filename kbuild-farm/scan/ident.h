/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/ident.h - by what a file's content is known without reading it.
 */
#ifndef SCAN_IDENT_H
#define SCAN_IDENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct scan_ident {
	uint64_t dev, ino;
	int64_t size;
	int64_t mtime, ctime; /* nanoseconds */
};

void scan_ident_of(struct scan_ident *id, const struct stat *st);
bool scan_ident_equal(const struct scan_ident *a, const struct scan_ident *b);
/* Nanoseconds, of the clock that stamps files. */
int64_t scan_ident_now(void);
/* Would a change after `now` show in the identity? */
bool scan_ident_settled(const struct scan_ident *id, int64_t now);

#endif

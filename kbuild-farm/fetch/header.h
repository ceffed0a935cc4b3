/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/header.h - what a server's answer says before its body (RFC 9110).
 */
#ifndef FETCH_HEADER_H
#define FETCH_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#define FETCH_HEADER_MAX (64u << 10) /* bytes of all lines */
#define FETCH_STAMP_MAX  256 /* of an ETag or a date that is kept */

/* A zeroed one but for length -1 is empty. */
struct fetch_answer {
	long status;
	int64_t length; /* of the body, -1: not said */
	bool has_range; /* Content-Range: the rest of the file, from a byte on
			 */
	uint64_t range_from;
	uint64_t range_total; /* of the file, > range_from */
	char *etag; /* these two are stamps, or NULL */
	char *modified; /* Last-Modified */
	char *url; /* that it is of, after redirects */
	uint64_t retry_after; /* seconds; 0: not said */
};

/*
 * Take note of a Content-Range: "bytes FROM-TO/TOTAL", where TO is the last
 * byte of the file.  Anything else is none.
 */
void fetch_header_range(struct fetch_answer *a, const char *value);

/* Free what it holds; it is empty then. */
void fetch_answer_release(struct fetch_answer *a);

/* May `s` be put into a request: 1 to FETCH_STAMP_MAX printable ASCII bytes? */
bool fetch_header_is_stamp(const char *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/header.h - what the header lines of a server's answer say (RFC 9110).
 */
#ifndef FETCH_HEADER_H
#define FETCH_HEADER_H

#include "base/bytes.h"

#define FETCH_HEADER_MAX   (64u << 10) /* bytes of all lines */
#define FETCH_STAMP_MAX    256 /* of an ETag or a date that is kept */
#define FETCH_LOCATION_MAX 4096

/* A zeroed one but for length -1 is empty. */
struct fetch_answer {
	long status;
	int64_t length; /* of the body, -1: not said */
	bool has_range; /* Content-Range: the rest of the file, from a byte on
			 */
	uint64_t range_from;
	uint64_t range_total; /* of the file, > range_from */
	char *etag; /* these three printable ASCII, or NULL */
	char *modified; /* Last-Modified */
	char *location; /* as the server wrote it, or made absolute */
	uint64_t retry_after; /* seconds; 0: not said */
};

/*
 * Take note of a line, with or without its end: ETag, Last-Modified,
 * Content-Range and Location; the rest is libcurl's, or of no interest.  Of
 * lines with the same name the last one counts, also if it makes no sense.
 */
void fetch_header_line(struct fetch_answer *a, struct bytes line);

/* Free what it holds; it is empty then. */
void fetch_answer_release(struct fetch_answer *a);

/* May `s` be put into a request: 1 to FETCH_STAMP_MAX printable ASCII bytes? */
bool fetch_header_is_stamp(const char *s);

#endif

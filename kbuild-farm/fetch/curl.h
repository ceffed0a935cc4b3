/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/curl.h - one request of a web server and its answer, after redirects,
 * by libcurl, which is used nowhere else.  No retry: what to make of an answer
 * is decided in fetch/http.c.
 */
#ifndef FETCH_CURL_H
#define FETCH_CURL_H

#include "fetch/http.h"

#define FETCH_REDIRECTS  10
#define FETCH_HEADER_MAX (64u << 10) /* bytes of all lines */
#define FETCH_STAMP_MAX  256 /* of an ETag or a date that is kept */

/* What a server's answer says before its body (RFC 9110); a zeroed one but for
 * length -1 is empty. */
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

enum fetch_verdict {
	FETCH_DONE, /* an answer, whole as far as it was wanted */
	FETCH_AGAIN, /* worth another try */
	FETCH_NEVER, /* this URL will not do */
	FETCH_OVER, /* cancelled, or a callback failed: no other URL either */
};

struct fetch_request {
	const char *url;
	const struct fetch_options *options; /* no field of it zero */
	const char *range; /* "FROM-", or NULL: all of it */
	const char *condition; /* a header line like If-Range: X, or NULL */
	/*
	 * The header is there, the body is not.  Returns 1 to get it, 0 if it
	 * is of no interest, a negative errno with `err` set: give up.
	 */
	int (*head)(void *ctx, const struct fetch_answer *a, struct err *err);
	int (*data)(void *ctx, struct bytes b, struct err *err);
	void (*progress)(void *ctx); /* a few times a second */
	void *ctx;
};

/*
 * Do it.  But for FETCH_DONE `code` is a negative errno and `err` says what
 * happened, without the URL.  `a` is always written; the caller releases it.
 */
enum fetch_verdict fetch_curl_run(const struct fetch_request *r,
				  struct fetch_answer *a, int *code,
				  struct err *err);

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

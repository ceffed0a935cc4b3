/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/curl.h - A single HTTP request and its response.
 *
 * fetch_curl_perform() follows redirects, but does not retry a failed request.
 * fetch/download.c makes the retries, and fetch/session.h performs several
 * requests concurrently.
 */
#ifndef FETCH_CURL_H
#define FETCH_CURL_H

#include "fetch/download.h"

#define FETCH_REDIRECTS_MAX     10
#define FETCH_HEADER_BYTES_MAX  (64u << 10) /* size of all header lines */
#define FETCH_VALIDATOR_LEN_MAX 256 /* length of ETag or Last-Modified */

/*
 * The header of a response (RFC 9110).  An empty response is zeroed except for
 * length_bytes, which is -1.
 */
struct fetch_response {
	long status;
	int64_t length_bytes; /* length of the body; -1: unknown */
	bool has_range; /* Content-Range spans range_from to the end */
	uint64_t range_from;
	uint64_t range_total; /* size of the file, > range_from */
	char *etag; /* accepted by fetch_curl_is_validator(), or NULL */
	char *last_modified; /* accepted in the same way, or NULL */
	char *url; /* URL after redirects */
	uint64_t retry_after_s; /* Retry-After; 0: no such header line */
};

enum fetch_outcome {
	FETCH_OUTCOME_DONE, /* response received, with its body if wanted */
	FETCH_OUTCOME_RETRY, /* temporary failure */
	FETCH_OUTCOME_FAILED, /* permanent failure of this URL */
	FETCH_OUTCOME_ABORTED, /* cancelled, or a callback failed */
};

struct fetch_request {
	const char *url;
	const struct fetch_options *options; /* with all defaults filled in */
	const char *range; /* "FROM-", or NULL: the whole file */
	const char *condition; /* header line such as "If-Range: X", or NULL */
	/*
	 * Called after the header.  Returns 1 to receive the body, 0 to skip
	 * it, or a negative errno with `err` set to abort.
	 */
	int (*on_head)(void *ctx, const struct fetch_response *a,
		       struct err *err);
	int (*on_data)(void *ctx, struct bytes b, struct err *err);
	void (*on_progress)(void *ctx); /* a few times a second */
	void *ctx;
};

/* Initialize libcurl once.  Thread-safe. */
void fetch_curl_init(void);

/*
 * Perform a request.  Unless the outcome is FETCH_OUTCOME_DONE, `code` receives
 * a negative errno and `err` the cause, without the URL.  `a` is always
 * written; the caller releases it.
 */
enum fetch_outcome fetch_curl_perform(const struct fetch_request *r,
				      struct fetch_response *a, int *code,
				      struct err *err);

/*
 * Parse a Content-Range: "bytes FROM-TO/TOTAL", where TO is the last byte of
 * the file.  Any other value clears `has_range`.
 */
void fetch_curl_parse_range(struct fetch_response *a, const char *value);

/* Free the members and make the response empty. */
void fetch_response_release(struct fetch_response *a);

/*
 * Return true if `s`, an ETag or a Last-Modified, consists of 1 to
 * FETCH_VALIDATOR_LEN_MAX printable ASCII characters.  Other values are not
 * sent in later requests.
 */
bool fetch_curl_is_validator(const char *s);

#endif

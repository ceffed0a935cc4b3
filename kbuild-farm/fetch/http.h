/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/http.h - files from web servers, whole and no longer than expected.
 *
 * A download goes through mirrors in their order.  Each is tried several times
 * with growing pauses; a server that says when to come back (Retry-After) is
 * obeyed up to FETCH_WAIT_MAX seconds.  Only https is spoken, after a redirect
 * too, unless http is allowed.  Proxies are what libcurl finds in the
 * environment (https_proxy, no_proxy).  Nothing here says that a file is what
 * its name promises: that is for sums and signatures (fetch/sums, fetch/gpgv).
 *
 * With a `part` file, what came is kept on disk, with a file PART.from beside
 * it that says which version of what it is.  The next call hands these bytes to
 * the sink before it asks the server for the rest, and for the rest of that
 * version alone (If-Range).  A server that has another version by now, or
 * will not resume, sends all of it, and the sink is told to start over.
 *
 * All of it is thread-safe; downloads at the same time are as many threads,
 * each with a part file of its own.  Memory is bounded, whatever the file's
 * size.
 */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FETCH_TRIES      4 /* of each mirror that can be reached */
#define FETCH_PAUSE_MS   1000 /* before the second try, doubled for each */
#define FETCH_WAIT_MAX   120 /* seconds that a Retry-After may ask for */
#define FETCH_STALL_S    30
#define FETCH_STALL_RATE 1024 /* bytes a second; slower is a stall */

/* A zeroed one, or NULL in place of one, asks for the usual. */
struct fetch_options {
	const char *ca_file; /* PEM, instead of the system's; or NULL */
	bool allow_http;
	bool bare; /* errors name nothing of [toolchain], which is not meant */
	unsigned tries; /* 0: FETCH_TRIES; 1: no second one */
	unsigned pause_ms; /* 0: FETCH_PAUSE_MS */
	unsigned stall_s; /* 0: FETCH_STALL_S */
	const atomic_bool *cancel; /* looked at several times a second */
};

/*
 * Who gets the bytes.  Callbacks run on the thread that called.  One that fails
 * fills `err` and returns a negative errno, which ends the download and is what
 * the caller gets.  The time that they take is no stall of the server's.
 */
struct fetch_sink {
	int (*data)(void *ctx, struct bytes b, struct err *err);
	/* What was handed over so far is void.  NULL: that is an error. */
	int (*restart)(void *ctx, struct err *err);
	/* A few times a second; `total` is 0 while unknown.  May be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/*
 * Download a file of at most `most` bytes from the first of `urls` (mirrors in
 * order, NULL-ended) that has it, into `sink`.
 *
 * `part` is the path of a file to resume from, in a directory that exists, or
 * NULL.  It stays when the call fails or is cancelled.  After success it holds
 * the whole file until fetch_forget(); called again, fetch_get() then asks
 * whether that is still current, which costs no transfer.  A caller to whom the
 * bytes prove wrong calls fetch_forget(), or a bad part would be kept for ever.
 *
 * Returns 0, with the URL that it came from in the end, after redirects, in
 * `final_url` (the caller frees it; may be NULL), or with `err` naming the URL,
 * what happened and what to do:
 *
 *	-ENOENT		every mirror says that there is no such file
 *	-ECANCELED	*cancel became true
 *	-EBUSY		another process or thread is writing `part`
 *	-EFBIG		more than `most` bytes
 *	-EACCES		not https, a certificate that is not believed, or a
 *			server that refuses (401, 403)
 *	-ETIMEDOUT	stalled, or a Retry-After beyond FETCH_WAIT_MAX
 *	-EIO		anything else that servers and networks do
 *
 * other values are of the sink's or of writing `part`.  If mirrors fail for
 * different reasons, the last one that is not a missing file counts, and `err`
 * has a line for each.
 */
int fetch_get(const char *const *urls, const char *part, uint64_t most,
	      const struct fetch_options *options,
	      const struct fetch_sink *sink, char **final_url, struct err *err);

/* A small file into memory: `out` is emptied first, and on failure. */
int fetch_text(const char *const *urls, uint64_t most,
	       const struct fetch_options *options, struct buf *out,
	       struct err *err);

/* Has *cancel become true? */
bool fetch_cancelled(const struct fetch_options *options);

/* Remove a part file and what is beside it; nothing there is no error. */
void fetch_forget(const char *part);

#endif

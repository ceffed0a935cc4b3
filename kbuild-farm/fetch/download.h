/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/download.h - Resumable downloads from a list of mirrors.
 *
 * A download tries the mirrors in order, each several times with growing
 * pauses.  A Retry-After header is respected up to FETCH_RETRY_AFTER_MAX_S
 * seconds.  Only https is used, also after redirects, unless http is allowed.
 * libcurl takes proxies from the environment (https_proxy, no_proxy).  A
 * download does not verify content; fetch/checksums and fetch/key do.
 *
 * If the caller names a part file PART, received bytes are stored in PART, and
 * the file PART.from identifies the version of the downloaded file.  The next
 * call first feeds the stored bytes to the caller's sink and then requests only
 * the rest of that version (If-Range).  If the server has another version or
 * cannot resume, it sends the whole file and the sink is restarted.
 *
 * PART.from has four lines, of which the last three may be empty:
 *
 *	kfarm part 1 NAME	last component of the URL
 *	ETAG			the strong ETag of this version
 *	DATE			Last-Modified, as the server sent it
 *	LENGTH			of the whole file, in decimal
 *
 * PART.from is written before the first byte of its version.  Wrong content of
 * PART.from or of the part file does no harm: the server compares ETAG or DATE,
 * and checksums and signatures cover the bytes.
 *
 * All functions are thread-safe.  A concurrent download needs its own thread
 * and part file.  Memory use does not depend on the size of the file.
 */
#ifndef FETCH_DOWNLOAD_H
#define FETCH_DOWNLOAD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FETCH_TRIES_DEFAULT     4 /* per reachable mirror */
#define FETCH_PAUSE_DEFAULT_MS  1000 /* before the second try; then doubled */
#define FETCH_RETRY_AFTER_MAX_S 120 /* a longer Retry-After is an error */
#define FETCH_STALL_DEFAULT_S   30
#define FETCH_STALL_BYTES_PER_S 1024 /* a slower transfer is a stall */

/* A zeroed struct or a NULL pointer selects the defaults. */
struct fetch_options {
	const char *ca_file; /* PEM file; NULL: the system's authorities */
	bool allow_http;
	bool omit_config_hint; /* errors do not mention [toolchain] settings */
	bool omit_mirror_hint; /* errors do not mention the setting `mirror` */
	unsigned n_tries; /* 0: FETCH_TRIES_DEFAULT; 1: do not retry */
	unsigned pause_ms; /* 0: FETCH_PAUSE_DEFAULT_MS */
	unsigned stall_s; /* 0: FETCH_STALL_DEFAULT_S */
	const atomic_bool *cancelled; /* polled several times a second */
};

/*
 * The receiver of the bytes.  Callbacks run on the calling thread.  A callback
 * that fails fills `err` and returns a negative errno, which ends the download
 * and is returned to the caller.  Time spent in callbacks is not counted as a
 * stall of the server.
 */
struct fetch_sink {
	int (*on_data)(void *ctx, struct bytes b, struct err *err);
	/* Discard the bytes received so far.  NULL: a restart is an error. */
	int (*on_restart)(void *ctx, struct err *err);
	/* Called a few times a second, or NULL; `total` is 0 if unknown. */
	void (*on_progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/*
 * Download a file of at most `max_bytes` bytes from the first of `urls`
 * (mirrors in order, NULL-terminated) that has it, into `sink`.
 *
 * `part` is the path of a file to resume from, in an existing directory, or
 * NULL.  The part file stays if the call fails or is cancelled.  After success
 * it holds the whole file until fetch_partial_remove(); a further call then
 * only asks the server whether that file is current.  If the bytes turn out to
 * be wrong, the caller must call fetch_partial_remove(); otherwise every
 * further call would reuse them.
 *
 * Returns 0, with the final URL after redirects in `final_url` (freed by the
 * caller; may be NULL), or an error with `err` naming the URL, the cause and
 * what to do:
 *
 *	-ENOENT		no mirror has the file
 *	-ECANCELED	`cancelled` became true
 *	-EBUSY		another process or thread writes `part`
 *	-EFBIG		more than `max_bytes` bytes
 *	-EACCES		not https, an invalid certificate, or a server that
 *			denies access (401, 403)
 *	-ETIMEDOUT	stalled, or a Retry-After beyond FETCH_RETRY_AFTER_MAX_S
 *	-EIO		any other failure of a server or the network
 *
 * Other values come from the sink or from writing `part`.  If mirrors fail for
 * different reasons, the last reason other than a missing file is returned,
 * and `err` has a line for each mirror.
 */
int fetch_download_file(const char *const *urls, const char *part,
			uint64_t max_bytes, const struct fetch_options *options,
			const struct fetch_sink *sink, char **final_url,
			struct err *err);

/*
 * Download a small file into memory.  `out` is emptied first, and again on
 * failure.  Errors are those of fetch_download_file().
 */
int fetch_download_text(const char *const *urls, uint64_t max_bytes,
			const struct fetch_options *options, struct buf *out,
			struct err *err);

/* Return true if the caller has cancelled the download. */
bool fetch_download_is_cancelled(const struct fetch_options *options);

/* Remove a part file and its PART.from.  Missing files are not an error. */
void fetch_partial_remove(const char *part);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/download.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/state-file.h"
#include "base/str.h"
#include "base/url.h"
#include "fetch/curl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "kfarm part 1 "

static char *partial_info_path(const char *path)
{
	return xasprintf("%s.from", path);
}

/* Return the last component of a URL, without query and fragment. */
static char *url_name(const char *url)
{
	size_t n = strcspn(url, "?#");
	size_t start = n;

	while (start && url[start - 1] != '/')
		start--;
	return xstrndup(url + start, n - start);
}

/* An open part file, and the version of the downloaded file. */
struct partial {
	char *path; /* NULL: no part file; only the version is recorded */
	char *name;
	int fd; /* locked; -1 without a path */
	uint64_t size_bytes;
	char *etag;
	char *last_modified;
	uint64_t total_bytes; /* 0: unknown */
};

static void clear_validators(struct partial *p)
{
	free(p->etag);
	free(p->last_modified);
	p->etag = NULL;
	p->last_modified = NULL;
	p->total_bytes = 0;
}

/* Return the next line and move *text past it, or NULL if there is no line. */
static char *take_info_line(char **text)
{
	char *line = *text;
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static const struct state_file info_file = { .max_bytes = 4096, .mode = 0644 };

static bool read_partial_info(struct partial *p)
{
	char *path = partial_info_path(p->path), *text, *end;
	char *head, *etag, *modified, *total;
	struct err ignored = { 0 };
	struct buf b = { 0 };
	bool ok = false;

	if (state_file_read(&info_file, path, &b, &ignored) || !b.len ||
	    strlen(buf_str(&b)) != b.len)
		goto out;
	text = (char *)b.data;
	head = take_info_line(&text);
	etag = head ? take_info_line(&text) : NULL;
	modified = etag ? take_info_line(&text) : NULL;
	total = modified ? take_info_line(&text) : NULL;
	if (!total || !str_starts(head, MAGIC) ||
	    strcmp(head + strlen(MAGIC), p->name) != 0)
		goto out;
	p->etag = fetch_curl_is_validator(etag) ? xstrdup(etag) : NULL;
	p->last_modified = fetch_curl_is_validator(modified) ?
				   xstrdup(modified) :
				   NULL;
	errno = 0;
	p->total_bytes = strtoull(total, &end, 10);
	ok = !errno && !*end && (p->etag || p->last_modified);
out:
	buf_release(&b);
	free(path);
	return ok;
}

static int write_partial_info(struct partial *p, struct err *err)
{
	char *path = partial_info_path(p->path);
	struct buf b = { 0 };
	int ret;

	buf_printf(&b, MAGIC "%s\n%s\n%s\n", p->name, p->etag ? p->etag : "",
		   p->last_modified ? p->last_modified : "");
	if (p->total_bytes)
		buf_printf(&b, "%" PRIu64, p->total_bytes);
	buf_add_str(&b, "\n");
	ret = state_file_write(&info_file, path, buf_bytes(&b), err);
	buf_release(&b);
	free(path);
	return ret;
}

static int empty_file(struct partial *p, struct err *err)
{
	if (p->fd >= 0 &&
	    (ftruncate(p->fd, 0) || lseek(p->fd, 0, SEEK_SET) < 0))
		return err_errno(err, "truncate %s", p->path);
	p->size_bytes = 0;
	clear_validators(p);
	return 0;
}

static int open_part(struct partial *p, struct err *err)
{
	struct stat st;

	/* Retry if another process removed the file during open(). */
	do
		p->fd = fs_open_locked(AT_FDCWD, p->path, O_RDWR | O_CREAT,
				       LOCK_EX | LOCK_NB);
	while (p->fd == -EAGAIN);
	/* Do not return -ENOENT, which means that no server has the file. */
	if (p->fd == -ENOENT)
		return err_set(err, ENOTDIR,
			       "%s: parent directory does not exist", p->path);
	if (p->fd == -EBUSY)
		return err_set(err, EBUSY,
			       "%s: locked by another download; wait until it "
			       "has finished",
			       p->path);
	if (p->fd < 0)
		return err_set(err, -p->fd, "open %s: %s", p->path,
			       strerror(-p->fd));
	if (fstat(p->fd, &st))
		return err_errno(err, "stat %s", p->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not a regular file", p->path);
	p->size_bytes = (uint64_t)st.st_size;
	return 0;
}

static void close_partial(struct partial *p)
{
	if (p->fd >= 0)
		close(p->fd);
	clear_validators(p);
	free(p->path);
	free(p->name);
	*p = (struct partial){ .fd = -1 };
}

/*
 * Open or create the part file `path` (may be NULL) for the file that `url`
 * names.  Existing content is preserved if the download can be resumed.
 * Returns 0, -EBUSY if another descriptor has the file locked, or another
 * negative errno.
 */
static int open_partial(struct partial *p, const char *path, const char *url,
			struct err *err)
{
	int ret;

	*p = (struct partial){ .fd = -1, .name = url_name(url) };
	if (!path)
		return 0;
	p->path = xstrdup(path);
	ret = open_part(p, err);
	if (!ret && (!read_partial_info(p) ||
		     (p->total_bytes && p->size_bytes > p->total_bytes)))
		ret = empty_file(p, err);
	if (!ret && lseek(p->fd, (off_t)p->size_bytes, SEEK_SET) < 0)
		ret = err_errno(err, "seek in %s", p->path);
	if (ret)
		close_partial(p);
	return ret;
}

static int read_partial(struct partial *p, uint64_t offset, void *out, size_t n,
			struct err *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(p->fd, (char *)out + done, n - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, "read %s", p->path);
		if (!got)
			return err_set(err, EIO,
				       "%s: truncated while being read",
				       p->path);
		done += (size_t)got;
	}
	return 0;
}

/*
 * Empty the part file and record a new version of the downloaded file, which
 * the response `a` describes.  The new version has `total` bytes (0: unknown).
 */
static int restart_partial(struct partial *p, const struct fetch_response *a,
			   uint64_t total, struct err *err)
{
	int ret = empty_file(p, err);

	/* Ignore a weak ETag: files with the same weak ETag can differ. */
	if (a->etag && !str_starts(a->etag, "W/"))
		p->etag = xstrdup(a->etag);
	p->last_modified = a->last_modified ? xstrdup(a->last_modified) : NULL;
	p->total_bytes = total;
	if (!ret && p->fd >= 0)
		ret = write_partial_info(p, err);
	return ret;
}

static bool is_complete(const struct partial *p)
{
	return p->total_bytes && p->size_bytes == p->total_bytes;
}

/*
 * Return the conditional header line of the next request, which the caller
 * frees.  The line for an incomplete part file is If-Range: it requests the
 * rest of the same version.  The line for a complete part file is If-None-Match
 * or If-Modified-Since: it requests the whole file if the server has another
 * version.  Returns NULL if the version of the part file is unknown.
 */
static char *conditional_header(const struct partial *p)
{
	bool whole = is_complete(p);

	if (p->etag)
		return xasprintf("%s: %s", whole ? "If-None-Match" : "If-Range",
				 p->etag);
	if (p->last_modified)
		return xasprintf("%s: %s",
				 whole ? "If-Modified-Since" : "If-Range",
				 p->last_modified);
	return NULL;
}

void fetch_partial_remove(const char *part)
{
	char *from = partial_info_path(part);

	unlink(part);
	unlink(from);
	free(from);
}

/*
 * A download is a sequence of tries.  Received bytes are counted in `partial`,
 * stored on disk if `partial` has a path, and fed to the sink.  A try requests
 * only the rest of the file if the version of the received bytes is known.  If
 * the server sends the whole file, for example because the file has changed,
 * the part file and the sink are restarted.
 */

#define PROGRESS_MS       100
#define PAUSE_MAX         30000u
#define RESUME_READ_BYTES (64u << 10)
/* The number of tries is reset after a try that adds this many bytes. */
#define RETRY_RESET_BYTES (1u << 20)

struct download {
	const struct fetch_sink *sink;
	struct fetch_options options;
	uint64_t max_bytes;
	struct partial partial;
	uint64_t fed_bytes; /* bytes fed to the sink since its last restart */
	uint64_t best_bytes; /* largest value of partial.size_bytes so far */
	uint64_t reported_ms; /* time of the last sink->on_progress() */
	char *url; /* URL of the last response, after redirects */
	bool no_resume; /* resuming has failed, so request the whole file */
	bool rest_requested; /* the request asks for the rest of the file */
	/* the request asks for the file only if it has changed */
	bool revalidation_requested;
	bool accepted; /* the response is the requested file or part */
	bool too_long; /* the response exceeds max_bytes */
};

static const struct fetch_response no_response = { .length_bytes = -1 };

/* Prefix an error with `url`, but omit its password and control characters. */
static void add_url_to_error(struct err *err, const char *url)
{
	char *text = url_redact(url);

	for (char *p = text; *p; p++) {
		if (*p <= ' ' || *p > '~')
			*p = '?';
	}
	err_wrap(err, "%.300s", text);
	free(text);
}

static void report_download_progress(void *ctx)
{
	struct download *d = ctx;
	uint64_t now = clock_ms();

	if (!d->sink->on_progress || now - d->reported_ms < PROGRESS_MS)
		return;
	d->reported_ms = now;
	d->sink->on_progress(d->sink->ctx, d->partial.size_bytes,
			     d->partial.total_bytes);
}

static int feed_sink(struct download *d, struct bytes b, struct err *err)
{
	d->fed_bytes += b.len;
	return d->sink->on_data(d->sink->ctx, b, err);
}

/* Feed the content of the part file to the sink before the first request. */
static int feed_partial_file(struct download *d, struct err *err)
{
	uint8_t *chunk = xmalloc(RESUME_READ_BYTES);
	int ret = 0;

	while (!ret && d->fed_bytes < d->partial.size_bytes) {
		uint64_t left = d->partial.size_bytes - d->fed_bytes;
		size_t n = left < RESUME_READ_BYTES ? (size_t)left :
						      RESUME_READ_BYTES;

		if (fetch_download_is_cancelled(&d->options))
			ret = err_set(err, ECANCELED, "cancelled");
		if (!ret)
			ret = read_partial(&d->partial, d->fed_bytes, chunk, n,
					   err);
		if (!ret)
			ret = feed_sink(d, bytes_of(chunk, n), err);
		report_download_progress(d);
	}
	free(chunk);
	d->best_bytes = d->partial.size_bytes;
	return ret;
}

/* Discard the received bytes, because the response `a` has the whole file. */
static int restart_download(struct download *d, const struct fetch_response *a,
			    uint64_t total, struct err *err)
{
	int ret = restart_partial(&d->partial, a, total, err);

	if (ret || !d->fed_bytes)
		return ret;
	d->fed_bytes = 0;
	if (!d->sink->on_restart)
		return err_set(err, EIO, "the file has changed on the server");
	return d->sink->on_restart(d->sink->ctx, err);
}

static int on_body_received(void *ctx, struct bytes b, struct err *err)
{
	struct download *d = ctx;
	int ret;

	if (b.len > d->max_bytes - d->partial.size_bytes) {
		d->too_long = true;
		return -EFBIG;
	}
	ret = d->partial.fd < 0 ? 0 : bytes_write(d->partial.fd, b);
	if (ret) {
		errno = -ret;
		err_errno(err, "write %s", d->partial.path);
	} else {
		d->partial.size_bytes += b.len;
		ret = feed_sink(d, b, err);
	}
	if (d->best_bytes < d->partial.size_bytes)
		d->best_bytes = d->partial.size_bytes;
	report_download_progress(d);
	return ret;
}

/* Return true if the response is the requested rest of the part file. */
static bool is_expected_range(const struct download *d,
			      const struct fetch_response *a)
{
	return d->rest_requested && a->has_range &&
	       a->range_from == d->partial.size_bytes &&
	       a->range_total > d->partial.size_bytes &&
	       (!d->partial.total_bytes ||
		d->partial.total_bytes == a->range_total) &&
	       (a->length_bytes < 0 ||
		(uint64_t)a->length_bytes ==
			a->range_total - d->partial.size_bytes);
}

static int on_header_received(void *ctx, const struct fetch_response *a,
			      struct err *err)
{
	struct download *d = ctx;
	uint64_t total = a->length_bytes > 0 ? (uint64_t)a->length_bytes : 0;
	bool is_more = a->status == 206 && is_expected_range(d, a);
	int ret;

	if (!is_more && a->status != 200)
		return 0;
	if (is_more)
		total = a->range_total;
	d->too_long = total > d->max_bytes;
	if (d->too_long)
		return -EFBIG;
	if (is_more)
		d->partial.total_bytes = total;
	ret = is_more ? 0 : restart_download(d, a, total, err);
	d->accepted = !ret;
	return ret ? ret : 1;
}

static enum fetch_outcome classify_http_status(const struct fetch_response *a,
					       int *code, struct err *err)
{
	switch (a->status) {
	case 404:
	case 410:
		*code = err_set(err, ENOENT, "no such file (HTTP %ld)",
				a->status);
		return FETCH_OUTCOME_FAILED;
	case 401:
	case 403:
	case 407:
		*code = err_set(err, EACCES, "access denied (HTTP %ld)",
				a->status);
		return FETCH_OUTCOME_FAILED;
	case 408:
	case 425:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		*code = err_set(err, EIO, "temporary server error (HTTP %ld)",
				a->status);
		return FETCH_OUTCOME_RETRY;
	default:
		*code = err_set(err, EIO, "unexpected response (HTTP %ld)",
				a->status);
		return FETCH_OUTCOME_FAILED;
	}
}

static enum fetch_outcome classify_response(struct download *d,
					    const struct fetch_response *a,
					    int *code, struct err *err)
{
	struct partial *p = &d->partial;

	if (d->accepted && p->total_bytes && p->size_bytes != p->total_bytes) {
		*code = err_set(err, EIO,
				"incomplete response: %" PRIu64 " of %" PRIu64
				" bytes",
				p->size_bytes, p->total_bytes);
		return FETCH_OUTCOME_RETRY;
	}
	if (d->accepted) {
		if (d->sink->on_progress)
			d->sink->on_progress(d->sink->ctx, p->size_bytes,
					     p->size_bytes);
		*code = 0;
		if (p->total_bytes != p->size_bytes) {
			p->total_bytes = p->size_bytes;
			if (p->fd >= 0)
				*code = write_partial_info(p, err);
		}
		return *code ? FETCH_OUTCOME_ABORTED : FETCH_OUTCOME_DONE;
	}
	if (a->status == 206 || (a->status == 416 && d->rest_requested)) {
		*code = err_set(err, EIO,
				"unexpected range response (HTTP %ld)",
				a->status);
		d->no_resume = true;
		return d->rest_requested ? FETCH_OUTCOME_RETRY :
					   FETCH_OUTCOME_FAILED;
	}
	if (a->status == 304 && d->revalidation_requested)
		return FETCH_OUTCOME_DONE;
	return classify_http_status(a, code, err);
}

/* Make one request.  `wait` receives the server's Retry-After in seconds. */
static enum fetch_outcome try_url(struct download *d, const char *url,
				  uint64_t *wait, int *code, struct err *err)
{
	struct fetch_response a;
	char range[32];
	char *condition = d->partial.size_bytes && !d->no_resume ?
				  conditional_header(&d->partial) :
				  NULL;
	struct fetch_request r = { .url = url,
				   .options = &d->options,
				   .condition = condition,
				   .on_head = on_header_received,
				   .on_data = on_body_received,
				   .on_progress = report_download_progress,
				   .ctx = d };
	enum fetch_outcome verdict;

	d->revalidation_requested = condition && is_complete(&d->partial);
	d->rest_requested = condition && !d->revalidation_requested;
	d->accepted = d->too_long = false;
	snprintf(range, sizeof(range), "%" PRIu64 "-", d->partial.size_bytes);
	r.range = d->rest_requested ? range : NULL;
	verdict = fetch_curl_perform(&r, &a, code, err);
	free(condition);
	*wait = a.retry_after_s;
	free(d->url);
	d->url = a.url;
	a.url = NULL;
	if (d->too_long) {
		/* Empty the part file, so that no later download resumes it. */
		*code = restart_partial(&d->partial, &no_response, 0, err);
		verdict = FETCH_OUTCOME_ABORTED;
		if (!*code) {
			*code = err_set(err, EFBIG,
					"file too large: more than %" PRIu64
					" bytes",
					d->max_bytes);
			verdict = FETCH_OUTCOME_FAILED;
		}
	} else if (verdict == FETCH_OUTCOME_DONE) {
		d->no_resume = false;
		verdict = classify_response(d, &a, code, err);
	}
	fetch_response_release(&a);
	if (verdict == FETCH_OUTCOME_RETRY || verdict == FETCH_OUTCOME_FAILED) {
		add_url_to_error(err, d->url);
		if (strcmp(url, d->url) != 0)
			err_wrap(err, "after redirect");
	}
	return verdict;
}

/* Wait `ms` milliseconds.  Return false if the download was cancelled. */
static bool wait_before_retry(const struct download *d, uint64_t ms)
{
	const uint64_t end = clock_ms() + ms;
	uint64_t now;

	while ((now = clock_ms()) < end &&
	       !fetch_download_is_cancelled(&d->options)) {
		uint64_t piece = end - now < 100 ? end - now : 100;
		struct timespec t = { .tv_nsec = (long)piece * 1000000 };

		nanosleep(&t, NULL);
	}
	return !fetch_download_is_cancelled(&d->options);
}

/* Try one mirror until it succeeds, fails permanently or fails too often. */
static enum fetch_outcome try_mirror(struct download *d, const char *url,
				     int *code, struct err *err)
{
	uint64_t pause = d->options.pause_ms;
	enum fetch_outcome verdict;
	unsigned tries = 0;

	for (;;) {
		uint64_t before = d->best_bytes, wait = 0;

		verdict = try_url(d, url, &wait, code, err);
		if (d->best_bytes - before >= RETRY_RESET_BYTES) {
			tries = 0;
			pause = d->options.pause_ms;
		}
		if (verdict != FETCH_OUTCOME_RETRY ||
		    ++tries >= d->options.n_tries)
			break;
		if (wait > FETCH_RETRY_AFTER_MAX_S) {
			*code = err_set(
				err, ETIMEDOUT,
				"the server is busy and requests a pause of "
				"%" PRIu64 " s",
				wait);
			add_url_to_error(err, d->url);
			break;
		}
		if (!wait_before_retry(d, wait * 1000 > pause ? wait * 1000 :
								pause)) {
			*code = err_set(err, ECANCELED, "cancelled");
			return FETCH_OUTCOME_ABORTED;
		}
		pause = 2 * pause < PAUSE_MAX ? 2 * pause : PAUSE_MAX;
	}
	return verdict;
}

static int try_mirrors(struct download *d, const char *const *urls,
		       struct err *err)
{
	const char *between = urls[1] ? "\n  " : "; ";
	struct buf text = { 0 };
	int worst = -ENOENT, code = 0;

	/* With several mirrors, the message has a line for each mirror. */
	if (urls[1])
		buf_add_str(&text, "all mirrors failed:");
	for (; *urls; urls++) {
		enum fetch_outcome v = try_mirror(d, *urls, &code, err);

		if (v == FETCH_OUTCOME_DONE || v == FETCH_OUTCOME_ABORTED) {
			if (v == FETCH_OUTCOME_ABORTED)
				add_url_to_error(err, *urls);
			buf_release(&text);
			return v == FETCH_OUTCOME_DONE ? 0 : code;
		}
		buf_printf(&text, "%s%s", text.len ? between : "", err->text);
		if (code != -ENOENT)
			worst = code;
	}
	if (worst == -EIO || worst == -ETIMEDOUT)
		buf_printf(&text, "%stry again later%s", between,
			   d->options.omit_config_hint ||
					   d->options.omit_mirror_hint ?
				   "" :
				   ", or set another `mirror = URL` in "
				   "[toolchain]");
	if (worst != -ENOENT && d->partial.path && d->partial.size_bytes &&
	    !d->options.omit_config_hint)
		buf_printf(&text, "%spartial download saved in %s", between,
			   d->partial.path);
	err_set(err, -worst, "%s", buf_str(&text));
	buf_release(&text);
	return worst;
}

int fetch_download_file(const char *const *urls, const char *part,
			uint64_t max_bytes, const struct fetch_options *options,
			const struct fetch_sink *sink, char **final_url,
			struct err *err)
{
	struct download d = { .sink = sink, .max_bytes = max_bytes };
	struct fetch_options *o = &d.options;
	int ret;

	if (options)
		*o = *options;
	o->n_tries = o->n_tries ? o->n_tries : FETCH_TRIES_DEFAULT;
	o->pause_ms = o->pause_ms ? o->pause_ms : FETCH_PAUSE_DEFAULT_MS;
	o->stall_s = o->stall_s ? o->stall_s : FETCH_STALL_DEFAULT_S;
	if (!urls[0])
		return err_set(err, ENOENT,
			       "no mirror configured; set `mirror = URL` in "
			       "[toolchain]");
	ret = open_partial(&d.partial, part, urls[0], err);
	if (ret)
		return ret;
	if (d.partial.size_bytes > max_bytes)
		ret = restart_partial(&d.partial, &no_response, 0, err);
	if (!ret)
		ret = feed_partial_file(&d, err);
	if (!ret)
		ret = try_mirrors(&d, urls, err);
	if (!ret && final_url) {
		*final_url = d.url;
		d.url = NULL;
	}
	close_partial(&d.partial);
	free(d.url);
	return ret;
}

static int on_text_received(void *ctx, struct bytes b, struct err *err)
{
	struct buf *out = ctx;

	if (buf_reserve(out, b.len))
		return err_set(err, ENOMEM, "cannot allocate %zu bytes",
			       out->len + b.len);
	buf_add_bytes(out, b);
	return 0;
}

static int on_text_restarted(void *ctx, struct err *err)
{
	(void)err;
	buf_reset(ctx);
	return 0;
}

int fetch_download_text(const char *const *urls, uint64_t max_bytes,
			const struct fetch_options *options, struct buf *out,
			struct err *err)
{
	const struct fetch_sink sink = { .on_data = on_text_received,
					 .on_restart = on_text_restarted,
					 .ctx = out };
	int ret;

	buf_reset(out);
	ret = fetch_download_file(urls, NULL, max_bytes, options, &sink, NULL,
				  err);
	if (ret)
		buf_reset(out);
	return ret;
}

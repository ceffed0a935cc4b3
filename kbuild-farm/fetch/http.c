/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A download is a sequence of tries.  What came is in `part` (with a path: on
 * disk as well) and was fed to the sink; so each try asks for the rest of it,
 * and an answer that is not the rest of the same version starts both over.
 */
#include "fetch/http.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/url.h"
#include "fetch/curl.h"
#include "fetch/part.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROGRESS_MS 100
#define PAUSE_MAX   30000u
#define CHUNK       (64u << 10)
/* A try that brought this much more than any before does not count. */
#define STEP (1u << 20)

struct download {
	const struct fetch_sink *sink;
	struct fetch_options options;
	uint64_t most;
	struct fetch_part part;
	uint64_t fed; /* bytes that the sink got since it started over */
	uint64_t best; /* most bytes that were ever there */
	uint64_t reported_ms; /* last call of sink->progress */
	char *url; /* of the last answer, after redirects */
	bool is_plain; /* do not ask for the rest, it went wrong */
	bool asked_rest; /* what the present request asks for: the rest, */
	bool asked_new; /* or the whole, if it has changed */
	bool is_taken; /* its answer is what was asked for */
	bool is_too_long; /* or would be too long */
};

static const struct fetch_answer none = { .length = -1 };

/* ------------------------------------------------------------------- words */

/* A URL to be printed: no password, no bytes that a terminal would obey. */
static char *printable(const char *url)
{
	char *out = url_shown(url);

	for (char *p = out; *p; p++) {
		if (*p <= ' ' || *p > '~')
			*p = '?';
	}
	return out;
}

/* "URL: what happened" */
static void name_url(struct err *err, const char *url)
{
	char *text = printable(url);

	err_wrap(err, "%.300s", text);
	free(text);
}

/* ---------------------------------------------------------------- the sink */

static void on_progress(void *ctx)
{
	struct download *d = ctx;
	uint64_t now = clock_ms();

	if (!d->sink->progress || now - d->reported_ms < PROGRESS_MS)
		return;
	d->reported_ms = now;
	d->sink->progress(d->sink->ctx, d->part.size, d->part.total);
}

static int hand_over(struct download *d, struct bytes b, struct err *err)
{
	d->fed += b.len;
	return d->sink->data(d->sink->ctx, b, err);
}

/* What is on disk is handed over before anything is asked of a server. */
static int feed(struct download *d, struct err *err)
{
	uint8_t *chunk = xmalloc(CHUNK);
	int ret = 0;

	while (!ret && d->fed < d->part.size) {
		uint64_t left = d->part.size - d->fed;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (fetch_cancelled(&d->options))
			ret = err_set(err, ECANCELED, "cancelled");
		if (!ret)
			ret = fetch_part_read(&d->part, d->fed, chunk, n, err);
		if (!ret)
			ret = hand_over(d, bytes_of(chunk, n), err);
		on_progress(d);
	}
	free(chunk);
	d->best = d->part.size;
	return ret;
}

/* All that came is void; what comes is the version of `a`. */
static int start_over(struct download *d, const struct fetch_answer *a,
		      uint64_t total, struct err *err)
{
	int ret = fetch_part_begin(&d->part, a, total, err);

	if (ret || !d->fed)
		return ret;
	d->fed = 0;
	if (!d->sink->restart)
		return err_set(err, EIO, "the file has changed on the server");
	return d->sink->restart(d->sink->ctx, err);
}

static int on_data(void *ctx, struct bytes b, struct err *err)
{
	struct download *d = ctx;
	int ret;

	if (b.len > d->most - d->part.size) {
		d->is_too_long = true;
		return -EFBIG;
	}
	ret = fetch_part_add(&d->part, b, err);
	if (!ret)
		ret = hand_over(d, b, err);
	if (d->best < d->part.size)
		d->best = d->part.size;
	on_progress(d);
	return ret;
}

/* ----------------------------------------------------------------- answers */

/* Is the answer the rest of what we have? */
static bool is_rest(const struct download *d, const struct fetch_answer *a)
{
	return d->asked_rest && a->has_range && a->range_from == d->part.size &&
	       a->range_total > d->part.size &&
	       (!d->part.total || d->part.total == a->range_total) &&
	       (a->length < 0 ||
		(uint64_t)a->length == a->range_total - d->part.size);
}

static int on_head(void *ctx, const struct fetch_answer *a, struct err *err)
{
	struct download *d = ctx;
	uint64_t total = a->length > 0 ? (uint64_t)a->length : 0;
	bool is_more = a->status == 206 && is_rest(d, a);
	int ret;

	if (!is_more && a->status != 200)
		return 0;
	if (is_more)
		total = a->range_total;
	d->is_too_long = total > d->most;
	if (d->is_too_long)
		return -EFBIG;
	if (is_more)
		d->part.total = total;
	ret = is_more ? 0 : start_over(d, a, total, err);
	d->is_taken = !ret;
	return ret ? ret : 1;
}

/* All of it came, unless the connection was closed early. */
static enum fetch_verdict check_whole(struct download *d, int *code,
				      struct err *err)
{
	if (d->part.total && d->part.size != d->part.total) {
		*code = err_set(err, EIO,
				"ended after %" PRIu64 " of %" PRIu64 " bytes",
				d->part.size, d->part.total);
		return FETCH_AGAIN;
	}
	if (d->sink->progress)
		d->sink->progress(d->sink->ctx, d->part.size, d->part.size);
	*code = fetch_part_end(&d->part, err);
	return *code ? FETCH_OVER : FETCH_DONE;
}

/* A partial answer that is not what was asked for. */
static enum fetch_verdict refuse_part(struct download *d, int *code,
				      struct err *err)
{
	*code = err_set(err, EIO,
			"the server sends a part that was not asked "
			"for");
	d->is_plain = true;
	return d->asked_rest ? FETCH_AGAIN : FETCH_NEVER;
}

static enum fetch_verdict judge_status(const struct fetch_answer *a, int *code,
				       struct err *err)
{
	switch (a->status) {
	case 404:
	case 410:
		*code = err_set(err, ENOENT, "no such file (%ld)", a->status);
		return FETCH_NEVER;
	case 401:
	case 403:
	case 407:
		*code = err_set(err, EACCES, "not allowed (%ld)", a->status);
		return FETCH_NEVER;
	case 408:
	case 425:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		*code = err_set(err, EIO, "the server cannot now (%ld)",
				a->status);
		return FETCH_AGAIN;
	default:
		*code = err_set(err, EIO, "unexpected answer %ld", a->status);
		return FETCH_NEVER;
	}
}

static enum fetch_verdict judge_answer(struct download *d,
				       const struct fetch_answer *a, int *code,
				       struct err *err)
{
	if (d->is_taken)
		return check_whole(d, code, err);
	if (a->status == 206 || (a->status == 416 && d->asked_rest))
		return refuse_part(d, code, err);
	if (a->status == 304 && d->asked_new)
		return FETCH_DONE;
	return judge_status(a, code, err);
}

/* ----------------------------------------------------------------- one try */

static enum fetch_verdict refuse_length(struct download *d, int *code,
					struct err *err)
{
	/* Else the next call would go on where this one ended. */
	*code = fetch_part_begin(&d->part, &none, 0, err);
	if (*code)
		return FETCH_OVER;
	*code = err_set(err, EFBIG, "more than the %" PRIu64 " bytes allowed",
			d->most);
	return FETCH_NEVER;
}

/* One request; `wait` is what the server asks for, in s. */
static enum fetch_verdict try_url(struct download *d, const char *url,
				  uint64_t *wait, int *code, struct err *err)
{
	struct fetch_answer a;
	char range[32];
	char *condition = d->part.size && !d->is_plain ?
				  fetch_part_condition(&d->part) :
				  NULL;
	struct fetch_request r = { .url = url,
				   .options = &d->options,
				   .condition = condition,
				   .head = on_head,
				   .data = on_data,
				   .progress = on_progress,
				   .ctx = d };
	enum fetch_verdict verdict;

	d->asked_new = condition && fetch_part_is_whole(&d->part);
	d->asked_rest = condition && !d->asked_new;
	d->is_taken = d->is_too_long = false;
	snprintf(range, sizeof(range), "%" PRIu64 "-", d->part.size);
	r.range = d->asked_rest ? range : NULL;
	verdict = fetch_curl_run(&r, &a, code, err);
	free(condition);
	*wait = a.retry_after;
	free(d->url);
	d->url = a.url;
	a.url = NULL;
	if (d->is_too_long) {
		verdict = refuse_length(d, code, err);
	} else if (verdict == FETCH_DONE) {
		d->is_plain = false;
		verdict = judge_answer(d, &a, code, err);
	}
	fetch_answer_release(&a);
	if (verdict == FETCH_AGAIN || verdict == FETCH_NEVER) {
		name_url(err, d->url);
		if (strcmp(url, d->url) != 0)
			err_wrap(err, "redirected to");
	}
	return verdict;
}

/* ------------------------------------------------------ tries and mirrors */

/* False: cancelled meanwhile. */
static bool pause_tries(const struct download *d, uint64_t ms)
{
	const uint64_t end = clock_ms() + ms;
	uint64_t now;

	while ((now = clock_ms()) < end && !fetch_cancelled(&d->options)) {
		uint64_t piece = end - now < 100 ? end - now : 100;
		struct timespec t = { .tv_nsec = (long)piece * 1000000 };

		nanosleep(&t, NULL);
	}
	return !fetch_cancelled(&d->options);
}

/* Try one mirror as often as is reasonable. */
static enum fetch_verdict try_mirror(struct download *d, const char *url,
				     int *code, struct err *err)
{
	uint64_t pause = d->options.pause_ms;
	enum fetch_verdict verdict;
	unsigned tries = 0;

	for (;;) {
		uint64_t before = d->best, wait = 0;

		verdict = try_url(d, url, &wait, code, err);
		if (d->best - before >= STEP) {
			tries = 0;
			pause = d->options.pause_ms;
		}
		if (verdict != FETCH_AGAIN || ++tries >= d->options.tries)
			break;
		if (wait > FETCH_WAIT_MAX) {
			*code = err_set(
				err, ETIMEDOUT,
				"busy; says: come back in %" PRIu64 " s", wait);
			name_url(err, d->url);
			break;
		}
		if (!pause_tries(d,
				 wait * 1000 > pause ? wait * 1000 : pause)) {
			*code = err_set(err, ECANCELED, "cancelled");
			return FETCH_OVER;
		}
		pause = 2 * pause < PAUSE_MAX ? 2 * pause : PAUSE_MAX;
	}
	return verdict;
}

/* What the user can do about it. */
static void add_remedy(const struct download *d, int code, const char *between,
		       struct buf *text)
{
	if (code == -EIO || code == -ETIMEDOUT)
		buf_printf(text, "%stry again later%s", between,
			   d->options.bare ? "" :
					     ", or name another mirror "
					     "([toolchain] mirror)");
	if (code != -ENOENT && d->part.path && d->part.size && !d->options.bare)
		buf_printf(text, "%swhat came is kept in %s", between,
			   d->part.path);
}

static int try_mirrors(struct download *d, const char *const *urls,
		       struct err *err)
{
	const char *between = urls[1] ? "\n  " : "; ";
	struct buf text = { 0 };
	int worst = -ENOENT, code = 0;

	/* Several addresses with their reasons are too much for one line. */
	if (urls[1])
		buf_add_str(&text, "no mirror gave it:");
	for (; *urls; urls++) {
		enum fetch_verdict v = try_mirror(d, *urls, &code, err);

		if (v == FETCH_DONE || v == FETCH_OVER) {
			if (v == FETCH_OVER)
				name_url(err, *urls);
			buf_release(&text);
			return v == FETCH_DONE ? 0 : code;
		}
		buf_printf(&text, "%s%s", text.len ? between : "", err->text);
		if (code != -ENOENT)
			worst = code;
	}
	add_remedy(d, worst, between, &text);
	err_set(err, -worst, "%s", buf_str(&text));
	buf_release(&text);
	return worst;
}

/* ------------------------------------------------------------------ public */

static struct fetch_options with_defaults(const struct fetch_options *given)
{
	struct fetch_options o = given ? *given : (struct fetch_options){ 0 };

	o.tries = o.tries ? o.tries : FETCH_TRIES;
	o.pause_ms = o.pause_ms ? o.pause_ms : FETCH_PAUSE_MS;
	o.stall_s = o.stall_s ? o.stall_s : FETCH_STALL_S;
	return o;
}

int fetch_get(const char *const *urls, const char *part, uint64_t most,
	      const struct fetch_options *options,
	      const struct fetch_sink *sink, char **final_url, struct err *err)
{
	struct download d = { .sink = sink,
			      .options = with_defaults(options),
			      .most = most };
	int ret;

	if (!urls[0])
		return err_set(err, ENOENT,
			       "no mirror is known; name one: "
			       "[toolchain] mirror");
	ret = fetch_part_open(&d.part, part, urls[0], err);
	if (ret)
		return ret;
	if (d.part.size > most)
		ret = fetch_part_begin(&d.part, &none, 0, err);
	if (!ret)
		ret = feed(&d, err);
	if (!ret)
		ret = try_mirrors(&d, urls, err);
	if (!ret && final_url) {
		*final_url = d.url;
		d.url = NULL;
	}
	fetch_part_close(&d.part);
	free(d.url);
	return ret;
}

static int text_data(void *ctx, struct bytes b, struct err *err)
{
	struct buf *out = ctx;

	if (buf_reserve(out, b.len))
		return err_set(err, ENOMEM, "%zu bytes", out->len + b.len);
	buf_add_bytes(out, b);
	return 0;
}

static int text_restart(void *ctx, struct err *err)
{
	(void)err;
	buf_reset(ctx);
	return 0;
}

int fetch_text(const char *const *urls, uint64_t most,
	       const struct fetch_options *options, struct buf *out,
	       struct err *err)
{
	const struct fetch_sink sink = { .data = text_data,
					 .restart = text_restart,
					 .ctx = out };
	int ret;

	buf_reset(out);
	ret = fetch_get(urls, NULL, most, options, &sink, NULL, err);
	if (ret)
		buf_reset(out);
	return ret;
}

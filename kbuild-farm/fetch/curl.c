/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/curl.h"

#include "base/str.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS  20000L
#define BUFFER_SIZE (64L << 10)
#define POLL_MS     100

struct transfer {
	const struct fetch_request *r;
	struct fetch_answer *a;
	struct err *err;
	CURL *easy;
	struct curl_slist *lines; /* of the header */
	char message_text[CURL_ERROR_SIZE];
	size_t head_bytes;
	bool is_head_whole; /* its empty line was there */
	bool is_headed; /* r->head() was asked */
	bool is_unwanted; /* it said no */
	int failed; /* what a callback returned */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_once(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		str_out_of_memory();
}

bool fetch_cancelled(const struct fetch_options *options)
{
	return options && options->cancel && atomic_load(options->cancel);
}

/* ---------------------------------------------------------------- header */

void fetch_answer_release(struct fetch_answer *a)
{
	free(a->etag);
	free(a->modified);
	free(a->url);
	*a = (struct fetch_answer){ .length = -1 };
}

bool fetch_header_is_stamp(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~')
		n++;
	return n && !s[n] && n <= FETCH_STAMP_MAX;
}

/* Digits; false: there are none, or too many. */
static bool take_number(const char **p, uint64_t *out)
{
	*out = 0;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (*out > (INT64_MAX - 9) / 10)
			return false;
		*out = *out * 10 + (uint64_t)(**p - '0');
	}
	return true;
}

void fetch_header_range(struct fetch_answer *a, const char *value)
{
	bool is_bytes = !strncasecmp(value, "bytes ", 6);
	const char *p = is_bytes ? value + 6 : value;
	uint64_t from, to, total;

	a->has_range = is_bytes && take_number(&p, &from) && *p++ == '-' &&
		       take_number(&p, &to) && *p++ == '/' &&
		       take_number(&p, &total) && !*p && from <= to &&
		       to + 1 == total;
	a->range_from = a->has_range ? from : 0;
	a->range_total = a->has_range ? total : 0;
}

/* A header's value: of lines with the same name the last one's; or NULL. */
static const char *header_value(const struct transfer *t, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) ||
	    curl_easy_header(t->easy, name, h->amount - 1, CURLH_HEADER, -1,
			     &h))
		return NULL;
	return h->value;
}

static char *stamp_of(const struct transfer *t, const char *name)
{
	const char *value = header_value(t, name);

	return value && fetch_header_is_stamp(value) ? xstrdup(value) : NULL;
}

static void read_answer(struct transfer *t)
{
	const char *range = header_value(t, "Content-Range");
	curl_off_t number = -1;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->a->status);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &number);
	t->a->length = number;
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &number);
	t->a->retry_after = number > 0 ? (uint64_t)number : 0;
	t->a->etag = stamp_of(t, "ETag");
	t->a->modified = stamp_of(t, "Last-Modified");
	if (range)
		fetch_header_range(t->a, range);
}

/* libcurl would follow any 3xx, such as 300 or 304, that has a Location. */
static void follow_redirect(struct transfer *t)
{
	long status = 0;
	bool is_redirect;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	is_redirect = (status >= 301 && status <= 303) || status == 307 ||
		      status == 308;
	curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, (long)is_redirect);
}

/* libcurl bounds each line, but hardly their number. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	t->head_bytes += size * n;
	if (t->head_bytes > FETCH_HEADER_MAX)
		return 0;
	/* 100 Continue and the like come before the answer that counts. */
	if (size * n > 5 && !memcmp(data, "HTTP/", 5)) {
		t->is_head_whole = false;
		follow_redirect(t);
	} else if (data[0] == '\r' || data[0] == '\n') {
		t->is_head_whole = true;
	}
	return size * n;
}

/* ------------------------------------------------------------------ body */

/* Ask the caller, once: does it want the body of this answer? */
static bool is_wanted(struct transfer *t)
{
	int ret;

	if (t->is_headed)
		return !t->is_unwanted && !t->failed;
	t->is_headed = true;
	read_answer(t);
	ret = t->r->head(t->r->ctx, t->a, t->err);
	t->is_unwanted = !ret;
	t->failed = ret < 0 ? ret : 0;
	return ret > 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	if (fetch_cancelled(t->r->options) || !is_wanted(t))
		return CURL_WRITEFUNC_ERROR;
	t->failed = t->r->data(t->r->ctx, bytes_of(data, size * n), t->err);
	return t->failed ? CURL_WRITEFUNC_ERROR : size * n;
}

/* --------------------------------------------------------------- request */

static void set_request(struct transfer *t)
{
	const struct fetch_request *r = t->r;
	const char *schemes = r->options->allow_http ? "https,http" : "https";
	CURL *e = t->easy;

	if (r->condition)
		t->lines = curl_slist_append(NULL, r->condition);
	if (r->condition && !t->lines)
		str_out_of_memory();
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, schemes);
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS);
	/* One request per connection: nothing that HTTP/2 could win. */
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "kfarm");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->lines);
	curl_easy_setopt(e, CURLOPT_RANGE, r->range);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->message_text);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)FETCH_STALL_RATE);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)r->options->stall_s);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	if (r->options->ca_file) {
		curl_easy_setopt(e, CURLOPT_CAINFO, r->options->ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
}

/* libcurl's answer, or CURLE_ABORTED_BY_CALLBACK: cancelled. */
static CURLcode run_transfer(struct transfer *t, CURLM *multi)
{
	CURLMsg *message;
	int running = 1, left;

	for (;;) {
		if (curl_multi_perform(multi, &running))
			return CURLE_OUT_OF_MEMORY;
		t->r->progress(t->r->ctx);
		message = curl_multi_info_read(multi, &left);
		if (message)
			return message->data.result;
		if (fetch_cancelled(t->r->options))
			return CURLE_ABORTED_BY_CALLBACK;
		if (curl_multi_poll(multi, NULL, 0, POLL_MS, NULL))
			return CURLE_OUT_OF_MEMORY;
	}
}

/* ---------------------------------------------------------------- verdict */

/* The one that was asked last; borrowed. */
static const char *effective_url(const struct transfer *t)
{
	char *url = NULL;

	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	return url ? url : t->r->url;
}

/* libcurl's words may hold a server's. */
static const char *curl_words(struct transfer *t, CURLcode result)
{
	if (!t->message_text[0])
		return curl_easy_strerror(result);
	for (char *p = t->message_text; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return t->message_text;
}

static enum fetch_verdict judge_tls(struct transfer *t, CURLcode result,
				    int *code)
{
	if (result == CURLE_SSL_CACERT_BADFILE)
		*code = err_set(t->err, EACCES, "CA file %s: %s",
				t->r->options->ca_file, curl_words(t, result));
	else
		*code = err_set(t->err, EACCES,
				"the certificate is not believed (%s)%s",
				curl_words(t, result),
				t->r->options->bare ?
					"" :
					"; [toolchain] ca-file names another "
					"authority");
	return FETCH_NEVER;
}

/* Of the URL that was asked, or that it redirects to. */
static int judge_scheme(struct transfer *t)
{
	const struct fetch_options *o = t->r->options;

	if (!o->bare && !strncasecmp(effective_url(t), "http://", 7))
		return err_set(t->err, EACCES,
			       "not https; [toolchain] http = true allows it");
	return err_set(t->err, EACCES,
		       o->bare && o->allow_http ? "neither https nor http" :
						  "not https");
}

static enum fetch_verdict judge_result(struct transfer *t, CURLcode result,
				       int *code)
{
	curl_off_t asked = 0; /* when the request was sent; 0: never */

	if (t->failed) {
		*code = t->failed;
		return FETCH_OVER;
	}
	if (fetch_cancelled(t->r->options)) {
		*code = err_set(t->err, ECANCELED, "cancelled");
		return FETCH_OVER;
	}
	if (!result || t->is_unwanted)
		return FETCH_DONE;
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &asked);
		*code = asked ? err_set(t->err, ETIMEDOUT,
					"less than %u bytes a second for %u s",
					FETCH_STALL_RATE,
					t->r->options->stall_s) :
				err_set(t->err, ETIMEDOUT, "%s",
					curl_words(t, result));
		/* To connect TCP has tried again and again. */
		return asked ? FETCH_AGAIN : FETCH_NEVER;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return judge_tls(t, result, code);
	case CURLE_UNSUPPORTED_PROTOCOL:
		*code = judge_scheme(t);
		return FETCH_NEVER;
	case CURLE_TOO_MANY_REDIRECTS:
		*code = err_set(t->err, EIO, "redirects more than %d times",
				FETCH_REDIRECTS);
		return FETCH_NEVER;
	case CURLE_COULDNT_RESOLVE_HOST: /* the resolver has tried again */
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_URL_MALFORMAT:
		*code = err_set(t->err, EIO, "%s", curl_words(t, result));
		return FETCH_NEVER;
	default:
		*code = err_set(t->err, EIO, "%s", curl_words(t, result));
		return FETCH_AGAIN;
	}
}

enum fetch_verdict fetch_curl_run(const struct fetch_request *r,
				  struct fetch_answer *a, int *code,
				  struct err *err)
{
	struct transfer t = { .r = r, .a = a, .err = err };
	enum fetch_verdict verdict;
	CURLM *multi;
	CURLcode result;

	pthread_once(&once, init_once);
	*a = (struct fetch_answer){ .length = -1 };
	t.easy = curl_easy_init();
	multi = curl_multi_init();
	if (!t.easy || !multi)
		str_out_of_memory();
	set_request(&t);
	curl_multi_add_handle(multi, t.easy);
	result = run_transfer(&t, multi);
	/* libcurl accepts any first line of a header. */
	if (!result && !t.is_head_whole)
		result = CURLE_GOT_NOTHING;
	if (!result)
		is_wanted(&t); /* an answer without a body */
	verdict = judge_result(&t, result, code);
	a->url = xstrdup(effective_url(&t));
	/* Else a name that is being looked up would be waited for. */
	if (verdict == FETCH_OVER)
		curl_easy_setopt(t.easy, CURLOPT_QUICK_EXIT, 1L);
	curl_multi_remove_handle(multi, t.easy);
	curl_easy_cleanup(t.easy);
	curl_multi_cleanup(multi);
	curl_slist_free_all(t.lines);
	return verdict;
}

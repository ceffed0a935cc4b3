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
	const struct fetch_request *request;
	struct fetch_response *response;
	struct err *err;
	CURL *easy;
	struct curl_slist *header_lines; /* header lines of the request */
	char message_text[CURL_ERROR_SIZE];
	size_t header_bytes;
	bool header_complete; /* the empty line was received */
	bool head_reported; /* request->on_head() was called */
	bool body_unwanted; /* request->on_head() returned 0 */
	int callback_error; /* return value of a failed callback */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_once(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		str_out_of_memory();
}

void fetch_curl_init(void)
{
	pthread_once(&once, init_once);
}

bool fetch_download_is_cancelled(const struct fetch_options *options)
{
	return options && options->cancelled && atomic_load(options->cancelled);
}

void fetch_response_release(struct fetch_response *a)
{
	free(a->etag);
	free(a->last_modified);
	free(a->url);
	*a = (struct fetch_response){ .length_bytes = -1 };
}

bool fetch_curl_is_validator(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~')
		n++;
	return n && !s[n] && n <= FETCH_VALIDATOR_LEN_MAX;
}

/* Parse a decimal number.  Return false if it has no digit or overflows. */
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

void fetch_curl_parse_range(struct fetch_response *a, const char *value)
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

/* Return the value of the last header line with this name, or NULL. */
static const char *header_value(const struct transfer *t, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) ||
	    curl_easy_header(t->easy, name, h->amount - 1, CURLH_HEADER, -1,
			     &h))
		return NULL;
	return h->value;
}

static char *copy_validator(const struct transfer *t, const char *name)
{
	const char *value = header_value(t, name);

	return value && fetch_curl_is_validator(value) ? xstrdup(value) : NULL;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	bool is_redirect;
	long status = 0;

	/* libcurl limits the size of a line, but not of the whole header. */

	t->header_bytes += size * n;
	if (t->header_bytes > FETCH_HEADER_BYTES_MAX)
		return 0;
	/*
	 * A status line begins the header of another response, for example
	 * after an interim response (status 100) or after a redirect.
	 */
	if (size * n > 5 && !memcmp(data, "HTTP/", 5)) {
		t->header_complete = false;
		/* libcurl would follow any 3xx with a Location, even 304. */
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		is_redirect = (status >= 301 && status <= 303) ||
			      status == 307 || status == 308;
		curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION,
				 (long)is_redirect);
	} else if (data[0] == '\r' || data[0] == '\n') {
		t->header_complete = true;
	}
	return size * n;
}

/*
 * Return true if the caller wants the body.  The first call passes the header
 * to on_head(), whose return value decides for all calls.
 */
static bool is_body_wanted(struct transfer *t)
{
	struct fetch_response *a = t->response;
	curl_off_t number = -1;
	const char *range;
	int ret;

	if (t->head_reported)
		return !t->body_unwanted && !t->callback_error;
	t->head_reported = true;
	range = header_value(t, "Content-Range");
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &number);
	a->length_bytes = number;
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &number);
	a->retry_after_s = number > 0 ? (uint64_t)number : 0;
	a->etag = copy_validator(t, "ETag");
	a->last_modified = copy_validator(t, "Last-Modified");
	if (range)
		fetch_curl_parse_range(a, range);
	ret = t->request->on_head(t->request->ctx, t->response, t->err);
	t->body_unwanted = !ret;
	t->callback_error = ret < 0 ? ret : 0;
	return ret > 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	if (fetch_download_is_cancelled(t->request->options) ||
	    !is_body_wanted(t))
		return CURL_WRITEFUNC_ERROR;
	t->callback_error = t->request->on_data(
		t->request->ctx, bytes_of(data, size * n), t->err);
	return t->callback_error ? CURL_WRITEFUNC_ERROR : size * n;
}

static void set_curl_options(struct transfer *t)
{
	const struct fetch_request *r = t->request;
	const char *schemes = r->options->allow_http ? "https,http" : "https";
	CURL *e = t->easy;

	if (r->condition)
		t->header_lines = curl_slist_append(NULL, r->condition);
	if (r->condition && !t->header_lines)
		str_out_of_memory();
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, schemes);
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
	/* HTTP/2 has no advantage for one request per connection. */
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "kfarm");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->header_lines);
	curl_easy_setopt(e, CURLOPT_RANGE, r->range);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->message_text);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT,
			 (long)FETCH_STALL_BYTES_PER_S);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)r->options->stall_s);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	if (r->options->ca_file) {
		curl_easy_setopt(e, CURLOPT_CAINFO, r->options->ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
}

/*
 * Perform the transfer.  Return libcurl's result, or CURLE_ABORTED_BY_CALLBACK
 * if the transfer was cancelled.
 */
static CURLcode run_transfer(struct transfer *t, CURLM *multi)
{
	CURLMsg *message;
	int running = 1, left;

	for (;;) {
		if (curl_multi_perform(multi, &running))
			return CURLE_OUT_OF_MEMORY;
		t->request->on_progress(t->request->ctx);
		message = curl_multi_info_read(multi, &left);
		if (message)
			return message->data.result;
		if (fetch_download_is_cancelled(t->request->options))
			return CURLE_ABORTED_BY_CALLBACK;
		if (curl_multi_poll(multi, NULL, 0, POLL_MS, NULL))
			return CURLE_OUT_OF_MEMORY;
	}
}

/* Return the URL of the last request, after redirects.  The URL is borrowed. */
static const char *effective_url(const struct transfer *t)
{
	char *url = NULL;

	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	return url ? url : t->request->url;
}

/* Return an error message, printable even if it has text from the server. */
static const char *curl_error_text(struct transfer *t, CURLcode result)
{
	if (!t->message_text[0])
		return curl_easy_strerror(result);
	for (char *p = t->message_text; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return t->message_text;
}

static enum fetch_outcome classify_curl_result(struct transfer *t,
					       CURLcode result, int *code)
{
	const struct fetch_options *o = t->request->options;
	curl_off_t asked = 0; /* time of the request; 0: not sent */

	if (t->callback_error) {
		*code = t->callback_error;
		return FETCH_OUTCOME_ABORTED;
	}
	if (fetch_download_is_cancelled(t->request->options)) {
		*code = err_set(t->err, ECANCELED, "cancelled");
		return FETCH_OUTCOME_ABORTED;
	}
	if (!result || t->body_unwanted)
		return FETCH_OUTCOME_DONE;
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &asked);
		*code = asked ? err_set(t->err, ETIMEDOUT,
					"transfer too slow: less than %u "
					"bytes/s for %u s",
					FETCH_STALL_BYTES_PER_S, o->stall_s) :
				err_set(t->err, ETIMEDOUT, "%s",
					curl_error_text(t, result));
		/* Do not repeat a failed connection: TCP has retried it. */
		return asked ? FETCH_OUTCOME_RETRY : FETCH_OUTCOME_FAILED;
	case CURLE_SSL_CACERT_BADFILE:
		*code = err_set(t->err, EACCES, "%s%s: %s",
				o->ca_file ? "CA file " : "CA certificates",
				o->ca_file ? o->ca_file : "",
				curl_error_text(t, result));
		return FETCH_OUTCOME_FAILED;
	case CURLE_PEER_FAILED_VERIFICATION:
		*code = err_set(t->err, EACCES,
				"server certificate verification failed: %s%s",
				curl_error_text(t, result),
				o->omit_config_hint ?
					"" :
					"; to trust another CA, set `ca-file = "
					"FILE` in [toolchain]");
		return FETCH_OUTCOME_FAILED;
	case CURLE_UNSUPPORTED_PROTOCOL:
		/* The scheme of the URL or of a redirect is not allowed. */
		if (!o->omit_config_hint &&
		    !strncasecmp(effective_url(t), "http://", 7))
			*code = err_set(
				t->err, EACCES,
				"unencrypted http is not allowed; to allow it, "
				"set `http = true` in [toolchain]");
		else
			*code = err_set(
				t->err, EACCES,
				o->omit_config_hint && o->allow_http ?
					"unsupported protocol: expected https "
					"or http" :
					"unsupported protocol: expected https");
		return FETCH_OUTCOME_FAILED;
	case CURLE_TOO_MANY_REDIRECTS:
		*code = err_set(t->err, EIO, "more than %d redirects",
				FETCH_REDIRECTS_MAX);
		return FETCH_OUTCOME_FAILED;
	case CURLE_COULDNT_RESOLVE_HOST: /* the resolver retries by itself */
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_URL_MALFORMAT:
		*code = err_set(t->err, EIO, "%s", curl_error_text(t, result));
		return FETCH_OUTCOME_FAILED;
	default:
		*code = err_set(t->err, EIO, "%s", curl_error_text(t, result));
		return FETCH_OUTCOME_RETRY;
	}
}

enum fetch_outcome fetch_curl_perform(const struct fetch_request *r,
				      struct fetch_response *a, int *code,
				      struct err *err)
{
	struct transfer t = { .request = r, .response = a, .err = err };
	enum fetch_outcome verdict;
	CURLM *multi;
	CURLcode result;

	fetch_curl_init();
	*a = (struct fetch_response){ .length_bytes = -1 };
	t.easy = curl_easy_init();
	multi = curl_multi_init();
	if (!t.easy || !multi)
		str_out_of_memory();
	set_curl_options(&t);
	curl_multi_add_handle(multi, t.easy);
	result = run_transfer(&t, multi);
	/* Reject an incomplete header, which libcurl accepts. */
	if (!result && !t.header_complete)
		result = CURLE_GOT_NOTHING;
	if (!result)
		is_body_wanted(&t); /* calls on_head() if the body is empty */
	verdict = classify_curl_result(&t, result, code);
	a->url = xstrdup(effective_url(&t));
	/* Do not wait for a pending name lookup. */
	if (verdict == FETCH_OUTCOME_ABORTED)
		curl_easy_setopt(t.easy, CURLOPT_QUICK_EXIT, 1L);
	curl_multi_remove_handle(multi, t.easy);
	curl_easy_cleanup(t.easy);
	curl_multi_cleanup(multi);
	curl_slist_free_all(t.header_lines);
	return verdict;
}

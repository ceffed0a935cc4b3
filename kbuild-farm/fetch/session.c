/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/session.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/task.h"
#include "fetch/curl.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLL_MS 1000

struct fetch_transfer {
	LIST_ENTRY(fetch_transfer) entry;
	struct fetch_exchange *exchange;
	CURL *easy;
	uint64_t end_ms; /* time limit, as a value of clock_ms() */
	size_t header_bytes;
	unsigned n_redirects;
	bool too_large; /* the response exceeded a limit */
	char message_text[CURL_ERROR_SIZE];
};

STAILQ_HEAD(exchange_list, fetch_exchange);
LIST_HEAD(transfer_list, fetch_transfer);

struct fetch_session {
	struct fetch_session_setup setup;
	CURLM *multi;
	struct curl_slist *plain_header; /* header lines of all requests */
	struct curl_slist *header; /* plain_header and then setup.header */
	struct task *task;
	pthread_mutex_t lock; /* protects `added` and `ending` */
	struct exchange_list added;
	bool ending;
	/* accessed only by the thread of `task` */
	struct transfer_list running;
};

static size_t on_header(const char *data, size_t size, size_t n, void *ctx)
{
	struct fetch_transfer *t = ctx;

	(void)data;
	/* libcurl limits the size of a line, but not of the whole header. */
	t->header_bytes += size * n;
	t->too_large |= t->header_bytes > FETCH_HEADER_BYTES_MAX;
	return t->too_large ? 0 : size * n;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct fetch_transfer *t = ctx;
	struct fetch_exchange *x = t->exchange;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	/* Read and discard an error page to keep the connection usable. */
	if (status != 200)
		return size * n;
	t->too_large = size * n > x->size_max - x->content.len ||
		       buf_reserve(&x->content, size * n);
	if (t->too_large)
		return 0;
	buf_add(&x->content, data, size * n);
	return size * n;
}

static bool is_https(const char *url)
{
	return !strncasecmp(url, "https://", 8);
}

/* Return the length of SCHEME://HOST:PORT. */
static size_t origin_len(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

static bool has_origin_of(const char *a, const char *b)
{
	size_t len = origin_len(a);

	return len == origin_len(b) && !strncasecmp(a, b, len);
}

/* Set the options that depend on the URL, which a redirect changes. */
static void set_url(const struct fetch_session *s, struct fetch_transfer *t,
		    const char *url)
{
	uint64_t now = clock_ms();
	bool same = has_origin_of(url, t->exchange->url);

	curl_easy_setopt(t->easy, CURLOPT_URL, url);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER,
			 same ? s->header : s->plain_header);
	curl_easy_setopt(t->easy, CURLOPT_SSLCERT,
			 same ? s->setup.certificate : NULL);
	curl_easy_setopt(t->easy, CURLOPT_SSLKEY,
			 same ? s->setup.certificate_key : NULL);
	curl_easy_setopt(t->easy, CURLOPT_NETRC,
			 same && s->setup.uses_netrc ?
				 (long)CURL_NETRC_OPTIONAL :
				 (long)CURL_NETRC_IGNORED);
	/* libcurl treats a timeout of 0 as no limit, so use at least 1 ms. */
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS,
			 now < t->end_ms ? (long)(t->end_ms - now) : 1L);
}

static void start_transfer(struct fetch_session *s, struct fetch_exchange *x)
{
	struct fetch_transfer *t = xcalloc(1, sizeof(*t));
	CURL *e = curl_easy_init();

	if (!e)
		str_out_of_memory();
	t->exchange = x;
	t->easy = e;
	t->end_ms = clock_ms() + x->timeout_ms;
	LIST_INSERT_HEAD(&s->running, t, entry);
	set_url(s, t, x->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR,
			 is_https(x->url) ? "https" : "https,http");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	/*
	 * Wait until a pending connection is established and share it if it
	 * uses HTTP/2, instead of opening another connection at once.
	 */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "kfarm");
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->message_text);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	if (x->method == FETCH_METHOD_HEAD)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (x->method == FETCH_METHOD_PUT) {
		/*
		 * Do not use CURLOPT_UPLOAD, which would need a callback that
		 * rewinds the body if libcurl sends the body again.
		 */
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body.data);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)x->body.len);
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "PUT");
	}
	if (s->setup.ca_file) {
		curl_easy_setopt(e, CURLOPT_CAINFO, s->setup.ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	if (curl_multi_add_handle(s->multi, e))
		str_out_of_memory();
}

/* Free the transfer and report the end of its exchange. */
static void end_transfer(struct fetch_session *s, struct fetch_transfer *t)
{
	struct fetch_exchange *x = t->exchange;

	LIST_REMOVE(t, entry);
	/* Do not wait for a pending name lookup. */
	if (x->ret)
		curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_multi_remove_handle(s->multi, t->easy);
	curl_easy_cleanup(t->easy);
	free(t);
	x->on_done(x);
}

static void cancel_transfer(struct fetch_session *s, struct fetch_transfer *t)
{
	t->exchange->ret = err_set(&t->exchange->err, ECANCELED, "cancelled");
	end_transfer(s, t);
}

/*
 * Follow a redirect.  Returns true if the transfer continues.  Returns false if
 * the response is not a redirect, or if the redirect is not allowed; in the
 * second case, x->ret is set.
 */
static bool follow_redirect(struct fetch_session *s, struct fetch_transfer *t)
{
	struct fetch_exchange *x = t->exchange;
	bool secure = is_https(x->url);
	char *url = NULL;

	if (x->method == FETCH_METHOD_PUT || x->status < 301 ||
	    x->status > 308 || (x->status > 303 && x->status < 307))
		return false;
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url);
	if (!url)
		return false;
	if (t->n_redirects++ >= FETCH_REDIRECTS_MAX) {
		x->ret = err_set(&x->err, EPROTO, "more than %d redirects",
				 FETCH_REDIRECTS_MAX);
		return false;
	}
	if (!is_https(url) && (secure || strncasecmp(url, "http://", 7))) {
		x->ret = err_set(
			&x->err, EPROTO,
			"the server redirects to a protocol other than %s",
			secure ? "https" : "https or http");
		return false;
	}
	url = xstrdup(url);
	curl_multi_remove_handle(s->multi, t->easy);
	t->header_bytes = 0;
	set_url(s, t, url);
	free(url);
	if (curl_multi_add_handle(s->multi, t->easy))
		str_out_of_memory();
	return true;
}

static void set_curl_error(struct fetch_transfer *t, CURLcode result)
{
	struct fetch_exchange *x = t->exchange;
	const char *text = t->message_text[0] ? t->message_text :
						curl_easy_strerror(result);

	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		x->ret = err_set(&x->err, ETIMEDOUT, "no response within %u ms",
				 x->timeout_ms);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		x->ret = err_set(&x->err, EACCES,
				 "server certificate verification failed: %s",
				 text);
		break;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		x->ret = err_set(&x->err, EACCES, "%s", text);
		break;
	default:
		x->ret = t->too_large ? err_set(&x->err, EFBIG,
						"the response is too large") :
					err_set(&x->err, EIO, "%s", text);
	}
}

static void on_transfer_finished(struct fetch_session *s,
				 struct fetch_transfer *t, CURLcode result)
{
	struct fetch_exchange *x = t->exchange;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &x->status);
	if (result)
		set_curl_error(t, result);
	else if (follow_redirect(s, t))
		return;
	end_transfer(s, t);
}

/* Start the added requests.  Returns true if the session is ending. */
static bool start_added(struct fetch_session *s)
{
	struct exchange_list added = STAILQ_HEAD_INITIALIZER(added);
	struct fetch_exchange *x;
	bool ending;

	pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(&added, &s->added);
	ending = s->ending;
	pthread_mutex_unlock(&s->lock);
	while ((x = STAILQ_FIRST(&added))) {
		STAILQ_REMOVE_HEAD(&added, entry);
		start_transfer(s, x);
	}
	return ending;
}

static void run_session(void *arg)
{
	struct fetch_session *s = arg;
	struct fetch_transfer *t, *next;
	bool ending;
	int n;

	do {
		CURLMsg *message;

		ending = start_added(s);
		for (t = LIST_FIRST(&s->running); t; t = next) {
			const atomic_bool *flag = t->exchange->cancelled;

			next = LIST_NEXT(t, entry);
			if (ending || (flag && atomic_load(flag)))
				cancel_transfer(s, t);
		}
		if (curl_multi_perform(s->multi, &n))
			str_out_of_memory();
		while ((message = curl_multi_info_read(s->multi, &n))) {
			CURLcode result = message->data.result;

			curl_easy_getinfo(message->easy_handle,
					  CURLINFO_PRIVATE, &t);
			on_transfer_finished(s, t, result);
		}
		if (!ending)
			curl_multi_poll(s->multi, NULL, 0, POLL_MS, NULL);
		/* Also cancel requests that on_done() has added. */
	} while (!ending || !STAILQ_EMPTY(&s->added));
}

static struct curl_slist *add_line(struct curl_slist *list, const char *line)
{
	list = curl_slist_append(list, line);
	if (!list)
		str_out_of_memory();
	return list;
}

static struct curl_slist *make_header(char *const *lines)
{
	struct curl_slist *list = NULL;

	list = add_line(list, "Content-Type: application/octet-stream");
	/*
	 * Suppress the line "Expect: 100-continue", because libcurl would wait
	 * for the response 100 before it sends the body.
	 */
	list = add_line(list, "Expect:");
	for (; lines && *lines; lines++)
		list = add_line(list, *lines);
	return list;
}

int fetch_session_new(struct fetch_session **out,
		      const struct fetch_session_setup *setup, struct err *err)
{
	struct fetch_session *s = xcalloc(1, sizeof(*s));
	int ret;

	fetch_curl_init();
	s->setup = *setup;
	s->plain_header = make_header(NULL);
	s->header = make_header(setup->header);
	s->multi = curl_multi_init();
	if (!s->multi)
		str_out_of_memory();
	curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			  (long)setup->connections_max);
	pthread_mutex_init(&s->lock, NULL);
	STAILQ_INIT(&s->added);
	LIST_INIT(&s->running);
	s->task = task_start(run_session, s);
	if (!s->task) {
		ret = err_errno(err, "cannot start a thread");
		fetch_session_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void fetch_session_start(struct fetch_session *s, struct fetch_exchange *x)
{
	pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->added, x, entry);
	pthread_mutex_unlock(&s->lock);
	fetch_session_wake(s);
}

void fetch_session_wake(struct fetch_session *s)
{
	curl_multi_wakeup(s->multi);
}

void fetch_session_free(struct fetch_session *s)
{
	if (!s)
		return;
	if (s->task) {
		pthread_mutex_lock(&s->lock);
		s->ending = true;
		pthread_mutex_unlock(&s->lock);
		fetch_session_wake(s);
		task_join(s->task);
	}
	curl_multi_cleanup(s->multi);
	curl_slist_free_all(s->header);
	curl_slist_free_all(s->plain_header);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "../lib/test.h"
#include "fetch-fixture.h"

#include "fetch/session.h"

#include <pthread.h>
#include <sys/resource.h>

#define CONTENT_MAX 1000
#define LONG_MS     (SECONDS * 1000)

static struct fetch_session *session;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned n_done;

static void on_exchange_done(struct fetch_exchange *x)
{
	(void)x;
	pthread_mutex_lock(&lock);
	n_done++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_done(unsigned n)
{
	pthread_mutex_lock(&lock);
	while (n_done < n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void open_session(char *const *header)
{
	const struct fetch_session_setup setup = { .ca_file = play_ca,
						   .header = header,
						   .connections_max = 4 };
	struct err err;

	must(fetch_session_new(&session, &setup, &err));
}

static struct fetch_exchange exchange(enum fetch_method method, char *url)
{
	return (struct fetch_exchange){ .method = method,
					.url = url,
					.size_max = CONTENT_MAX,
					.timeout_ms = LONG_MS,
					.on_done = on_exchange_done };
}

static void perform(struct fetch_exchange *x)
{
	open_session(NULL);
	fetch_session_start(session, x);
	wait_done(1);
	fetch_session_free(session);
}

static void release_exchange(struct fetch_exchange *x)
{
	buf_release(&x->content);
	free(x->url);
}

static void expect_error(const struct fetch_exchange *x, int code,
			 const char *text)
{
	ck_assert_int_eq(x->ret, code);
	ck_assert_str_eq(x->err.text, text);
}

TEST(concurrent_requests_yield_their_contents)
{
	struct fetch_exchange all[50];

	open_session(NULL);
	for (unsigned i = 0; i < 50; i++) {
		char *path = xasprintf("/size=%u/many", i);

		all[i] = exchange(FETCH_METHOD_GET,
				  i % 2 ? play_http(path) : play_url(path));
		free(path);
		fetch_session_start(session, &all[i]);
	}
	wait_done(50);
	for (unsigned i = 0; i < 50; i++) {
		ck_assert_msg(!all[i].ret, "%u: %s", i, all[i].err.text);
		ck_assert_int_eq(all[i].status, 200);
		ck_assert_uint_eq(all[i].content.len, i);
		for (unsigned k = 0; k < i; k++)
			ck_assert_uint_eq(all[i].content.data[k],
					  bad_byte(0, k));
		release_exchange(&all[i]);
	}
	fetch_session_free(session);
}

TEST(an_error_status_yields_no_content)
{
	struct fetch_exchange x = exchange(
		FETCH_METHOD_GET, play_url("/status=404/size=100/missing"));

	perform(&x);
	ck_assert_int_eq(x.ret, 0);
	ck_assert_int_eq(x.status, 404);
	ck_assert_uint_eq(x.content.len, 0);
	release_exchange(&x);
}

/* A body, of the given or an unknown length, exceeds the limit. */
static const char *const too_large[] = {
	"/size=1001/large",         "/size=1001/length=-1/large",
	"/size=1001/chunked/large", "/endless/large",
	"/endless-head/large",
};

TEST_EACH(a_large_response_is_rejected, too_large)
{
	struct fetch_exchange x = exchange(FETCH_METHOD_GET, play_http(*row));

	perform(&x);
	expect_error(&x, -EFBIG, "the response is too large");
	ck_assert_uint_le(x.content.len, CONTENT_MAX);
	release_exchange(&x);
}

static const char *const stalled[] = {
	"/size=100/stall=-1/stalled",
	"/size=100/stall=50/stalled",
	"/size=100/drip=1000/stalled",
};

TEST_EACH(a_stalled_response_times_out, stalled)
{
	struct fetch_exchange x = exchange(FETCH_METHOD_GET, play_url(*row));

	x.timeout_ms = 200;
	perform(&x);
	expect_error(&x, -ETIMEDOUT, "no response within 200 ms");
	release_exchange(&x);
}

TEST(a_response_that_is_cut_is_an_error)
{
	struct fetch_exchange x = exchange(
		FETCH_METHOD_GET, play_http("/size=100/cut=50/response"));

	perform(&x);
	ck_assert_int_eq(x.ret, -EIO);
	release_exchange(&x);
}

/* The port or the scheme of a redirect is different, the host is equal. */
static const struct {
	const char *path;
	bool secure;
	unsigned status;
} password_uses[] = {
	{ "/anonymous/size=7/password", true, 403 },
	{ "/anonymous/size=7/password", false, 403 },
	{ "/hops=1/anonymous/size=7/password", true, 403 },
	{ "/to-https/anonymous/size=7/password", false, 200 },
};

TEST_EACH(passwords_of_netrc_are_sent_only_to_the_requested_origin,
	  password_uses)
{
	const struct fetch_session_setup setup = { .ca_file = play_ca,
						   .uses_netrc = true,
						   .connections_max = 1 };
	struct fetch_exchange x = exchange(FETCH_METHOD_GET,
					   row->secure ? play_url(row->path) :
							 play_http(row->path));
	char *path = xasprintf("%s/.netrc", play_dir);
	struct err err;

	must(fs_write(path,
		      bytes_str("machine 127.0.0.1 login me password secret\n"),
		      0600, &err));
	setenv("HOME", play_dir, 1);
	must(fetch_session_new(&session, &setup, &err));
	fetch_session_start(session, &x);
	wait_done(1);
	fetch_session_free(session);
	ck_assert_msg(!x.ret, "%s", x.err.text);
	ck_assert_uint_eq(x.status, row->status);
	release_exchange(&x);
	free(path);
}

static const struct redirect {
	const char *path;
	bool secure;
	const char *error; /* NULL: it is followed */
} redirects[] = {
	{ "/hops=3/status=302/size=7/redirect", true, NULL },
	{ "/hops=3/status=307/size=7/redirect", false, NULL },
	{ "/to-https/size=7/redirect", false, NULL },
	{ "/to-http/size=7/redirect", true,
	  "the server redirects to a protocol other than https" },
	{ "/to-file/size=7/redirect", true,
	  "the server redirects to a protocol other than https" },
	{ "/to-file/size=7/redirect", false,
	  "the server redirects to a protocol other than https or http" },
	{ "/loop/redirect", true, "more than 10 redirects" },
};

TEST_EACH(redirect_loops_and_insecure_redirects_are_rejected, redirects)
{
	struct fetch_exchange x = exchange(FETCH_METHOD_GET,
					   row->secure ? play_url(row->path) :
							 play_http(row->path));

	perform(&x);
	if (row->error) {
		expect_error(&x, -EPROTO, row->error);
	} else {
		ck_assert_msg(!x.ret, "%s", x.err.text);
		ck_assert_int_eq(x.status, 200);
		ck_assert_uint_eq(x.content.len, 7);
	}
	release_exchange(&x);
}

TEST(the_server_needs_a_certificate_of_the_authority)
{
	const struct fetch_session_setup setup = { .ca_file = play_other,
						   .connections_max = 1 };
	struct fetch_exchange x = exchange(FETCH_METHOD_GET,
					   play_url("/size=1/other"));
	struct err err;

	must(fetch_session_new(&session, &setup, &err));
	fetch_session_start(session, &x);
	wait_done(1);
	ck_assert_int_eq(x.ret, -EACCES);
	ck_assert(str_starts(x.err.text,
			     "server certificate verification failed: "));
	release_exchange(&x);
	fetch_session_free(session);
}

TEST(a_flag_or_the_end_of_the_session_cancels_requests)
{
	struct fetch_exchange x[3];
	atomic_bool cancelled = false;

	open_session(NULL);
	for (int i = 0; i < 3; i++) {
		x[i] = exchange(FETCH_METHOD_GET,
				play_http("/size=9/stall=-1/cancelled"));
		fetch_session_start(session, &x[i]);
	}
	pthread_mutex_lock(&lock);
	ck_assert_uint_eq(n_done, 0);
	pthread_mutex_unlock(&lock);
	fetch_session_free(session);
	ck_assert_uint_eq(n_done, 3);
	for (int i = 0; i < 3; i++) {
		expect_error(&x[i], -ECANCELED, "cancelled");
		release_exchange(&x[i]);
	}

	n_done = 0;
	open_session(NULL);
	for (int i = 0; i < 2; i++)
		x[i] = exchange(FETCH_METHOD_GET,
				play_http("/size=9/stall=-1/cancelled"));
	x[0].cancelled = &cancelled;
	fetch_session_start(session, &x[0]);
	fetch_session_start(session, &x[1]);
	atomic_store(&cancelled, true);
	fetch_session_wake(session);
	wait_done(1);
	ck_assert_int_eq(x[0].ret, -ECANCELED);
	fetch_session_free(session);
	release_exchange(&x[0]);
	release_exchange(&x[1]);
}

TEST(a_session_without_a_thread_is_an_error)
{
	const struct fetch_session_setup setup = { .connections_max = 4 };
	struct rlimit limit, lower;
	struct err err;
	int lowest = dup(0);

	ck_assert_int_ge(lowest, 0);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lower = limit;
	lower.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lower), 0);
	err_is(fetch_session_new(&session, &setup, &err), -EMFILE,
	       "cannot start a thread: Too many open files");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

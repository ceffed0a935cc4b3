/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "../lib/test.h"
#include "fetch-fixture.h"

#include <sys/resource.h>

#define MANY   (1u << 20)
#define COUPLE 8

/*
 * ------------------------------------------------------------- disconnections
 */

#define BODY 300

TEST(a_body_cut_after_any_byte_is_completed)
{
	struct err err = { 0 };
	char last[200] = "", range[200];

	for (unsigned i = 0; i <= BODY; i++) {
		char *path = xasprintf("/size=%u/cut=%u/cuts=1/body", BODY, i);
		char *url = i % 16 ? play_http(path) : play_url(path);

		ck_assert_msg(!play_get(url, NULL, MANY, &err), "cut=%u: %s", i,
			      err.text);
		play_expect(BODY, 0);
		ck_assert_uint_eq(play_requests(path, last, sizeof(last)),
				  i < BODY ? 2 : 1);
		snprintf(range, sizeof(range), "bytes=%u- \"v0-%u\"", i, BODY);
		ck_assert_str_eq(last, i && i < BODY ? range : "- -");
		free(path);
	}
}

TEST(a_chunked_body_cut_after_any_byte_is_completed)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < BODY; i++) {
		char *path = xasprintf("/chunked/size=%u/cut=%u/cuts=1/body",
				       BODY, i);

		ck_assert_msg(!play_get(play_http(path), NULL, MANY, &err),
			      "cut=%u: %s", i, err.text);
		play_expect(BODY, 0);
		free(path);
	}
}

TEST(a_header_cut_after_any_byte_is_requested_again)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < 120; i++) {
		char *path = xasprintf("/size=10/hcut=%u/times=1/head", i);
		char *url = i % 16 ? play_http(path) : play_url(path);

		ck_assert_msg(!play_get(url, NULL, MANY, &err), "hcut=%u: %s",
			      i, err.text);
		play_expect(10, 0);
		free(path);
	}
}

TEST(tries_with_little_progress_are_limited)
{
	struct err err = { 0 };

	play_options.n_tries = 3;
	ck_assert_int_eq(play_get(play_url("/cut=10/little"), NULL, MANY, &err),
			 -EIO);
	ck_assert_uint_eq(play_requests("/cut=10/little", NULL, 0), 3);
	ck_assert_uint_eq(got.bytes, 30);
}

TEST(tries_with_much_progress_are_not_limited)
{
	struct err err = { 0 };

	play_options.n_tries = 2;
	must(play_get(play_http("/size=5000000/cut=1100000/much"), NULL,
		      5000000, &err));
	play_expect(5000000, 0);
	ck_assert_uint_eq(
		play_requests("/size=5000000/cut=1100000/much", NULL, 0), 5);
}

TEST(a_short_body_is_an_error_and_a_long_body_is_truncated)
{
	struct err err = { 0 };

	play_options.n_tries = 2;
	ck_assert_int_eq(play_get(play_url("/size=100/length=200/more"), NULL,
				  MANY, &err),
			 -EIO);
	/* Content-Length decides the end; checksums detect a short file. */
	must(play_get(play_url("/size=100/length=50/less"), NULL, MANY, &err));
	play_expect(50, 0);
}

static const char *const broken[] = {
	"/endless-head/broken", "/hcut=0/broken",    "/hcut=5/broken",
	"/hcut=20/broken",      "/length=0/cut=9/x", "/range=always/broken",
};

TEST_EACH(malformed_responses_deliver_no_data, broken)
{
	struct err err = { 0 };
	int ret;

	play_options.n_tries = 1;
	ret = play_get(play_http(*row), NULL, MANY, &err);
	if (strstr(*row, "length=0"))
		ck_assert_int_eq(ret, 0);
	else
		ck_assert_int_eq(ret, -EIO);
	ck_assert_uint_eq(got.bytes, 0);
}

/* --------------------------------------------------------------------- stalls
 */

static const char *const stalling[] = {
	"/stall=-1/s",
	"/stall=0/s",
	"/stall=300/s",
	"/drip=20/s",
};

TEST_EACH(a_stalled_or_slow_transfer_times_out, stalling)
{
	struct err err = { 0 };

	play_options.n_tries = 1;
	play_options.stall_s = 1;
	ck_assert_int_eq(play_get(play_http(*row), NULL, MANY, &err),
			 -ETIMEDOUT);
	play_expect_text(&err, "transfer too slow: less than 1024 bytes/s for "
			       "1 s; try again");
}

TEST(the_body_of_an_error_response_is_not_awaited)
{
	struct err err = { 0 };

	ck_assert_int_eq(
		play_get(play_http("/stall=10/status=404/n"), NULL, MANY, &err),
		-ENOENT);
}

TEST(a_stalled_download_is_resumed)
{
	struct err err = { 0 };

	play_options.stall_s = 1;
	play_options.n_tries = 100;
	must(play_get(play_url("/stall=300/times=1/on"), NULL, MANY, &err));
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, 0);
}

TEST(a_slow_sink_is_no_stall)
{
	struct err err = { 0 };

	play_options.n_tries = 1;
	play_options.stall_s = 3;
	got.sleep_ms = 3500;
	must(play_get(play_http("/size=1000000/slow-sink"), NULL, MANY, &err));
	play_expect(1000000, 0);
}

/* --------------------------------------------------------------------- cancel
 */

static void *cancel_soon(void *arg)
{
	poll(NULL, 0, 200);
	atomic_store(&got.cancel, true);
	return arg;
}

static const char *const lasting[] = {
	"/stall=-1/c",
	"/stall=300/c",
	"/drip=50/c",
	"/endless/c",
	"/endless-head/hcut=-2/stall=5/c",
	"/status=503/after=60/c",
};

TEST_EACH(a_waiting_download_can_be_cancelled, lasting)
{
	uint64_t before = clock_ms();
	struct err err = { 0 };
	pthread_t thread;

	got.is_dull = true;
	play_options.n_tries = 100;
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	ck_assert_int_eq(play_get(play_http(*row), NULL, UINT64_MAX, &err),
			 -ECANCELED);
	play_expect_text(&err, "/c: cancelled");
	/* About 0.1 s on an idle machine, far below any timeout. */
	ck_assert_uint_lt(clock_ms() - before, 20000);
	pthread_join(thread, NULL);
}

TEST(a_cancelled_download_is_resumed)
{
	struct err err = { 0 };
	struct stat st;

	got.cancel_at = 600;
	ck_assert_int_eq(play_get(play_url("/stall=600/times=1/kept"),
				  play_part, MANY, &err),
			 -ECANCELED);
	ck_assert_int_eq(stat(play_part, &st), 0);
	ck_assert_int_eq(st.st_size, 600);
	got.cancel_at = 0;
	atomic_store(&got.cancel, false);
	must(play_get(play_url("/stall=600/times=1/kept"), play_part, MANY,
		      &err));
	play_expect(1000, 0);
	ck_assert_uint_eq(got.restarts, 0);
}

/* ------------------------------------------------------------------------ TLS
 */

TEST(a_certificate_of_an_unknown_authority_is_rejected)
{
	struct err err = { 0 };

	play_options.ca_file = play_other;
	ck_assert_int_eq(play_get(play_url("/tls"), NULL, MANY, &err), -EACCES);
	play_expect_text(&err, "server certificate verification failed");
	play_expect_text(&err, "set `ca-file = FILE` in [toolchain]");
	play_options.ca_file = NULL;
	ck_assert_int_eq(play_get(play_url("/tls"), NULL, MANY, &err), -EACCES);
	ck_assert_uint_eq(play_requests("/tls", NULL, 0), 0);
}

TEST(a_missing_ca_file_is_named)
{
	struct err err = { 0 };

	play_options.ca_file = "/nonexistent/ca.pem";
	ck_assert_int_eq(play_get(play_url("/ca"), NULL, MANY, &err), -EACCES);
	play_expect_text(&err, "CA file /nonexistent/ca.pem");
}

TEST(an_http_server_at_an_https_url_is_an_error)
{
	char *url = xasprintf("https://127.0.0.1:%d/x", bad.port[1]);
	struct err err = { 0 };

	play_options.n_tries = 2;
	ck_assert_int_eq(play_get(url, NULL, MANY, &err), -EIO);
}

TEST(a_refused_connection_is_an_error)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	struct err err = { 0 };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* Bound but not listening, so that no other process gets the port. */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	play_options.n_tries = 2;
	ck_assert_int_eq(
		play_get(xasprintf("https://127.0.0.1:%d/x", ntohs(a.sin_port)),
			 NULL, MANY, &err),
		-EIO);
	play_expect_text(&err, "/x: ");
	close(fd);
}

/* ----------------------------------------------- concurrency and memory */

static int count_bytes(void *ctx, struct bytes b, struct err *err)
{
	(void)err;
	*(uint64_t *)ctx += b.len;
	return 0;
}

static void *one_of_many(void *arg)
{
	const unsigned i = *(unsigned *)arg;
	char *url = xasprintf("https://127.0.0.1:%d/size=%u/cut=700000/many",
			      bad.port[0], 1000000 + i);
	char *part = xasprintf("%s/part-%u", play_dir, i);
	const char *const urls[] = { url, NULL };
	uint64_t bytes = 0;
	const struct fetch_sink sink = { .on_data = count_bytes,
					 .ctx = &bytes };
	struct err err = { 0 };
	int ret = fetch_download_file(urls, part, 2 * MANY, &play_options,
				      &sink, NULL, &err);

	if (ret || bytes != 1000000 + i)
		fprintf(stderr, "%u: %d: %s\n", i, ret, err.text);
	*(unsigned *)arg = ret == 0 && bytes == 1000000 + i;
	fetch_partial_remove(part);
	free(part);
	free(url);
	return NULL;
}

TEST(concurrent_downloads_are_independent)
{
	pthread_t thread[COUPLE];
	unsigned number[COUPLE];

	for (unsigned i = 0; i < COUPLE; i++) {
		number[i] = i;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, one_of_many,
						&number[i]),
				 0);
	}
	for (unsigned i = 0; i < COUPLE; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_uint_eq(number[i], 1);
	}
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

TEST(memory_does_not_grow_with_the_file)
{
	struct err err = { 0 };
	long before = peak_kib();

	got.is_dull = true;
	must(play_get(play_url("/size=67108864/large"), play_part, 67108864,
		      &err));
	ck_assert_uint_eq(got.bytes, 67108864);
#ifndef __SANITIZE_ADDRESS__ /* which delays the reuse of freed memory */
	ck_assert_int_lt(peak_kib() - before, 16384);
#else
	ck_assert_int_ge(peak_kib(), before);
#endif
}

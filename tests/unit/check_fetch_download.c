/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "../lib/test.h"
#include "fetch-fixture.h"

#define MANY (1u << 20)

/* ----------------------------------------------------------- whole files */

static const unsigned sizes[] = { 0, 1, 1000, 65536, 300000 };

TEST_RANGE(files_are_downloaded_by_https_and_http, 0,
	   2 * sizeof(sizes) / sizeof(sizes[0]))
{
	unsigned size = sizes[_i / 2];
	char *path = xasprintf("/size=%u/whole%d", size, _i);
	char *url = _i % 2 ? play_url(path) : play_http(path);
	struct err err = { 0 };

	must(play_get(url, NULL, MANY, &err));
	play_expect(size, 0);
	ck_assert_uint_eq(got.done, size);
	ck_assert_uint_eq(got.total, size);
	ck_assert_uint_ge(got.reports, 1);
	ck_assert_uint_eq(play_requests(path, NULL, 0), 1);
	free(path);
}

static const char *const ways[] = { "chunked", "length=-1", "drip=1" };

TEST_EACH(chunked_unsized_and_slow_bodies_are_downloaded, ways)
{
	char *path = xasprintf("/size=99/%s/way", *row);
	struct err err = { 0 };

	must(play_get(play_url(path), NULL, MANY, &err));
	play_expect(99, 0);
	ck_assert_uint_eq(got.restarts, 0);
	free(path);
}

TEST(a_downloaded_text_is_complete_or_empty)
{
	char *good = play_url("/size=70000/text");
	char *bad_one = play_url("/size=70000/cut=60000/text");
	const char *const urls[] = { good, NULL };
	const char *const no_urls[] = { bad_one, NULL };
	struct err err = { 0 };
	struct buf out = { 0 };

	buf_add_str(&out, "left over");
	must(fetch_download_text(urls, 70000, &play_options, &out, &err));
	ck_assert_uint_eq(out.len, 70000);
	ck_assert_uint_eq(out.data[0], bad_byte(0, 0));
	play_options.n_tries = 1;
	ck_assert_int_eq(
		fetch_download_text(no_urls, 70000, &play_options, &out, &err),
		-EIO);
	ck_assert_uint_eq(out.len, 0);
	buf_release(&out);
	free(good);
	free(bad_one);
}

/* ------------------------------------------------------- https and redirects
 */

TEST(no_http_request_is_sent_unless_http_is_allowed)
{
	struct err err = { 0 };

	play_options.allow_http = false;
	ck_assert_int_eq(play_get(play_http("/plain"), NULL, MANY, &err),
			 -EACCES);
	play_expect_text(&err, "/plain: unencrypted http is not allowed; to "
			       "allow it, set `http = true` in [toolchain]");
	ck_assert_uint_eq(play_requests("/plain", NULL, 0), 0);
}

TEST(a_redirect_to_http_is_followed_only_if_allowed)
{
	char *url = play_url("/to-http/size=10/after");
	char *end = play_http("/size=10/after");
	const char *const urls[] = { url, NULL };
	struct err err = { 0 };
	char *from = NULL;

	play_options.allow_http = false;
	ck_assert_int_eq(play_get(xstrdup(url), NULL, MANY, &err), -EACCES);
	play_expect_text(&err, "after redirect: http://127.0.0.1");
	ck_assert_uint_eq(play_requests("/size=10/after", NULL, 0), 0);

	play_options.allow_http = true;
	play_forget();
	must(fetch_download_file(urls, NULL, MANY, &play_options, &play_sink,
				 &from, &err));
	play_expect(10, 0);
	ck_assert_str_eq(from, end);
	free(from);
	free(end);
	free(url);
}

/* A path, and a part of its error message; none: success. */
static const struct {
	const char *path;
	int ret;
	const char *words;
} redirects[] = {
	{ "/to-https/size=5/up", 0, NULL },
	{ "/hops=10/size=5/ten", 0, NULL },
	{ "/hops=3/status=307/size=5/other-way", 0, NULL },
	{ "/hops=11/size=5/eleven", -EIO, "more than 10 redirects" },
	{ "/loop/forever", -EIO, "more than 10 redirects" },
	{ "/to-file", -EACCES, "file:///etc/passwd: unsupported protocol" },
	{ "/to-odd", -EIO, "127.0.0.1" },
	{ "/status=302/nowhere", -EIO, "unexpected response (HTTP 302)" },
	{ "/status=300/loop", -EIO, "unexpected response (HTTP 300)" },
	{ "/status=304/unasked", -EIO, "unexpected response (HTTP 304)" },
	{ "/hops=1/endless/size=5/fat", -EFBIG, "more than 1000 bytes" },
};

TEST_EACH(up_to_ten_valid_redirects_are_followed, redirects)
{
	struct err err = { 0 };
	int ret;

	play_options.n_tries = 1;
	ret = play_get(play_http(row->path), NULL, 1000, &err);
	ck_assert_msg(ret == row->ret, "%s: %d: %s", row->path, ret, err.text);
	if (ret)
		play_expect_text(&err, row->words);
	else
		play_expect(5, 0);
}

TEST(a_password_in_an_url_is_not_printed)
{
	char *url = xasprintf("http://me:secret@127.0.0.1:%d/status=404/pw",
			      bad.port[1]);
	struct err err = { 0 };

	ck_assert_int_eq(play_get(url, NULL, MANY, &err), -ENOENT);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	play_expect_text(&err, "/status=404/pw: no such file (HTTP 404)");
}

/* ------------------------------------------------------------------ mirrors */

/* Download from two mirrors, the second of which works or also fails. */
static int two(const char *first, const char *second, struct err *err)
{
	char *a = play_http(first), *b = play_http(second);
	const char *const urls[] = { a, b, NULL };
	int ret;

	play_forget();
	ret = fetch_download_file(urls, NULL, 5000, &play_options, &play_sink,
				  NULL, err);
	free(a);
	free(b);
	return ret;
}

static const char *const failing[] = {
	"/status=404/mirror",
	"/status=410/mirror",
	"/status=403/mirror",
	"/status=500/mirror",
	"/status=503/after=100000/mirror",
	"/status=418/mirror",
	"/size=1000/cut=500/mirror",
	"/size=1000/cut=500/chunked/mirror",
	"/hcut=10/mirror",
	"/hcut=0/mirror",
	"/endless/mirror",
	"/endless-head/mirror",
	"/size=6000/mirror",
	"/size=6000/chunked/mirror",
	"/size=6000/length=-1/mirror",
	"/status=404/endless/mirror",
	"/status=200/mirror",
	"/loop/mirror",
	"/to-file/mirror",
	"/range=always/mirror",
	"/length=2000/mirror",
};

TEST_EACH(the_next_mirror_is_used_if_one_fails, failing)
{
	struct err err = { 0 };

	play_options.n_tries = 2;
	ck_assert_msg(!two(*row, "/size=1000/good", &err), "%s: %s", *row,
		      err.text);
	if (strcmp(*row, "/status=200/mirror") != 0)
		play_expect(1000, 0);
}

TEST(a_file_is_missing_only_if_all_mirrors_lack_the_file)
{
	struct err err = { 0 };

	play_options.n_tries = 2;
	ck_assert_int_eq(two("/status=404/m1", "/status=404/m2", &err),
			 -ENOENT);
	play_expect_text(&err, "all mirrors failed:\n  http://127");
	play_expect_text(&err, "/m1: no such file (HTTP 404)\n  http://127");
	play_expect_text(&err, "/m2: no such file (HTTP 404)");
	ck_assert_int_eq(two("/status=500/m1", "/status=404/m2", &err), -EIO);
	play_expect_text(
		&err, "/m1: temporary server error (HTTP 500)\n  http://127");
	play_expect_text(&err,
			 "/m2: no such file (HTTP 404)\n  try again later");
	ck_assert_int_eq(two("/status=404/m1", "/status=403/m2", &err),
			 -EACCES);
	play_expect_text(&err, "/m2: access denied (HTTP 403)");
}

TEST(a_download_without_mirrors_fails_with_advice)
{
	static const char *const none_at_all[] = { NULL };
	struct err err = { 0 };

	ck_assert_int_eq(fetch_download_file(none_at_all, NULL, MANY, NULL,
					     &play_sink, NULL, &err),
			 -ENOENT);
	play_expect_text(&err, "set `mirror = URL` in [toolchain]");
}

/* ------------------------------------------------------------------ retries */

TEST(server_errors_are_retried_and_missing_files_are_not)
{
	struct err err = { 0 };

	play_options.n_tries = 3;
	ck_assert_int_eq(
		play_get(play_url("/status=500/thrice"), NULL, MANY, &err),
		-EIO);
	ck_assert_uint_eq(play_requests("/status=500/thrice", NULL, 0), 3);
	ck_assert_int_eq(
		play_get(play_url("/status=404/once"), NULL, MANY, &err),
		-ENOENT);
	ck_assert_uint_eq(play_requests("/status=404/once", NULL, 0), 1);
}

TEST(retry_after_is_respected_up_to_a_limit)
{
	uint64_t before = clock_ms();
	struct err err = { 0 };

	must(play_get(play_url("/status=503/after=1/times=1"
			       "/size=9/soon"),
		      NULL, MANY, &err));
	ck_assert_uint_ge(clock_ms() - before, 1000);
	play_expect(9, 0);
	ck_assert_int_eq(play_get(play_url("/status=429/after=7200/later"),
				  NULL, MANY, &err),
			 -ETIMEDOUT);
	play_expect_text(&err,
			 "the server is busy and requests a pause of 7200 s");
	ck_assert_uint_eq(
		play_requests("/status=429/after=7200/later", NULL, 0), 1);
}

TEST(a_failing_sink_ends_the_download)
{
	struct err err = { 0 };

	got.fail = -ENOSPC;
	ck_assert_int_eq(play_get(play_url("/size=9/full"), NULL, MANY, &err),
			 -ENOSPC);
	play_expect_text(&err, "/size=9/full: the sink is full");
	ck_assert_uint_eq(play_requests("/size=9/full", NULL, 0), 1);
}

/* -------------------------------------------------------------------- limits
 */

TEST(the_size_limit_is_exact_to_the_byte)
{
	struct err err = { 0 };

	must(play_get(play_url("/size=100/l"), NULL, 100, &err));
	play_expect(100, 0);
	ck_assert_int_eq(play_get(play_url("/size=101/l"), NULL, 100, &err),
			 -EFBIG);
	play_expect_text(&err, "/l: file too large: more than 100 bytes");
	ck_assert_uint_eq(got.bytes, 0);
	ck_assert_int_eq(
		play_get(play_url("/size=101/chunked/l"), NULL, 100, &err),
		-EFBIG);
	ck_assert_uint_le(got.bytes, 100);
}

TEST(the_proxy_of_the_environment_is_used)
{
	char *proxy = play_http("");
	struct err err = { 0 };

	setenv("http_proxy", proxy, 1);
	must(play_get(xstrdup("http://kernel.invalid/size=8/proxy"), NULL, MANY,
		      &err));
	play_expect(8, 0);
	ck_assert_uint_eq(play_requests("/size=8/proxy", NULL, 0), 1);
	free(proxy);
}

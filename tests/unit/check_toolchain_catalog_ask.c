/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/catalog.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "toolchain-server.h"

#define BIN     "/crosstool/files/bin/"
#define A(name) "<a href=\"" name "\">" name "</a>\n"

static const struct fetch_options one_try = {
	.allow_http = true,
	.n_tries = 1,
};

/*
 * Fetch the listings from the servers, without a cache.  Only the user can read
 * the new cache.
 */
static int load_uncached(struct toolchain_catalog *c,
			 const char *const *mirrors,
			 const struct fetch_options *options, struct err *err)
{
	char dir[TEMPDIR_SIZE], *file;
	struct toolchain_catalog_setup setup = { .fetch = options };
	struct strv list = { 0 };
	struct stat st;
	int ret;

	tempdir_make(dir);
	setup.cache_path = file = xasprintf("%s/catalog", dir);
	strv_add_all(&list, (char *const *)mirrors);
	setup.mirrors = &list;
	ret = toolchain_catalog_load(c, &setup, err);
	if (!ret) {
		ck_assert_int_eq(stat(file, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
	}
	strv_release(&list);
	free(file);
	tempdir_remove(dir);
	return ret;
}

static const struct page plain[] = {
	{ BIN, A("../") A("arm64/") A("x86_64/") A("vax/") A("..%2fetc/") },
	{ BIN "x86_64/", A("../") A("13.3.0/") A("7.3.0/") A("latest/") },
	{ BIN "arm64/", A("13.3.0/") },
	{ BIN "x86_64/13.3.0/",
	  A("sha256sums.asc") A("x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.gz")
		  A("x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.sign") A(
			  "x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz")
			  A("x86_64-gcc-13.3.0-nolibc-..%2f..%2fx.tar.xz") },
	{ BIN "x86_64/7.3.0/", A("x86_64-gcc-7.3.0-nolibc_arm-linux-gnueabi"
				 ".tar.xz") },
	{ BIN "arm64/13.3.0/",
	  A("arm64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz") },
	{ "/llvm/files/", A("llvm-22.1.8-x86_64.tar.xz") A("prebuilt/") },
	{ 0 },
};

TEST(all_valid_archives_in_the_listings_are_found)
{
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	struct server s;

	server_start(&s, plain);
	must(load_uncached(&c, (const char *[]){ s.url, NULL }, &one_try,
			   &err));
	ck_assert_uint_eq(c.n_archives, 4);
	ck_assert_str_eq(str_base(c.archives[0].mirror_path),
			 "arm64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz");
	ck_assert_str_eq(str_base(c.archives[1].mirror_path),
			 "x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz");
	ck_assert_str_eq(str_base(c.archives[2].mirror_path),
			 "x86_64-gcc-7.3.0-nolibc_arm-linux-gnueabi.tar.xz");
	ck_assert_str_eq(str_base(c.archives[3].mirror_path),
			 "llvm-22.1.8-x86_64.tar.xz");
	ck_assert_uint_eq(c.failed_dirs.n, 0);
	ck_assert_uint_eq(c.warnings.n, 0);
	/* Names that are neither hosts nor versions are not fetched. */
	ck_assert_uint_eq(s.requests, 7);
	server_stop(&s);
	toolchain_catalog_release(&c);
}

static const struct page broken[] = {
	{ BIN, A("x86_64/") },
	{ BIN "x86_64/", A("13.3.0/") A("12.4.0/") },
	{ BIN "x86_64/13.3.0/", NULL },
	{ BIN "x86_64/12.4.0/",
	  A("x86_64-gcc-12.4.0-nolibc-or1k-linux.tar.xz") },
	{ 0 },
};

TEST(a_failed_directory_does_not_affect_other_directories)
{
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	struct server s;

	server_start(&s, broken);
	must(load_uncached(&c, (const char *[]){ s.url, NULL }, &one_try,
			   &err));
	ck_assert_uint_eq(c.n_archives, 1);
	ck_assert_uint_eq(c.failed_dirs.n, 1);
	ck_assert_str_eq(c.failed_dirs.v[0], BIN "x86_64/13.3.0/" + 1);
	ck_assert_uint_eq(c.warnings.n, 1);
	ck_assert_msg(strstr(c.warnings.v[0], "13.3.0") != NULL, "%s",
		      c.warnings.v[0]);
	server_stop(&s);
	toolchain_catalog_release(&c);
}

TEST(a_directory_that_fails_is_fetched_from_the_next_mirror)
{
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	struct server first, second;

	server_start(&first, broken);
	server_start(&second, plain);
	must(load_uncached(&c, (const char *[]){ first.url, second.url, NULL },
			   &one_try, &err));
	/* 13.3.0 and LLVM come from the second mirror. */
	ck_assert_uint_eq(c.n_archives, 3);
	ck_assert_uint_eq(c.failed_dirs.n, 0);
	server_stop(&second);
	server_stop(&first);
	toolchain_catalog_release(&c);
}

TEST(a_mirror_that_keeps_failing_is_not_queried_further)
{
	static struct page pages[70] = { { BIN, A("x86_64/") } };
	struct toolchain_catalog c = { 0 };
	struct buf list = { 0 };
	struct err err = { 0 };
	struct server s;

	for (int i = 0; i < 60; i++) {
		buf_printf(&list, "<a href=\"13.%d.0/\">x</a>", i);
		pages[i + 2] = (struct page){
			xasprintf(BIN "x86_64/13.%d.0/", i), NULL
		};
	}
	pages[1] = (struct page){ BIN "x86_64/", buf_str(&list) };
	pages[62] = (struct page){ "/llvm/files/",
				   A("llvm-22.1.8-x86_64.tar.xz") };
	server_start(&s, pages);
	must(load_uncached(&c, (const char *[]){ s.url, NULL }, &one_try,
			   &err));
	ck_assert_uint_eq(c.n_archives, 1);
	ck_assert_uint_eq(c.failed_dirs.n, 60);
	/* Four failures reach the limit; other requests are then in flight. */
	ck_assert_uint_lt(s.requests, 3 + 4 + 9);
	server_stop(&s);
	for (int i = 0; i < 60; i++)
		free((char *)pages[i + 2].path);
	buf_release(&list);
	toolchain_catalog_release(&c);
}

TEST(excess_versions_and_archives_are_ignored_with_a_warning)
{
	static struct page pages[8] = { { BIN, A("x86_64/") } };
	struct buf versions = { 0 }, files = { 0 };
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	struct server s;

	for (int i = 0; i < 100000; i++) {
		buf_printf(&versions, "<a href=\"9.%d.%d/\">x</a>", i / 99999,
			   i % 99999);
		buf_printf(&files,
			   "<a href=\"x86_64-gcc-9.1.0-nolibc-a%d-linux"
			   ".tar.xz\">x</a>",
			   i);
	}
	pages[1] = (struct page){ BIN "x86_64/", buf_str(&versions) };
	/* The newest version. */
	pages[2] = (struct page){ BIN "x86_64/9.1.0/", buf_str(&files) };
	server_start(&s, pages);
	must(load_uncached(&c, (const char *[]){ s.url, NULL }, &one_try,
			   &err));
	ck_assert_uint_eq(c.n_archives, TOOLCHAIN_CATALOG_ARCHIVES_MAX);
	ck_assert_uint_eq(c.warnings.n, 1);
	ck_assert_uint_le(s.requests, 3 + TOOLCHAIN_CATALOG_VERSIONS_MAX);
	server_stop(&s);
	toolchain_catalog_release(&c);
	buf_release(&versions);
	buf_release(&files);
}

TEST(a_mirror_without_any_listing_is_an_error)
{
	static const struct page empty[] = { { 0 } };
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	struct server s;

	server_start(&s, empty);
	ck_assert_int_eq(load_uncached(&c, (const char *[]){ s.url, NULL },
				       &one_try, &err),
			 -ENOENT);
	ck_assert_msg(strstr(err.text, s.url) != NULL, "%s", err.text);
	server_stop(&s);
	toolchain_catalog_release(&c);
}

TEST(an_error_does_not_contain_the_password)
{
	static const struct page pages[] = { { BIN, "\n" },
					     { "/llvm/files/", "\n" },
					     { 0 } };
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	char *mirror, *text;
	struct server s;

	server_start(&s, pages);
	mirror = xasprintf("http://me:secret@%s", s.url + strlen("http://"));
	text = xasprintf("%s lists no compilers", s.url);
	ck_assert_int_eq(load_uncached(&c, (const char *[]){ mirror, NULL },
				       &one_try, &err),
			 -ENOENT);
	ck_assert_str_eq(err.text, text);
	server_stop(&s);
	free(text);
	free(mirror);
	toolchain_catalog_release(&c);
}

TEST(loading_can_be_cancelled)
{
	const atomic_bool yes = true;
	struct fetch_options options = one_try;
	struct toolchain_catalog c = { 0 };
	struct err err = { 0 };
	struct server s;

	options.cancelled = &yes;
	server_start(&s, plain);
	ck_assert_int_eq(load_uncached(&c, (const char *[]){ s.url, NULL },
				       &options, &err),
			 -ECANCELED);
	server_stop(&s);
	toolchain_catalog_release(&c);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/catalog.h"

#include "../lib/test.h"
#include "toolchain-catalog.h"
#include "toolchain-server.h"
#include "toolchain/builtin.h"

#include <time.h>

#define A(name) "<a href=\"" name "\">" name "</a>\n"
#define BIN     "crosstool/files/bin/x86_64/"
#define NEW     BIN "13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz"
#define OLD     BIN "12.4.0/x86_64-gcc-12.4.0-nolibc-aarch64-linux.tar.xz"

static const struct fetch_options one_try = {
	.allow_http = true,
	.n_tries = 1,
};

static char dir[] = "/tmp/kfarm-check.XXXXXX";
static char *file;
static struct strv mirrors;

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	file = xasprintf("%s/cache/catalog", dir);
}

static void teardown(void)
{
	struct err err = { 0 };

	fs_remove(dir, &err);
	free(file);
	strv_release(&mirrors);
}

/* Write a cache that is `age` seconds old. */
static void write_cache(int64_t age, const char *path, const char *failed)
{
	char *cache_dir = xasprintf("%s/cache", dir), *text;
	char *failed_dirs[] = { (char *)failed, NULL };
	char *archives[] = { (char *)path, NULL };
	struct err err = { 0 };

	text = catalog_text(time(NULL) - age, strv_list(&mirrors), failed_dirs,
			    archives);
	must(fs_mkdirs(cache_dir, 0777, &err));
	must(fs_write(file, bytes_str(text), 0666, &err));
	free(cache_dir);
	free(text);
}

static int load(struct toolchain_catalog *c, bool refresh, struct err *err)
{
	const struct toolchain_catalog_setup setup_ = {
		.cache_path = file,
		.mirrors = &mirrors,
		.fetch = &one_try,
		.refresh = refresh,
	};

	return toolchain_catalog_load(c, &setup_, err);
}

static const struct page pages[] = {
	{ "/crosstool/files/bin/", A("x86_64/") },
	{ "/" BIN, A("13.3.0/") A("12.4.0/") },
	{ "/" BIN "13.3.0/",
	  A("x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz") },
	{ "/" BIN "12.4.0/", NULL },
	{ 0 },
};

FIXTURE(setup, teardown);

TEST(a_catalog_survives_encoding_and_decoding_drops_invalid_names)
{
	static char *const archives[] = { (char *)OLD, (char *)NEW,
					  (char *)"../../etc/passwd", NULL };
	static char *const failed[] = { (char *)"llvm/files/", NULL };
	struct toolchain_catalog c, again;
	struct strv from = { 0 };
	struct err err = { 0 };
	char *original, *text;

	strv_add(&mirrors, "https://a.example/pub/tools");
	original = catalog_text(1700000000, strv_list(&mirrors), failed,
				archives);
	must(toolchain_catalog_decode(&c, bytes_str(original), NULL, &err));
	text = toolchain_catalog_encode(&c, &mirrors);
	must(toolchain_catalog_decode(&again, bytes_str(text), &from, &err));
	ck_assert_int_eq(c.fetched_s, 1700000000);
	ck_assert_int_eq(again.fetched_s, c.fetched_s);
	ck_assert_uint_eq(again.n_archives, 2);
	ck_assert_str_eq(again.archives[0].mirror_path, NEW);
	ck_assert_str_eq(again.archives[1].mirror_path, OLD);
	ck_assert_uint_eq(again.failed_dirs.n, 1);
	ck_assert_str_eq(from.v[0], mirrors.v[0]);
	free(original);
	free(text);
	strv_release(&from);
	toolchain_catalog_release(&c);
	toolchain_catalog_release(&again);
}

TEST(only_the_preferred_of_duplicate_archives_is_listed)
{
	static const char *const duplicates[] = {
		BIN "13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.gz",
		BIN "13.3.0/x86_64-gcc-13.3.0-nolibc_aarch64-linux.tar.xz",
		NEW,
		NEW,
	};
	static char *const none[] = { NULL };
	struct strv archives = { 0 };
	struct toolchain_catalog c;
	struct err err = { 0 };

	for (int with_other = 0; with_other < 2; with_other++) {
		char *text;

		for (size_t i = 0; i < sizeof(duplicates) / sizeof(*duplicates);
		     i++)
			strv_add(&archives, duplicates[i]);
		for (int i = 0; with_other && i < 100; i++)
			strv_add(&archives, OLD);
		text = catalog_text(1, none, none, archives.v);
		must(toolchain_catalog_decode(&c, bytes_str(text), NULL, &err));
		ck_assert_uint_eq(c.n_archives, 1 + with_other);
		ck_assert_str_eq(c.archives[0].mirror_path, NEW);
		toolchain_catalog_release(&c);
		free(text);
	}
	strv_release(&archives);
}

TEST(a_recent_cache_is_used_without_querying_the_mirrors)
{
	struct toolchain_catalog c;
	struct err err = { 0 };

	strv_add(&mirrors, "http://127.0.0.1:1");
	write_cache(3600, OLD, NULL);
	must(load(&c, false, &err));
	ck_assert_uint_eq(c.n_archives, 1);
	ck_assert_ptr_null(c.refresh_error);
	toolchain_catalog_release(&c);
}

/* Outdated, from the future, incomplete, and with a requested refresh. */
static const struct {
	int64_t age;
	const char *failed;
	bool refresh;
} stale_caches[] = {
	{ 2 * TOOLCHAIN_CATALOG_MAX_AGE_S, NULL, false },
	{ -3600, NULL, false },
	{ 60, "llvm/files/", false },
	{ 60, NULL, true },
};

TEST_EACH(an_outdated_cache_is_used_if_no_mirror_responds, stale_caches)
{
	struct toolchain_catalog c;
	struct err err = { 0 };

	strv_add(&mirrors, "http://127.0.0.1:1");
	write_cache(row->age, OLD, row->failed);
	must(load(&c, row->refresh, &err));
	ck_assert_uint_eq(c.n_archives, 1);
	ck_assert_ptr_nonnull(c.refresh_error);
	text_has(c.refresh_error, "127.0.0.1");
	toolchain_catalog_release(&c);
}

TEST(loading_fails_without_a_mirror_and_a_valid_cache)
{
	struct toolchain_catalog c;
	struct err err = { 0 };

	strv_add(&mirrors, "http://127.0.0.1:1");
	ck_assert_int_lt(load(&c, false, &err), 0);
	text_has(err.text, "127.0.0.1");
	toolchain_catalog_release(&c);
	/* A cache with a time before 1970 is invalid. */
	write_cache(2 * (int64_t)time(NULL), OLD, NULL);
	ck_assert_int_lt(load(&c, false, &err), 0);
	toolchain_catalog_release(&c);
	/* A cache of other mirrors is invalid. */
	write_cache(60, OLD, NULL);
	strv_add(&mirrors, "http://127.0.0.1:2");
	ck_assert_int_lt(load(&c, false, &err), 0);
	toolchain_catalog_release(&c);
}

/* The listings of gcc and of clang both fail. */
TEST(the_error_names_the_directory_of_the_requested_compiler)
{
	for (int i = 0; i < 40; i++) {
		struct toolchain_catalog_setup setup = { .cache_path = file,
							 .mirrors = &mirrors,
							 .fetch = &one_try,
							 .for_clang = i % 2 };
		struct toolchain_catalog c;
		struct err err = { 0 };

		if (!mirrors.n)
			strv_add(&mirrors, "http://127.0.0.1:1");
		ck_assert_int_lt(toolchain_catalog_load(&c, &setup, &err), 0);
		ck_assert_msg(strstr(err.text, toolchain_builtin_mirror_dir(
						       i % 2)) != NULL,
			      "%s", err.text);
		ck_assert_ptr_null(strstr(
			err.text, toolchain_builtin_mirror_dir(!(i % 2))));
		toolchain_catalog_release(&c);
	}
}

TEST(a_failed_directory_keeps_its_cached_archives)
{
	struct toolchain_catalog c;
	struct err err = { 0 };
	struct server s;

	server_start(&s, pages);
	strv_add(&mirrors, s.url);
	write_cache(2 * TOOLCHAIN_CATALOG_MAX_AGE_S, OLD, NULL);
	must(load(&c, false, &err));
	ck_assert_uint_eq(c.n_archives, 2);
	ck_assert_str_eq(c.archives[0].mirror_path, NEW);
	ck_assert_str_eq(c.archives[1].mirror_path, OLD);
	ck_assert_uint_eq(c.warnings.n, 1);
	ck_assert_ptr_null(c.refresh_error);
	toolchain_catalog_release(&c);
	server_stop(&s);
	/*
	 * The cached listing is incomplete, so it is fetched again, without
	 * success.
	 */
	must(load(&c, false, &err));
	ck_assert_uint_eq(c.n_archives, 2);
	ck_assert_ptr_nonnull(c.refresh_error);
	toolchain_catalog_release(&c);
}

TEST(a_truncated_cache_is_ignored)
{
	struct toolchain_catalog c;
	struct err err = { 0 };
	struct server s;

	server_start(&s, pages);
	strv_add(&mirrors, s.url);
	write_cache(60, OLD, NULL);
	ck_assert(!truncate(file, 20));
	must(load(&c, false, &err));
	ck_assert_uint_eq(c.n_archives, 1);
	ck_assert_str_eq(c.archives[0].mirror_path, NEW);
	toolchain_catalog_release(&c);
	server_stop(&s);
}

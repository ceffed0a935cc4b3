/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain-catalog.h"

#define GCC(host, version, triplet)                              \
	(char *)"crosstool/files/bin/" host "/" version "/" host \
		"-gcc-" version "-nolibc-" triplet ".tar.xz"

static char *const offered[] = {
	GCC("x86_64", "12.4.0", "aarch64-linux"),
	GCC("x86_64", "13.2.0", "aarch64-linux"),
	GCC("x86_64", "13.3.0", "arm-linux-gnueabi"),
	GCC("x86_64", "13.10.0", "aarch64-linux-gnu"),
	GCC("x86_64", "13.10.0", "aarch64-linux"),
	GCC("x86_64", "14.2.0", "mips-linux"),
	GCC("arm64", "15.1.0", "aarch64-linux"),
	(char *)"llvm/files/llvm-18.1.8-x86_64.tar.xz",
	(char *)"llvm/files/llvm-22.1.8-x86_64.tar.xz",
	NULL,
};

static struct toolchain_catalog catalog;

static void setup(void)
{
	static char *const none[] = { NULL };
	char *text = catalog_text(1, none, none, offered);
	struct err err;

	must(toolchain_catalog_decode(&catalog, bytes_str(text), NULL, &err));
	free(text);
}

static void teardown(void)
{
	toolchain_catalog_release(&catalog);
}

/* Split "a b" into a list. */
static void split(struct strv *out, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		strv_own(out, xstrndup(words, n));
		words += n + (words[n] == ' ');
	}
}

static const struct {
	const char *wanted, *triplets, *host;
	const char *path; /* expected archive; NULL: an error */
	const char *error; /* part of the expected error */
} requests[] = {
	{ "gcc-13", "aarch64-linux aarch64-linux-gnu", "x86_64",
	  GCC("x86_64", "13.10.0", "aarch64-linux"), NULL },
	{ "gcc-13", "aarch64-linux-gnu aarch64-linux", "x86_64",
	  GCC("x86_64", "13.10.0", "aarch64-linux-gnu"), NULL },
	{ "gcc-13.2", "aarch64-linux", "x86_64",
	  GCC("x86_64", "13.2.0", "aarch64-linux"), NULL },
	{ "gcc", "aarch64-linux", "x86_64",
	  GCC("x86_64", "13.10.0", "aarch64-linux"), NULL },
	{ "gcc-13", NULL, "x86_64", GCC("x86_64", "13.10.0", "aarch64-linux"),
	  NULL },
	{ "gcc", "aarch64-linux", "arm64",
	  GCC("arm64", "15.1.0", "aarch64-linux"), NULL },
	{ "clang", "aarch64-linux", "x86_64",
	  "llvm/files/llvm-22.1.8-x86_64.tar.xz", NULL },
	{ "clang-18", NULL, "x86_64", "llvm/files/llvm-18.1.8-x86_64.tar.xz",
	  NULL },
	/* The error names each release once, the most similar first. */
	{ "gcc-13.4.0", "aarch64-linux", "x86_64", NULL,
	  "available releases: gcc-13.2.0, gcc-13.10.0, gcc-12.4.0" },
	{ "gcc-13.3", "aarch64-linux", "x86_64", NULL,
	  "targets of gcc-13.3.0: arm-linux-gnueabi" },
	{ "gcc-13", "or1k-linux", "x86_64", NULL,
	  "targets of gcc-13.10.0: aarch64-linux, aarch64-linux-gnu" },
	{ "gcc-13", "aarch64-linux", "ppc64", NULL,
	  "available hosts: arm64, x86_64" },
	{ "clang-17", NULL, "x86_64", NULL,
	  "available releases: clang-18.1.8, clang-22.1.8" },
	{ "clang", NULL, "arm64", NULL, "available hosts: x86_64" },
};

FIXTURE(setup, teardown);

TEST_EACH(the_newest_match_is_found_or_the_error_names_alternatives, requests)
{
	const struct toolchain_archive *found = NULL;
	struct toolchain_release wanted;
	struct strv triplets = { 0 };
	struct err err = { 0 };
	int ret;

	must(toolchain_release_parse(row->wanted, &wanted, &err));
	split(&triplets, row->triplets ? row->triplets : "");
	ret = toolchain_catalog_find(&catalog, &wanted,
				     row->triplets ? &triplets : NULL,
				     row->host, &found, &err);
	strv_release(&triplets);
	if (row->path) {
		ck_assert_msg(!ret, "%s", err.text);
		ck_assert_str_eq(found->mirror_path, row->path);
		return;
	}
	ck_assert_int_eq(ret, -ENOENT);
	ck_assert_msg(strstr(err.text, row->error) != NULL, "%s", err.text);
	ck_assert_msg(!strstr(err.text, "(null)"), "%s", err.text);
}

TEST(the_error_for_an_empty_catalog_names_no_available_hosts)
{
	const struct toolchain_archive *found = NULL;
	struct toolchain_catalog empty = { 0 };
	struct toolchain_release wanted;
	struct err err = { 0 };

	must(toolchain_release_parse("gcc", &wanted, &err));
	ck_assert_int_eq(toolchain_catalog_find(&empty, &wanted, NULL, "x86_64",
						&found, &err),
			 -ENOENT);
	ck_assert_msg(strstr(err.text, "available hosts: none") != NULL, "%s",
		      err.text);
}

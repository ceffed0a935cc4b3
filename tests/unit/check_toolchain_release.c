/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"

#include "toolchain/release.h"

static struct toolchain_release release(const char *text)
{
	struct toolchain_release r = { 0 };
	struct err err = { 0 };

	must(toolchain_release_parse(text, &r, &err));
	return r;
}

static const struct {
	const char *text, *version;
	bool is_clang;
	unsigned n;
} valid[] = {
	{ "gcc", "", false, 0 },
	{ "gcc-13", "13", false, 1 },
	{ "gcc-13.3", "13.3", false, 2 },
	{ "gcc-13.3.0", "13.3.0", false, 3 },
	{ "gcc-0.10.99999", "0.10.99999", false, 3 },
	{ "clang", "", true, 0 },
	{ "clang-14", "14", true, 1 },
	{ "clang-22.1.8", "22.1.8", true, 3 },
};

TEST_EACH(a_parsed_release_is_formatted_to_the_same_text, valid)
{
	struct toolchain_release r = release(row->text), again = { 0 };
	char *text = toolchain_release_format(&r);
	char *version = toolchain_release_format_version(&r);
	struct err err = { 0 };

	ck_assert_str_eq(text, row->text);
	ck_assert_str_eq(version, row->version);
	ck_assert_int_eq(r.is_clang, row->is_clang);
	ck_assert_uint_eq(r.n_parts, row->n);
	if (r.n_parts) {
		must(toolchain_release_parse_version(r.is_clang, version,
						     &again, &err));
		ck_assert_int_eq(toolchain_release_compare(&r, &again), 0);
		ck_assert_uint_eq(again.n_parts, r.n_parts);
	}
	free(version);
	free(text);
}

static const char *const invalid[] = {
	"",
	"13.3.0",
	"gc-13",
	"gcc-",
	"gcc-x",
	"gcc-13.",
	"gcc-13.3.0.1",
	"gcc-13.03.0",
	"gcc13",
	"gcc--13",
	"clang-23.1.0-rc1",
	"gcc-100000",
	"gcc-+1",
	"gcc-1..2",
	"gcc-13.3.0 ",
	"clangd-14",
	"gcc-13/..",
	"gcc-\xd9\xa1",
};

TEST_EACH(an_invalid_release_is_rejected_and_leaves_the_output_unchanged,
	  invalid)
{
	struct toolchain_release r = { .n_parts = 42 };
	struct err err = { 0 };

	ck_assert_int_eq(toolchain_release_parse(*row, &r, &err), -EINVAL);
	text_has(err.text, *row);
	ck_assert_uint_eq(r.n_parts, 42);
}

TEST(an_empty_or_invalid_version_is_rejected)
{
	struct toolchain_release r;
	struct err err = { 0 };

	ck_assert_int_eq(toolchain_release_parse_version(false, "", &r, &err),
			 -EINVAL);
	ck_assert_int_eq(
		toolchain_release_parse_version(true, "../14", &r, &err),
		-EINVAL);
	text_has(err.text, "clang");
}

static const struct {
	const char *wanted, *full;
	bool expected;
} matches[] = {
	{ "gcc", "gcc-13.3.0", true },
	{ "gcc-13", "gcc-13.3.0", true },
	{ "gcc-13.3", "gcc-13.3.0", true },
	{ "gcc-13.3.0", "gcc-13.3.0", true },
	{ "gcc-13.3.1", "gcc-13.3.0", false },
	{ "gcc-1", "gcc-13.3.0", false },
	{ "gcc-13.3.0", "gcc-13.3", false },
	{ "clang", "gcc-13.3.0", false },
	{ "clang-14", "clang-14.0.6", true },
};

TEST_EACH(a_release_matches_a_request_for_a_prefix_of_its_numbers, matches)
{
	struct toolchain_release w = release(row->wanted);
	struct toolchain_release f = release(row->full);

	ck_assert_int_eq(toolchain_release_matches(&w, &f), row->expected);
}

TEST(releases_are_ordered_by_compiler_and_version)
{
	static const char *const sorted[] = { "gcc-4.9.4",  "gcc-4.10.0",
					      "gcc-13",     "gcc-13.3.0",
					      "gcc-13.3.1", "gcc-13.10.0",
					      "clang-9.0.0" };
	size_t n = sizeof(sorted) / sizeof(*sorted);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct toolchain_release a = release(sorted[i]);
			struct toolchain_release b = release(sorted[j]);
			int sign = (i > j) - (i < j);

			ck_assert_int_eq(toolchain_release_compare(&a, &b),
					 sign);
		}
	}
}

TEST(an_id_consists_of_release_triplet_and_host)
{
	static const struct {
		const char *release, *triplet, *host, *id;
	} ids[] = {
		{ "gcc-13.3.0", "aarch64-linux", NULL,
		  "gcc-13.3.0-aarch64-linux" },
		{ "gcc-13.3.0", "aarch64-linux", "arm64",
		  "gcc-13.3.0-aarch64-linux-on-arm64" },
		{ "clang-22.1.8", NULL, NULL, "clang-22.1.8" },
		{ "clang-22.1.8", NULL, "arm64", "clang-22.1.8-on-arm64" },
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct toolchain_release r = release(ids[i].release);
		char *id = toolchain_release_id(&r, ids[i].triplet,
						ids[i].host);

		ck_assert_str_eq(id, ids[i].id);
		free(id);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: conf */
#include "../lib/test.h"

#include "conf/schema.h"

TEST(a_key_is_found_only_in_its_kind_of_section)
{
	ck_assert_ptr_nonnull(conf_schema_find("farm", NULL, "require-remote"));
	ck_assert_ptr_null(conf_schema_find("farm", "x", "require-remote"));
	ck_assert_ptr_nonnull(conf_schema_find("node", "x", "address"));
	ck_assert_ptr_null(conf_schema_find("node", NULL, "address"));
	ck_assert_ptr_null(conf_schema_find("farm", NULL, "address"));
	ck_assert_ptr_null(conf_schema_find("nodes", "x", "address"));
	ck_assert_ptr_null(conf_schema_find("", NULL, ""));
}

TEST(the_schema_has_keys_of_nodes_trees_and_includes)
{
	ck_assert_ptr_nonnull(conf_schema_find("farm", NULL, "verify"));
	ck_assert_ptr_nonnull(conf_schema_find("node", "x", "key"));
	ck_assert_ptr_nonnull(conf_schema_find("node", "x", "profile"));
	ck_assert_ptr_nonnull(conf_schema_find("node", "x", "power"));
	ck_assert_ptr_nonnull(conf_schema_find("tree", "x", "url"));
	ck_assert_ptr_nonnull(conf_schema_find("include", NULL, "path"));
}

static const struct value {
	const char *section, *sub, *key, *value;
	const char *why; /* NULL: valid */
} values[] = {
	{ "farm", NULL, "require-remote", "0", NULL },
	{ "farm", NULL, "require-remote", "100", NULL },
	{ "farm", NULL, "require-remote", "101",
	  "\"101\" is not a number from 0 to 100" },
	{ "farm", NULL, "require-remote", "-1",
	  "\"-1\" is not a number from 0 to 100" },
	{ "farm", NULL, "require-remote", "90 %",
	  "\"90 %\" is not a number from 0 to 100" },
	{ "farm", NULL, "require-remote", "",
	  "\"\" is not a number from 0 to 100" },
	{ "farm", NULL, "require-remote", NULL, "missing value" },
	{ "node", "a", "slots", "1", NULL },
	{ "node", "a", "slots", "1024", NULL },
	{ "node", "a", "slots", "0", "\"0\" is not a number from 1 to 1024" },
	{ "node", "a", "slots", "99999999999999999999",
	  "\"99999999999999999999\" is not a number from 1 to 1024" },
	{ "node", "a", "codec", "lzo", NULL },
	{ "arch", "arm64", "toolchain", "gcc-13.3.0", NULL },
	{ "toolchain", NULL, "mirror", "https://mirror.example/tools", NULL },
	{ "toolchain", NULL, "sync", "true", NULL },
	{ "toolchain", NULL, "http", "yes",
	  "invalid value \"yes\": expected true or false" },
	{ "toolchain", NULL, "strict", NULL, "missing value" },
	{ "toolchain", NULL, "sums-key",
	  "88AFCD206B1611957187F16B60AB47ffc9095227", NULL },
	{ "toolchain", NULL, "tar-key", "60AB47FFC9095227",
	  "\"60AB47FFC9095227\" is not 40 hexadecimal digits" },
	{ "toolchain", NULL, "tar-key",
	  "88AFCD206B1611957187F16B60AB47FFC909522g",
	  "\"88AFCD206B1611957187F16B60AB47FFC909522g\" is not 40 "
	  "hexadecimal digits" },
	{ "node", "a", "codec", "zstd", NULL },
	{ "node", "a", "codec", "none", NULL },
	{ "node", "a", "codec", "gzip",
	  "invalid value \"gzip\": expected none, lzo or zstd" },
	{ "node", "a", "codec", "none lzo",
	  "invalid value \"none lzo\": expected none, lzo or zstd" },
	{ "node", "a", "codec", "",
	  "invalid value \"\": expected none, lzo or zstd" },
	{ "nightly", "n", "keep-free", "10G", NULL },
	{ "nightly", "n", "keep-free", "0K", NULL },
	{ "nightly", "n", "keep-free", "10",
	  "\"10\" is out of range or "
	  "is not a number followed by K, M, G or T" },
	{ "nightly", "n", "keep-free", "8h",
	  "\"8h\" is out of range or "
	  "is not a number followed by K, M, G or T" },
	{ "nightly", "n", "keep-free", "1025T",
	  "\"1025T\" is out of range or "
	  "is not a number followed by K, M, G or T" },
	{ "nightly", "n", "timeout", "90s", NULL },
	{ "nightly", "n", "timeout", "7d", NULL },
	{ "nightly", "n", "timeout", "8d",
	  "\"8d\" is out of range or "
	  "is not a number followed by s, m, h or d" },
	{ "nightly", "n", "timeout", "0s",
	  "\"0s\" is out of range or "
	  "is not a number followed by s, m, h or d" },
	{ "nightly", "n", "timeout", "s",
	  "\"s\" is out of range or "
	  "is not a number followed by s, m, h or d" },
	{ "nightly", "n", "timeout", "99999999999999999999h",
	  "\"99999999999999999999h\" is out of range or "
	  "is not a number followed by s, m, h or d" },
	{ "node", "a", "address", "anything", NULL },
	{ "node", "a", "address", NULL, "missing value" },
};

TEST(an_amount_is_parsed_with_its_unit)
{
	const struct conf_key *size = conf_schema_find("nightly", "n",
						       "keep-free");
	const struct conf_key *span = conf_schema_find("nightly", "n",
						       "timeout");
	uint64_t n = 7;

	ck_assert(conf_schema_parse_amount(size, "3G", &n));
	ck_assert_uint_eq(n, UINT64_C(3) << 30);
	ck_assert(conf_schema_parse_amount(span, "90m", &n));
	ck_assert_uint_eq(n, 5400);
	ck_assert(!conf_schema_parse_amount(span, "90", &n));
	ck_assert_uint_eq(n, 0);
}

TEST_EACH(a_bad_value_is_rejected_with_the_expected_form, values)
{
	const struct conf_key *k = conf_schema_find(row->section, row->sub,
						    row->key);
	struct err err = { 0 };

	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(conf_schema_check(k, row->value, &err),
			 row->why ? -EINVAL : 0);
	ck_assert_str_eq(err.text, row->why ? row->why : "");
}

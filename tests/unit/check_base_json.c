/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/json.h"

static const struct {
	const char *text, *json;
} cases[] = {
	{ NULL, "null" },
	{ "", "\"\"" },
	{ "a/b c", "\"a/b c\"" },
	{ "tab\t\"quoted\"", "\"tab\\t\\\"quoted\\\"\"" },
	{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
	/*
	 * Latin-1: each byte that is not UTF-8 is replaced, the others remain.
	 */
	{ "gr\xfc\xdf e", "\"gr\xef\xbf\xbd\xef\xbf\xbd e\"" },
	{ "\xff\xc3\xbc", "\"\xef\xbf\xbd\xc3\xbc\"" },
	/* A truncated sequence, an overlong one, a surrogate. */
	{ "x\xc3", "\"x\xef\xbf\xbd\"" },
	{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void is_json(json_t *made, const char *expected)
{
	char *dump = json_dumps(made, JSON_ENCODE_ANY | JSON_COMPACT);

	ck_assert_str_eq(dump, expected);
	free(dump);
	json_decref(made);
}

TEST_EACH(any_bytes_are_encoded_as_a_json_string, cases)
{
	struct buf out = { 0 };

	is_json(json_text(row->text), row->json);
	if (!row->text)
		return;
	json_add_text(&out, row->text);
	ck_assert_str_eq(buf_str(&out), row->json);
	buf_release(&out);
}

TEST(a_string_list_is_encoded_as_a_json_array)
{
	struct strv list = { 0 };

	is_json(json_texts(&list), "[]");
	strv_add(&list, "one");
	strv_add(&list, "\xff");
	is_json(json_texts(&list), "[\"one\",\"\xef\xbf\xbd\"]");
	strv_release(&list);
}

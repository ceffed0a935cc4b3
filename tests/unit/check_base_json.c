/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/json.h"

#include "suite.h"

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

START_TEST(any_bytes_are_a_json_string)
{
	struct buf out = { 0 };

	is_json(json_text(cases[_i].text), cases[_i].json);
	if (!cases[_i].text)
		return;
	json_add_text(&out, cases[_i].text);
	ck_assert_str_eq(buf_str(&out), cases[_i].json);
	buf_release(&out);
}
END_TEST

START_TEST(a_list_is_an_array)
{
	struct strv list = { 0 };

	is_json(json_texts(&list), "[]");
	strv_add(&list, "one");
	strv_add(&list, "\xff");
	is_json(json_texts(&list), "[\"one\",\"\xef\xbf\xbd\"]");
	strv_release(&list);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/json");
	TCase *tc = tcase_create("json");

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, any_bytes_are_a_json_string, 0,
			    sizeof(cases) / sizeof(*cases));
	tcase_add_test(tc, a_list_is_an_array);
	return suite_run(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/url.h"

#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const char *const shown[][2] = {
	{ "https://u:p@h/x", "https://h/x" },
	{ "https://token@h/x", "https://h/x" },
	{ "HTTP://u:p@h?x@y", "HTTP://h?x@y" },
	{ "https://h/x:y@z", "https://h/x:y@z" },
	{ "https://h:8/x", "https://h:8/x" },
	{ "ssh://u:p@h/x", "ssh://u@h/x" },
	{ "ssh://u@h:22/x", "ssh://u@h:22/x" },
	{ "ssh://a@b:p@h/x", "ssh://a@b@h/x" },
	{ "u@h:x", "u@h:x" },
	{ "a b://u:p@h", "a b://u:p@h" },
	{ "://u:p@h", "://u:p@h" },
	{ "", "" },
};

START_TEST(a_password_is_not_shown)
{
	char *text = url_redact(shown[_i][0]);

	ck_assert_str_eq(text, shown[_i][1]);
	free(text);
}
END_TEST

START_TEST(a_scheme_makes_a_url)
{
	ck_assert(url_has_scheme("http://x"));
	ck_assert(url_has_scheme("git+ssh://"));
	ck_assert(!url_has_scheme("/x://y"));
	ck_assert(!url_has_scheme("x:/y"));
	ck_assert(!url_has_scheme("://y"));
}
END_TEST

static const struct {
	const char *from, *to; /* NULL: refused */
} escaped[] = {
	{ "/a%20b", "/a b" },   { "%41%4a%4A", "AJJ" }, { "", "" },
	{ "%25%32%30", "%20" }, { "%", NULL },          { "a%2", NULL },
	{ "%zz", NULL },        { "%00", NULL },
};

START_TEST(percent_signs_are_resolved)
{
	char *text = xstrdup(escaped[_i].from);

	ck_assert_int_eq(url_unescape(text), escaped[_i].to != NULL);
	if (escaped[_i].to)
		ck_assert_str_eq(text, escaped[_i].to);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/url");
	TCase *tc = tcase_create("base/url");

	tcase_add_loop_test(tc, a_password_is_not_shown, 0,
			    sizeof(shown) / sizeof(*shown));
	tcase_add_test(tc, a_scheme_makes_a_url);
	tcase_add_loop_test(tc, percent_signs_are_resolved, 0,
			    sizeof(escaped) / sizeof(*escaped));
	suite_add_tcase(s, tc);
	return suite_run(s);
}

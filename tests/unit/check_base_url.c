/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/url.h"

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

TEST_EACH(a_password_is_not_shown, shown)
{
	char *text = url_redact((*row)[0]);

	ck_assert_str_eq(text, (*row)[1]);
	free(text);
}

TEST(a_url_scheme_is_recognized)
{
	ck_assert(url_has_scheme("http://x"));
	ck_assert(url_has_scheme("git+ssh://"));
	ck_assert(!url_has_scheme("/x://y"));
	ck_assert(!url_has_scheme("x:/y"));
	ck_assert(!url_has_scheme("://y"));
}

static const struct {
	const char *from, *to; /* NULL: refused */
} escaped[] = {
	{ "/a%20b", "/a b" },   { "%41%4a%4A", "AJJ" }, { "", "" },
	{ "%25%32%30", "%20" }, { "%", NULL },          { "a%2", NULL },
	{ "%zz", NULL },        { "%00", NULL },
};

TEST_EACH(percent_encoding_is_decoded, escaped)
{
	char *text = xstrdup(row->from);

	ck_assert_int_eq(url_unescape(text), row->to != NULL);
	if (row->to)
		ck_assert_str_eq(text, row->to);
	free(text);
}

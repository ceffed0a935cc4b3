/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: report */
#include "../lib/test.h"

#include "report/page.h"

static const struct {
	const char *text;
	size_t max;
	const char *html, *plain;
} cases[] = {
	{ NULL, 9, "", "" },
	{ "", 9, "", "" },
	{ "a b", 9, "a b", "a b" },
	{ "<a href=\"x\">'&amp;", 99,
	  "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;",
	  "<a href=\"x\">'&amp;" },
	{ "\033[31mred\033[K", 99, "\\x1b[31mred\\x1b[K",
	  "\\x1b[31mred\\x1b[K" },
	{ "one\ntwo\t", 99, "one\\x0atwo\\x09", "one\\x0atwo\\x09" },
	{ "\xe2\x80\xaex", 99, "\\xe2\\x80\\xaex", "\\xe2\\x80\\xaex" },
	{ "\xc2\x9bx", 99, "\\xc2\\x9bx", "\\xc2\\x9bx" },
	{ "gr\xc3\xbc\xc3\x9f\xff", 99, "gr\xc3\xbc\xc3\x9f\\xff",
	  "gr\xc3\xbc\xc3\x9f\\xff" },
	{ "x\xef\xbf\xbey\xef\xbf\xbf", 99, "x\\xef\\xbf\\xbey\\xef\\xbf\\xbf",
	  "x\xef\xbf\xbey\xef\xbf\xbf" },
	{ "\xef\xbf\xbd\xef\xbb\xbf", 99, "\xef\xbf\xbd\xef\xbb\xbf",
	  "\xef\xbf\xbd\xef\xbb\xbf" },
	{ "abcdef", 4, "abcd...", "abcd..." },
	{ "ab\xc3\xbc", 3, "ab...", "ab..." },
	{ "<<<", 2, "&lt;&lt;...", "<<..." },
};

TEST_EACH(text_is_escaped_and_truncated_for_html_and_plain_output, cases)
{
	struct buf out = { 0 };

	report_escape_html(&out, row->text, row->max);
	ck_assert_str_eq(buf_str(&out), row->html);
	buf_reset(&out);
	report_escape_plain(&out, row->text, row->max);
	ck_assert_str_eq(out.len ? buf_str(&out) : "", row->plain);
	buf_release(&out);
}

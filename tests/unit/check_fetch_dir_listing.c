/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "../lib/test.h"

#include "fetch/dir-listing.h"

#include "base/buf.h"
#include "base/clock.h"

/* Return the names, separated by blanks; the caller frees the string. */
static char *names_of(const char *html)
{
	struct strv names = { 0 };
	struct err err = { 0 };
	char *out;

	must(fetch_dir_listing_parse(bytes_str(html), &names, &err));
	out = strv_join(&names, " ");
	strv_release(&names);
	return out;
}

static void expect(const char *html, const char *names)
{
	char *got = names_of(html);

	ck_assert_str_eq(got, names);
	free(got);
}

TIMEOUT(120);

TEST(nginx_listings_are_parsed)
{
	expect("<html>\r\n<head><title>Index of /pub/tools/</title></head>\r\n"
	       "<body>\r\n<h1>Index of /pub/tools/</h1><hr><pre>"
	       "<a href=\"../\">../</a>\r\n"
	       "<a href=\"13.3.0/\">13.3.0/</a>   25-May-2024 14:46     -\r\n"
	       "<a href=\"12.4.0/\">12.4.0/</a>   25-May-2024 14:46     -\r\n"
	       "<a href=\"sha256sums.asc\">sha256sums.asc</a>  1-Jun-2024 13K\r\n"
	       "</pre><hr></body>\r\n</html>\r\n",
	       "12.4.0 13.3.0 sha256sums.asc");
}

TEST(apache_listings_are_parsed)
{
	expect("<table><tr><th><a href=\"?C=N;O=D\">Name</a></th>"
	       "<th><a href=\"?C=M;O=A\">Last modified</a></th></tr>\n"
	       "<tr><td><a href=\"/pub/tools/\">Parent Directory</a></td></tr>\n"
	       "<tr><td valign=\"top\"><img src=\"/icons/folder.gif\"></td>"
	       "<td><a href=\"13.3.0/\">13.3.0/</a></td></tr>\n"
	       "<TR><TD><A  CLASS='x' HREF = 'a&amp;b.tar.xz' >a&amp;b</A>\n"
	       "<a name=top><a href=plain.txt>plain</a><a href>none</a>"
	       "</table>",
	       "13.3.0 a&b.tar.xz plain.txt");
}

TEST(names_are_sorted_without_duplicates)
{
	expect("<a href=b><a href=\"a/\"><a href='b'><a href=./b><a href=a>",
	       "a b");
	expect("", "");
	expect("no link, <abbr href=x> <b href=y> < a href=z>", "");
}

TEST(percent_and_html_escapes_are_decoded)
{
	expect("<a href=\"gcc%2d13%2E3+x~%20y\">", "gcc-13.3+x~ y");
	expect("<a href=\"a&#45;b&#x2D;c&quot;&apos;&lt;&gt;\">", "a-b-c\"'<>");
	expect("<a href=\"%25\"><a href=\"a%253a\"><a href=\"c%3ad\">",
	       "% a%3a c:d");
}

/* None of these is an entry of the directory. */
static const char *const hostile[] = {
	"",
	"/",
	".",
	"..",
	"./",
	"../",
	"./.",
	"./..",
	"%2e",
	"%2e%2e",
	"%2E%2e/",
	".%2e",
	"&#46;&#46;",
	"&#46;%2e/",
	"..%2f..%2fetc",
	"%2fetc",
	"a%2fb",
	"/etc/passwd",
	"a/b",
	"a//",
	"//host/x",
	"https://host/x",
	"HTTPS:x",
	"javascript:x",
	"a:b",
	"?C=N",
	"a?b",
	"a#b",
	"#a",
	"a\\b",
	"a%5cb",
	"%00",
	"a%00b",
	"a%0ab",
	"%1b[31m",
	"\x1b",
	"a\tb",
	"%7f",
	"%80",
	"\xc3\xa4",
	"%c3%a4",
	"%",
	"a%2",
	"%zz",
	"%2",
	"&#0;",
	"&#10;",
	"&#x1b;",
	"&#128;",
	"&#99999999999;",
	"&#x;",
	"&#;",
	"&nbsp;",
	"&",
	"&amp",
	"&#46",
	"&#-46;",
	"&# 46;",
	"&#x0x41;",
	"a&b",
};

TEST_EACH(hostile_names_are_ignored, hostile)
{
	char *html = xasprintf("<a href=\"first\"><a href=\"%s\">x</a>"
			       "<a href=last>",
			       *row);

	expect(html, "first last");
	free(html);
}

TEST(an_unterminated_tag_string_or_comment_ends_the_list)
{
	expect("<a href=a><a href=\"b><a href=c>", "a");
	expect("<a href=a><a href='b", "a");
	expect("<a href=a><a href=b", "a");
	expect("<a href=a><a", "a");
	expect("<a href=a><!-- <a href=b> --><a href=c>", "a c");
	expect("<a href=a><!-- <a href=b>", "a");
}

TEST(names_are_limited_to_255_bytes)
{
	char *most = xmalloc(257);
	char *html;

	memset(most, 'n', 256);
	most[255] = '\0';
	html = xasprintf("<a href=\"%s\"><a href=\"%sn\">", most, most);
	expect(html, most);
	free(html);
	free(most);
}

/* Return HEAD and `n` copies of TEXT. */
static struct buf repeat(const char *head, const char *text, size_t n)
{
	struct buf html = { 0 };

	buf_add_str(&html, head);
	for (size_t i = 0; i < n; i++)
		buf_add_str(&html, text);
	return html;
}

TEST(a_hundred_thousand_entries_are_parsed_quickly)
{
	uint64_t before = clock_ms();
	struct strv names = { 0 };
	struct err err = { 0 };
	struct buf html = { 0 };

	for (int i = 0; i < 100000; i++)
		buf_printf(&html,
			   "<a href=\"gcc-%d.tar.xz\">gcc-%d.tar.xz</a>     "
			   "                 25-May-2024 14:46        -\r\n",
			   i, i);
	must(fetch_dir_listing_parse(buf_bytes(&html), &names, &err));
	ck_assert_uint_eq(names.n, 100000);
	ck_assert_str_eq(names.v[0], "gcc-0.tar.xz");
	ck_assert_ptr_null(names.v[names.n]);
	strv_release(&names);
	buf_release(&html);
	/* Some 50 ms. */
	ck_assert_uint_lt(clock_ms() - before, 10000);
}

/* An algorithm that reads a byte twice per link takes hours for these. */
static const char *const tedious[] = {
	"<a href=\"", "<a href='x ", "<a <a ",        "<!--",    "<a href=",
	"<",          "&amp;",       "<a href=\"%25", "<a x=y ", "<a ====",
};

TEST_EACH(repetitive_markup_is_parsed_quickly, tedious)
{
	struct buf html = repeat("<a href=good>", *row, 300000);
	uint64_t before = clock_ms();
	struct strv names = { 0 };
	struct err err = { 0 };

	must(fetch_dir_listing_parse(buf_bytes(&html), &names, &err));
	ck_assert_uint_le(names.n, 2);
	ck_assert_str_eq(names.v[names.n - 1], "good");
	strv_release(&names);
	buf_release(&html);
	ck_assert_uint_lt(clock_ms() - before, 20000);
}

TEST(names_and_bytes_of_a_listing_are_limited)
{
	struct strv names = { 0 };
	struct err err = { 0 };
	struct buf html = repeat("", "<a href=x>",
				 FETCH_DIR_LISTING_NAMES_MAX + 1);

	ck_assert_int_eq(
		fetch_dir_listing_parse(buf_bytes(&html), &names, &err),
		-EFBIG);
	text_has(err.text, "1000000 names");
	ck_assert_uint_eq(names.n, 0);
	buf_release(&html);
	html = repeat("", "0123456789abcdef", FETCH_DIR_LISTING_BYTES_MAX / 16);
	must(fetch_dir_listing_parse(buf_bytes(&html), &names, &err));
	buf_add_str(&html, "x");
	ck_assert_int_eq(
		fetch_dir_listing_parse(buf_bytes(&html), &names, &err),
		-EFBIG);
	buf_release(&html);
}

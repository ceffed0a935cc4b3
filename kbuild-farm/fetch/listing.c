/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No HTML parser: just enough of it to find the links of a listing, in one pass
 * over the text.  Whatever is not closed ends the search, so that nothing is
 * looked at twice.
 */
#include "fetch/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 255
#define HREF_MAX     4096 /* bytes of a reference, before it is decoded */

struct cursor {
	const char *p, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
}

/* Go past the next `what`; false: there is none, and this is the end. */
static bool go_past(struct cursor *c, char what)
{
	size_t left = (size_t)(c->end - c->p);
	const char *at = left ? memchr(c->p, what, left) : NULL;

	c->p = at ? at + 1 : c->end;
	return at != NULL;
}

static void skip_comment(struct cursor *c)
{
	while (go_past(c, '-')) {
		if ((size_t)(c->end - c->p) >= 2 && !memcmp(c->p, "->", 2)) {
			c->p += 2;
			return;
		}
	}
}

/* Is `word` here, in small or capital letters? */
static bool is_at(const struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(c->end - c->p) >= n && !strncasecmp(c->p, word, n);
}

/* ------------------------------------------------------------------- tags */

/* NAME, up to '=', '>' or a blank. */
static struct bytes take_word(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && !is_blank(*c->p) && *c->p != '=' &&
	       *c->p != '>')
		c->p++;
	return bytes_of(start, (size_t)(c->p - start));
}

/* What follows '=': quoted or not. */
static struct bytes take_value(struct cursor *c)
{
	const char *start;
	char quote;

	skip_blanks(c);
	if (c->p < c->end && (*c->p == '"' || *c->p == '\'')) {
		quote = *c->p++;
		start = c->p;
		if (!go_past(c, quote))
			return bytes_of(NULL, 0);
		return bytes_of(start, (size_t)(c->p - 1 - start));
	}
	start = c->p;
	while (c->p < c->end && !is_blank(*c->p) && *c->p != '>')
		c->p++;
	return bytes_of(start, (size_t)(c->p - start));
}

/* The attributes of a tag, up to its '>'; the first href, if there is one. */
static bool take_href(struct cursor *c, struct bytes *href)
{
	bool found = false;

	for (;;) {
		struct bytes name, value = { 0 };

		skip_blanks(c);
		if (c->p >= c->end)
			return false; /* a tag that does not end is none */
		if (*c->p == '>') {
			c->p++;
			return found;
		}
		if (*c->p == '=') {
			c->p++;
			continue;
		}
		name = take_word(c);
		skip_blanks(c);
		if (c->p < c->end && *c->p == '=') {
			c->p++;
			value = take_value(c);
		}
		if (found || name.len != 4 ||
		    strncasecmp((const char *)name.data, "href", 4) != 0)
			continue;
		*href = value;
		found = true;
	}
}

/* Up to the next link; false: there is none any more. */
static bool next_link(struct cursor *c, struct bytes *href)
{
	while (go_past(c, '<')) {
		if (is_at(c, "!--")) {
			c->p += 3;
			skip_comment(c);
			continue;
		}
		if (!is_at(c, "a") || c->p + 1 >= c->end || !is_blank(c->p[1]))
			continue;
		c->p++;
		if (take_href(c, href))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ names */

static const struct {
	const char *text;
	char c;
} entities[] = {
	{ "&amp;", '&' },  { "&lt;", '<' },    { "&gt;", '>' },
	{ "&quot;", '"' }, { "&apos;", '\'' },
};

/* &#39; and &#x27;: the character, or -1. */
static int take_number(struct cursor *c)
{
	char *end;
	char text[8] = "";
	size_t n = (size_t)(c->end - c->p);
	bool is_hex;
	long v;

	memcpy(text, c->p, n < sizeof(text) - 1 ? n : sizeof(text) - 1);
	is_hex = text[2] == 'x' || text[2] == 'X';
	if (!strchr("0123456789abcdefABCDEF", text[is_hex ? 3 : 2]))
		return -1;
	v = strtol(text + (is_hex ? 3 : 2), &end, is_hex ? 16 : 10);
	if (*end != ';' || v <= 0 || v > '~')
		return -1;
	c->p += end + 1 - text;
	return (int)v;
}

static int take_entity(struct cursor *c)
{
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (is_at(c, entities[i].text)) {
			c->p += strlen(entities[i].text);
			return entities[i].c;
		}
	}
	return is_at(c, "&#") ? take_number(c) : -1;
}

/* A reference without HTML's escapes, in `out`; false: it is none of ours. */
static bool unescape(struct bytes href, char out[static HREF_MAX + 1])
{
	struct cursor c;
	size_t n = 0;

	if (!href.len || href.len > HREF_MAX)
		return false;
	c.p = (const char *)href.data;
	c.end = c.p + href.len;
	while (c.p < c.end) {
		int v = *c.p == '&' ? take_entity(&c) : *c.p++;

		if (v < ' ' || v > '~')
			return false;
		out[n++] = (char)v;
	}
	out[n] = '\0';
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Replaces %XX in place; false: something that no name may contain. */
static bool decode(char *s)
{
	char *out = s;

	for (; *s; s++) {
		int c = (unsigned char)*s;

		if (c == '%') {
			int high = hex(s[1]);
			int low = high < 0 ? -1 : hex(s[2]);

			if (low < 0)
				return false;
			c = 16 * high + low;
			s += 2;
		}
		if (c < ' ' || c > '~' || c == '/' || c == '\\')
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

/* The name of the entry that a reference leads to, in place, or NULL. */
static char *entry_name(char *ref)
{
	size_t n;

	if (str_starts(ref, "./"))
		ref += 2;
	/* A scheme, a query, a fragment. */
	if (strpbrk(ref, ":?#"))
		return NULL;
	n = strlen(ref);
	if (n && ref[n - 1] == '/')
		ref[n - 1] = '\0';
	if (!decode(ref))
		return NULL;
	n = strlen(ref);
	if (!n || n > NAME_MAX_LEN || !strcmp(ref, ".") || !strcmp(ref, ".."))
		return NULL;
	return ref;
}

int fetch_listing_parse(struct bytes html, struct strv *names, struct err *err)
{
	struct cursor c = { (const char *)html.data, NULL };
	char ref[HREF_MAX + 1] = "";
	struct bytes href = { 0 };

	if (html.len > FETCH_LISTING_MAX)
		return err_set(err, EFBIG, "a listing of %zu bytes", html.len);
	c.end = html.len ? c.p + html.len : c.p;
	while (next_link(&c, &href)) {
		char *name = unescape(href, ref) ? entry_name(ref) : NULL;

		if (name && names->n == FETCH_LISTING_MANY) {
			strv_release(names);
			return err_set(err, EFBIG,
				       "a listing of more than %d "
				       "names",
				       FETCH_LISTING_MANY);
		}
		if (name)
			strv_add(names, name);
	}
	strv_sort_unique(names);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This parser supports only the HTML constructs that are necessary to find the
 * links of a listing.  It makes one pass over the text, and an unclosed
 * construct ends the search, so the time is linear in the length of the text.
 */
#include "fetch/dir-listing.h"

#include "base/vec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HREF_MAX 4096 /* bytes of a reference, before it is decoded */
#define BLANK    " \t\n\r\f"

/* Take the value after a '='.  Returns NULL if its quote is not closed. */
static char *take_attribute_value(char **p)
{
	char *start = *p + strspn(*p, BLANK), *end;
	char quote = *start;

	if (quote != '"' && quote != '\'') {
		*p = start + strcspn(start, BLANK ">");
		return xstrndup(start, (size_t)(*p - start));
	}
	end = strchr(++start, quote);
	*p = end ? end + 1 : start + strlen(start);
	return end ? xstrndup(start, (size_t)(end - start)) : NULL;
}

/*
 * Skip the attributes of a tag and its '>'.  Returns the value of the first
 * href, which the caller frees.  Returns NULL if the tag has no href or is not
 * terminated.
 */
static char *take_href(char **p)
{
	char *href = NULL;

	for (;;) {
		char *name = *p + strspn(*p, BLANK "="), *value = NULL;
		size_t len = strcspn(name, BLANK "=>");

		*p = name + len + strspn(name + len, BLANK);
		if (!len)
			break;
		if (**p == '=') {
			++*p;
			value = take_attribute_value(p);
		}
		if (!href && len == 4 && !strncasecmp(name, "href", 4))
			href = value;
		else
			free(value);
	}
	if (**p == '>') {
		++*p;
		return href;
	}
	free(href);
	return NULL;
}

/* Return the next link's reference, which the caller frees, or NULL. */
static char *next_anchor_href(char **p)
{
	while ((*p = strchrnul(*p, '<')), **p) {
		char *end, *href;

		++*p;
		if (str_starts(*p, "!--")) {
			end = strstr(*p + 3, "-->");
			*p = end ? end + 3 : *p + strlen(*p);
		} else if (**p && strchr("aA", **p) && (*p)[1] &&
			   strchr(BLANK, (*p)[1])) {
			++*p;
			href = take_href(p);
			if (href)
				return href;
		}
	}
	return NULL;
}

/* Parse the `n` digits at `s`.  Return -1 if `n` is 0 or greater than 7. */
static int parse_number_in_base(const char *s, size_t n, int base)
{
	char digits[8] = "";

	if (!n || n >= sizeof(digits))
		return -1;
	memcpy(digits, s, n);
	return (int)strtol(digits, NULL, base);
}

/*
 * Decode and skip an entity, such as &amp;, &#39; or &#x27;.  Return -1 on
 * failure.
 */
static int take_entity(const char **s)
{
	static const char *const named[] = { "&&amp;", "<&lt;", ">&gt;",
					     "\"&quot;", "'&apos;" };
	bool is_hex = str_starts(*s, "&#x") || str_starts(*s, "&#X");
	const char *at = *s + (is_hex ? 3 : 2);
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		n = strlen(named[i] + 1);
		if (!strncasecmp(*s, named[i] + 1, n)) {
			*s += n;
			return named[i][0];
		}
	}
	if (!str_starts(*s, "&#"))
		return -1;
	n = strspn(at, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
	if (at[n] != ';')
		return -1;
	*s = at + n + 1;
	return parse_number_in_base(at, n, is_hex ? 16 : 10);
}

/* Decode entities in place.  Return false if a character is not allowed. */
static bool unescape_html(char *ref)
{
	const char *s = ref;

	while (*s) {
		int c = *s == '&' ? take_entity(&s) : *s++;

		if (c < ' ' || c > '~')
			return false;
		*ref++ = (char)c;
	}
	*ref = '\0';
	return true;
}

/* Decode %XX in place.  Return false if a character is not allowed. */
static bool decode_percent(char *s)
{
	char *out = s;

	while (*s) {
		int c = (unsigned char)*s++;

		if (c == '%') {
			size_t n = strspn(s, "0123456789abcdefABCDEF");

			c = n < 2 ? -1 : parse_number_in_base(s, 2, 16);
			s += n < 2 ? 0 : 2;
		}
		if (c < ' ' || c > '~' || c == '/' || c == '\\')
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

/*
 * Decode `ref`, the reference of a link, in place, and return the name of the
 * directory entry to which it refers.  Return NULL for any other reference.
 */
static char *listing_entry_name(char *ref)
{
	size_t n;

	if (strlen(ref) > HREF_MAX || !unescape_html(ref))
		return NULL;
	if (str_starts(ref, "./"))
		ref += 2;
	/* A URL with a scheme, query or fragment is not a directory entry. */
	if (strpbrk(ref, ":?#"))
		return NULL;
	n = strlen(ref);
	if (n && ref[n - 1] == '/')
		ref[n - 1] = '\0';
	if (!decode_percent(ref) || !*ref || strlen(ref) > NAME_MAX ||
	    str_equal(ref, ".") || str_equal(ref, ".."))
		return NULL;
	return ref;
}

int fetch_dir_listing_parse(struct bytes html, struct strv *names,
			    struct err *err)
{
	char *text, *p, *href;
	int ret = 0;

	if (html.len > FETCH_DIR_LISTING_BYTES_MAX)
		return err_set(err, EFBIG,
			       "directory listing too large: %zu bytes",
			       html.len);
	text = p = bytes_dup(html);
	while (!ret && (href = next_anchor_href(&p))) {
		char *name = listing_entry_name(href);

		if (name && names->n == FETCH_DIR_LISTING_NAMES_MAX)
			ret = err_set(err, EFBIG,
				      "directory listing too large: more than "
				      "%d names",
				      FETCH_DIR_LISTING_NAMES_MAX);
		else if (name)
			strv_add(names, name);
		free(href);
	}
	free(text);
	if (ret)
		strv_release(names);
	else
		strv_sort_unique(names);
	return ret;
}

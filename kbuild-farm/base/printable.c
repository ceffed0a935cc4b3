/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/printable.h"

#include <string.h>

size_t printable_utf8(const uint8_t *p, size_t left, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	size_t more = *p < 0x80           ? 0 :
		      (*p & 0xe0) == 0xc0 ? 1 :
		      (*p & 0xf0) == 0xe0 ? 2 :
		      (*p & 0xf8) == 0xf0 ? 3 :
					    left;
	uint32_t c;

	if (more >= left)
		return 0;
	c = more ? *p & (0x3fu >> more) : *p;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return more + 1;
}

size_t printable_prefix_len(const char *text, size_t max)
{
	size_t n = strnlen(text, max);

	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/*
 * Return the length of the colour sequence at `p`, such as "\e[01;31m" or
 * "\e[K", or 0 if no such sequence begins at `p`.
 */
static size_t colour_sequence_len(const uint8_t *p, size_t left)
{
	size_t n = 2;

	if (left < 3 || p[1] != '[')
		return 0;
	if (p[2] == 'K')
		return 3;
	while (n < left && ((p[n] >= '0' && p[n] <= '9') || p[n] == ';'))
		n++;
	return n < left && p[n] == 'm' ? n + 1 : 0;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool is_bidirectional(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Return the length of the safe character or sequence at `p`, or 0. */
static size_t safe_char_len(const uint8_t *p, size_t left, unsigned allow)
{
	uint32_t c = 0;
	size_t len;

	if (*p == '\033')
		return allow & PRINTABLE_COLOURS ?
			       colour_sequence_len(p, left) :
			       0;
	if (*p == '\n' || *p == '\t')
		return allow & PRINTABLE_WHITESPACE ? 1 : 0;
	len = printable_utf8(p, left, &c);
	return len && (is_control(c) || is_bidirectional(c)) ? 0 : len;
}

/* Return the number of safe bytes from `at` on. */
static size_t safe_prefix_len(struct bytes text, size_t at, unsigned allow)
{
	size_t end = at, n;

	while (end < text.len &&
	       (n = safe_char_len(text.data + end, text.len - end, allow)))
		end += n;
	return end - at;
}

bool printable_is_safe(struct bytes text, unsigned allow)
{
	return safe_prefix_len(text, 0, allow) == text.len;
}

void printable_add_escaped(struct buf *out, struct bytes text, unsigned allow)
{
	for (size_t at = 0; at < text.len; at++) {
		size_t n = safe_prefix_len(text, at, allow);

		buf_add(out, text.data + at, n);
		at += n;
		if (at < text.len)
			buf_printf(out, "\\x%02x", text.data[at]);
	}
}

char *printable_escape(const char *text)
{
	struct buf out = { 0 };

	printable_add_escaped(&out, bytes_str(text), 0);
	return buf_steal(&out);
}

void printable_replace(char *text, size_t len, unsigned allow, char replacement)
{
	struct bytes all = bytes_of(text, len);

	for (size_t at = 0; at < len; at++) {
		at += safe_prefix_len(all, at, allow);
		if (at < len)
			text[at] = replacement;
	}
}

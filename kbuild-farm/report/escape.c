/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/escape.h"

#include "base/printable.h"

#include <string.h>

/* How much of `text` is taken: not half of a character. */
static size_t cut_len(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	if (!text[len])
		return len;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void report_escape_plain(struct buf *out, const char *text, size_t max)
{
	size_t len;

	if (!text)
		return;
	len = cut_len(text, max);
	printable_add(out, bytes_of(text, len), 0);
	if (text[len])
		buf_add_str(out, "...");
}

static const char *reference(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* U+FFFE and U+FFFF: EF BF BE and EF BF BF. */
static bool is_no_character(const uint8_t *p, size_t left)
{
	return left >= 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

void report_escape(struct buf *out, const char *text, size_t max)
{
	struct buf plain = { 0 };

	report_escape_plain(&plain, text, max);
	for (size_t i = 0; i < plain.len; i++) {
		const char *ref = reference(plain.data[i]);

		if (ref) {
			buf_add_str(out, ref);
		} else if (is_no_character(plain.data + i, plain.len - i)) {
			buf_printf(out, "\\xef\\xbf\\x%02x", plain.data[i + 2]);
			i += 2;
		} else {
			buf_add(out, plain.data + i, 1);
		}
	}
	buf_release(&plain);
}

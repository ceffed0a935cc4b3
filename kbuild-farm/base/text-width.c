/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text-width.h"

#include "base/buf.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

struct range {
	uint32_t first, last;
};

static const struct range zero_width[] = {
	{ 0x300, 0x36f },     { 0x483, 0x489 },   { 0x591, 0x5bd },
	{ 0x5bf, 0x5bf },     { 0x5c1, 0x5c2 },   { 0x5c4, 0x5c5 },
	{ 0x610, 0x61a },     { 0x64b, 0x65f },   { 0x670, 0x670 },
	{ 0x6d6, 0x6dd },     { 0x6df, 0x6e4 },   { 0x6e7, 0x6e8 },
	{ 0x6ea, 0x6ed },     { 0x900, 0x902 },   { 0x93a, 0x93a },
	{ 0x93c, 0x93c },     { 0x941, 0x948 },   { 0x94d, 0x94d },
	{ 0xe31, 0xe31 },     { 0xe34, 0xe3a },   { 0xe47, 0xe4e },
	{ 0x1ab0, 0x1ace },   { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
	{ 0x202a, 0x202e },   { 0x2060, 0x2064 }, { 0x20d0, 0x20f0 },
	{ 0x302a, 0x302d },   { 0x3099, 0x309a }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },   { 0xfeff, 0xfeff }, { 0xe0001, 0xe007f },
	{ 0xe0100, 0xe01ef },
};

static const struct range double_width[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },
	{ 0x23e9, 0x23ec },   { 0x25fd, 0x25fe },   { 0x2614, 0x2615 },
	{ 0x26a1, 0x26a1 },   { 0x2705, 0x2705 },   { 0x270a, 0x270b },
	{ 0x2753, 0x2755 },   { 0x2795, 0x2797 },   { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },   { 0x3400, 0x4dbf },   { 0x4e00, 0xa4cf },
	{ 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
	{ 0xfe10, 0xfe19 },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },   { 0x16fe0, 0x18cff }, { 0x1b000, 0x1b2fb },
	{ 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f19a },
	{ 0x1f200, 0x1f265 }, { 0x1f300, 0x1f320 }, { 0x1f32d, 0x1f335 },
	{ 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca },
	{ 0x1f3e0, 0x1f3f0 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f4fc },
	{ 0x1f4ff, 0x1f53d }, { 0x1f550, 0x1f567 }, { 0x1f5fb, 0x1f64f },
	{ 0x1f680, 0x1f6c5 }, { 0x1f6d0, 0x1f6d7 }, { 0x1f6eb, 0x1f6fc },
	{ 0x1f7e0, 0x1f7eb }, { 0x1f90c, 0x1f9ff }, { 0x1fa70, 0x1faf8 },
	{ 0x20000, 0x3fffd },
};

static bool is_in_ranges(const struct range *list, size_t n, uint32_t c)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (c < list[middle].first)
			n = middle;
		else if (c > list[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

#define IS_IN_RANGES(list, c) is_in_ranges(list, ARRAY_SIZE(list), c)

unsigned text_width_of_char(uint32_t code)
{
	if (code < zero_width[0].first)
		return 1;
	return IS_IN_RANGES(double_width, code) ?
		       2 :
		       !IS_IN_RANGES(zero_width, code);
}

/* Return the length of the character at `p`, and set *columns to its width. */
static size_t character(const uint8_t *p, size_t left, unsigned *columns)
{
	uint32_t c = 0;
	size_t len = *p < 0x80 ? 1 : printable_utf8(p, left, &c);

	*columns = text_width_of_char(c);
	return len ? len : 1;
}

unsigned text_width(const char *text)
{
	size_t len = strlen(text), at = 0;
	unsigned sum = 0, columns;

	while (at < len) {
		at += character((const uint8_t *)text + at, len - at, &columns);
		sum += columns;
	}
	return sum;
}

size_t text_width_fitting_bytes(const char *text, unsigned columns)
{
	size_t len = strlen(text), at = 0;

	while (at < len) {
		unsigned takes;
		size_t n = character((const uint8_t *)text + at, len - at,
				     &takes);

		if (takes > columns)
			break;
		columns -= takes;
		at += n;
	}
	return at;
}

/* Return the longest suffix that fits into `columns`. */
static const char *end_within(const char *text, unsigned columns)
{
	unsigned width = text_width(text), takes;

	while (width > columns) {
		text += character((const uint8_t *)text, strlen(text), &takes);
		width -= takes;
	}
	/* Skip combining marks of the omitted character. */
	while (*text) {
		size_t n = character((const uint8_t *)text, strlen(text),
				     &takes);

		if (takes)
			break;
		text += n;
	}
	return text;
}

void text_width_elide(struct buf *out, const char *text, unsigned columns)
{
	unsigned rest;

	if (text_width(text) <= columns) {
		buf_add_str(out, text);
		return;
	}
	if (columns < 5) {
		buf_add(out, text, text_width_fitting_bytes(text, columns));
		return;
	}
	rest = columns - 3;
	buf_add(out, text, text_width_fitting_bytes(text, rest / 2));
	buf_add_str(out, "...");
	buf_add_str(out, end_within(text, rest - rest / 2));
}

void text_width_wrap(struct buf *out, const char *text, unsigned at,
		     unsigned indent, unsigned columns)
{
	unsigned gap = 0; /* blanks before the next word */

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");
		char *word = xstrndup(text, len);
		unsigned width = text_width(word);

		if (at > indent && at + gap + width > columns) {
			buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
			gap = 0;
		}
		buf_printf(out, "%*s%s", (int)gap, "", word);
		at += gap + width;
		gap = 1;
		text += len;
		free(word);
	}
}

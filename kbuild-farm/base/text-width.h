/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/text-width.h - Display width of a text in terminal columns.
 *
 * A character takes no column if it combines with the previous character
 * (Unicode 15: general category Mn, Me or Cf), two columns if it is wide in
 * East Asia (EastAsianWidth W or F), and else one column.  The table of
 * combining characters covers only common scripts.  A byte that is not valid
 * UTF-8 takes one column.  The result does not depend on the locale.
 */
#ifndef BASE_TEXT_WIDTH_H
#define BASE_TEXT_WIDTH_H

#include "base/buf.h"

/* Return the width of a text. */
unsigned text_width(const char *text);
/* Return the width of a Unicode character. */
unsigned text_width_of_char(uint32_t code);
/* Return the length in bytes of the longest prefix that fits `columns`. */
size_t text_width_fitting_bytes(const char *text, unsigned columns);
/* Append `text`; "..." replaces its middle if it is wider than `columns`. */
void text_width_elide(struct buf *out, const char *text, unsigned columns);
/*
 * Append the words of `text`, separated by blanks, to a line that has `at`
 * columns.  A word that would exceed `columns` begins a new line, which is
 * indented by `indent` columns.
 */
void text_width_wrap(struct buf *out, const char *text, unsigned at,
		     unsigned indent, unsigned columns);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/width.h - how many columns of a terminal a text takes.
 *
 * A character takes one, none when it combines with the one before it, and two
 * when it is wide in East Asia (Unicode 15: general categories Mn, Me and Cf,
 * EastAsianWidth W and F; of rare scripts the common blocks).  A byte that is
 * no valid UTF-8 takes one.  It does not ask the locale.
 */
#ifndef UI_WIDTH_H
#define UI_WIDTH_H

#include "base/buf.h"

unsigned ui_width(const char *text);
/* Of a character by its number. */
unsigned ui_width_of(uint32_t code);
/* How many bytes at the beginning of `text` take at most so many columns. */
size_t ui_width_within(const char *text, unsigned columns);
/*
 * Append `text`, with "..." in the place of its middle where it takes more
 * than `columns`.
 */
void ui_width_elide(struct buf *out, const char *text, unsigned columns);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/printable.h - what may be shown on a person's terminal.
 *
 * Names of files, words of a peer and logs hold whatever somebody put there.
 * Shown is valid UTF-8 without what steers a terminal or turns the order of
 * what is read: C0 and C1 controls (ECMA-48), DEL, and the bidirectional
 * controls of Unicode (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
 * U+2069).
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/buf.h"

/* What may be shown besides. */
enum {
	PRINTABLE_LAYOUT = 1, /* newlines and tabs */
	PRINTABLE_COLOURS = 2, /* as compilers: "\e[01;31m" and "\e[K" */
};

/*
 * The length of the character at `p`, of which `left` bytes are there, and its
 * number; 0: no valid UTF-8 (RFC 3629).
 */
size_t printable_utf8(const uint8_t *p, size_t left, uint32_t *code);
/* May all of it be shown?  `allow`: the above, or'ed. */
bool printable(struct bytes text, unsigned allow);
/* Appends it, each byte of what may not be shown as "\xNN". */
void printable_add(struct buf *out, struct bytes text, unsigned allow);
/* In place: each byte of what may not be shown becomes `stand_in`. */
void printable_clean(char *text, size_t len, unsigned allow, char stand_in);

#endif

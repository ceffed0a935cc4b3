/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/printable.h - Filter for text that is safe on a terminal.
 *
 * File names, text from a peer and logs may contain any byte.  Safe text is
 * valid UTF-8 without characters that control a terminal or reorder text: C0
 * and C1 controls (ECMA-48), DEL, and the bidirectional controls of Unicode
 * (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/buf.h"

/* Characters that the caller can additionally allow. */
enum {
	PRINTABLE_WHITESPACE = 1, /* newlines and tabs */
	/* colours as compilers print them: "\e[01;31m" and "\e[K" */
	PRINTABLE_COLOURS = 2,
};

/*
 * Decode the character at `p`; `left` bytes are available there.  Returns the
 * length of the character and stores its code point in *code.  Returns 0 if the
 * bytes are not valid UTF-8 (RFC 3629).
 */
size_t printable_utf8(const uint8_t *p, size_t left, uint32_t *code);
/*
 * Return the length of the longest prefix of at most `max` bytes that does not
 * end within a character of the UTF-8 text.
 */
size_t printable_prefix_len(const char *text, size_t max);
/* Return true if the whole text is safe. `allow` combines the flags above. */
bool printable_is_safe(struct bytes text, unsigned allow);
/* Append the text with each unsafe byte escaped as "\xNN". */
void printable_add_escaped(struct buf *out, struct bytes text, unsigned allow);
/* Like printable_add_escaped() with no flags.  The caller frees the result. */
char *printable_escape(const char *text);
/* Replace each unsafe byte in place with `replacement`. */
void printable_replace(char *text, size_t len, unsigned allow,
		       char replacement);

#endif

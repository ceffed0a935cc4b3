/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/part.h - parts of "incbin" and "include": could a unit's words make
 * a directive of the assembler that no text spells out?
 */
#ifndef SCAN_PART_H
#define SCAN_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_PART_WORDS 2

/*
 * For each of both words: a bit for each part of it that was seen; in of[0]
 * also what a whole word in a string needs.
 */
struct scan_parts {
	uint32_t of[SCAN_PART_WORDS];
};
#define SCAN_PART_DOT  (UINT32_C(1) << 30) /* a string ends in it */
#define SCAN_PART_HEAD (UINT32_C(1) << 31) /* a string starts with the word */

/* Take note of a word, if it is a part; case is nothing to gas. */
void scan_parts_word(struct scan_parts *parts, const char *s, size_t len);
/*
 * A string of C, which may be pasted to others: it counts when it is a part,
 * when it ends in a dot, or that and the start of a word, or starts with a
 * word or its end.
 */
struct scan_pasted {
	const char *s;
	size_t len;
	bool lone; /* no other string is near, so it is no part */
	bool first; /* no string is before it */
};
void scan_parts_string(struct scan_parts *parts, const struct scan_pasted *in);

/* Assembler text. */
struct scan_prose {
	const char *s;
	size_t len;
	const char *params; /* from here to `s`: names that stand for others */
	bool comment; /* it starts within one */
	bool first; /* it starts a statement */
};

/* Take note of its words; returns whether it ends in a comment. */
bool scan_parts_text(struct scan_parts *parts, const struct scan_prose *in);
/* Can one of the words be put together? */
bool scan_parts_whole(const struct scan_parts *parts);

#endif

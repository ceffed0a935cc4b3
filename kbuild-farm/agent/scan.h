/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/scan.h - would this text make the compiler read files of the node?
 *
 * The text of an honest kfarm includes nothing: that is done.  A hostile one
 * could, with #include and its like, which -fdirectives-only obeys, or with
 * a precompiled header: an image of cc1's memory, which is as good as code.
 *
 * What counts as a directive here is more than for gcc (one in a comment at
 * the start of a line too): such a text is compiled at home, no more.
 */
#ifndef AGENT_SCAN_H
#define AGENT_SCAN_H

#include "base/bytes.h"

#define AGENT_SCAN_OVERLAP 32

struct agent_scan {
	bool directives; /* no assembler text, where # begins a comment */
	unsigned char state; /* scan.c's own, as the rest */
	bool star; /* the last byte that counts was a '*' */
	unsigned char last; /* byte */
	unsigned char magic; /* bytes of an image's beginning, so far */
	char word[16]; /* behind a '#', so far */
	unsigned char word_len;
	char tail[AGENT_SCAN_OVERLAP]; /* the last bytes of what came */
	unsigned char tail_len;
};

void agent_scan_init(struct agent_scan *s, bool directives);
/* The next piece, cut anywhere.  False: the text includes files. */
bool agent_scan_text(struct agent_scan *s, struct bytes in);

#endif

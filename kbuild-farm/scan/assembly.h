/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/assembly.h - what of a unit's text the assembler gets to see.
 *
 * Of C: the strings of asm statements and labels, those beside each other
 * joined; the strings of attributes and pragmas, for a section's name goes
 * there as it stands.  Of assembler sources: all lines.
 */
#ifndef SCAN_ASSEMBLY_H
#define SCAN_ASSEMBLY_H

#include "base/buf.h"
#include "scan/token.h"

/* One text of the assembler's. */
struct scan_assembly_text {
	size_t from, len; /* in struct scan_assembly's text */
	uint8_t kind; /* enum scan_asm_kind */
};

struct scan_assembly {
	unsigned mode; /* enum scan_mode */
	struct buf text;
	struct scan_assembly_text *part;
	size_t n_part, cap_part;
	/* What is being read of C: */
	uint8_t state; /* enum state of assembly.c */
	unsigned depth; /* parentheses that are open */
	size_t from; /* where its text starts */
	bool operands; /* there are some */
	bool joins; /* the next string goes on with the last one */
	bool label; /* it may be the name of something */
	struct scan_token before; /* the last token */
	uint8_t last; /* the last byte of a line of assembler text */
};

void scan_assembly_init(struct scan_assembly *a, unsigned mode);
void scan_assembly_release(struct scan_assembly *a);
/* The next token of the unit, whose spelling is `s`. */
void scan_assembly_token(struct scan_assembly *a, const struct scan_token *t,
			 const struct scan_name *s);
/* All of an assembler source that no preprocessor reads. */
void scan_assembly_source(struct scan_assembly *a, struct bytes text);
void scan_assembly_pragma(struct scan_assembly *a, const char *s, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/inline-asm.h - Text of a unit that the assembler reads.
 *
 * In C sources, this text consists of the strings of asm statements, asm labels
 * and attributes, with adjacent strings joined, and of all pragmas that contain
 * a string.  An attribute or a pragma can name a section, and the compiler
 * copies the name unchanged to the assembler.  In assembler sources, the text
 * consists of all lines.
 */
#ifndef CPP_INLINE_ASM_H
#define CPP_INLINE_ASM_H

#include "base/buf.h"
#include "cpp/token.h"

/* One text for the assembler. */
struct cpp_inline_asm_text {
	size_t from, len; /* in cpp_inline_asm.text */
	uint8_t kind; /* enum gas_text_kind */
};

struct cpp_inline_asm {
	unsigned mode; /* bits of enum cpp_mode */
	struct buf text;
	struct cpp_inline_asm_text *parts;
	size_t n_parts, cap_parts;
	/* State of the parser in C sources: */
	uint8_t state; /* enum asm_state */
	unsigned depth; /* number of open parentheses or brackets */
	size_t start; /* offset of the current statement in `text` */
	bool has_operands; /* a colon ended the template */
	bool joins_next; /* the next string is appended to the last one */
	bool may_be_label; /* asm("x") can be the name of a symbol */
	struct cpp_token last_token;
	uint8_t last_byte; /* in assembler sources: last byte of `text` */
};

/* Start a unit.  `mode` consists of bits of enum cpp_mode. */
void cpp_inline_asm_init(struct cpp_inline_asm *a, unsigned mode);
void cpp_inline_asm_release(struct cpp_inline_asm *a);
/* Process the next token of the unit, whose spelling is `s`. */
void cpp_inline_asm_add_token(struct cpp_inline_asm *a,
			      const struct cpp_token *t,
			      const struct cpp_name *s);
/* Add the text of an assembler source that is not preprocessed. */
void cpp_inline_asm_add_source(struct cpp_inline_asm *a, struct bytes text);
/* Add the text of a pragma if it contains a string. */
void cpp_inline_asm_add_pragma(struct cpp_inline_asm *a, const char *s,
			       size_t len);

#endif

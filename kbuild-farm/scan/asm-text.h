/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/asm-text.h - which files will the assembler read?
 *
 * All assembler text of one unit is run as GNU as would run it, with labels,
 * comments, macros and repetitions, but without instructions.  Where it
 * cannot be known how as decides, e.g. .if of a label's address, it goes both
 * ways.  So the answer may name too many files, and never too few; where that
 * cannot be had, it is "open", in words.
 *
 * asm-scrub.c reads characters, asm-macro.c expands macros, asm-expr.c
 * evaluates expressions, asm-operand.c sees to what a compiler puts into the
 * text of an asm statement, asm-cond.c to .if; the facts are those of
 * binutils' gas/app.c, macro.c, read.c, cond.c and expr.c, and of
 * gas/config/tc-*.c for characters.
 */
#ifndef SCAN_ASM_TEXT_H
#define SCAN_ASM_TEXT_H

#include "base/str.h"

struct scan_asm_text;

enum scan_asm_kind {
	/* All text of a source: lines in their order; what # 1 "x.S" says of
	 * lines may be there or not. */
	SCAN_ASM_SOURCE,
	/* asm() with operands, cleaned of C's quotes and escapes: %0, %[name],
	 * {a|b}, where the compiler knows them. */
	SCAN_ASM_TEMPLATE,
	/* asm() without operands: as it stands. */
	SCAN_ASM_BASIC,
	/* What ends up within a line of the compiler's: the name of a section
	 * or a symbol. */
	SCAN_ASM_RAW,
};

struct scan_asm_setup {
	const char *architecture; /* scan_asm_architecture(); NULL: open */
	bool alternate; /* as --alternate */
};

struct scan_asm_result {
	struct strv incbin; /* names as they stand, each once */
	struct strv include; /* the same; their text is for the caller to add */
	struct strv
		origin; /* what .file names; as --MD lists it, read or not */
	char *open; /* what could not be decided; NULL: all was */
};

/* The architecture of a compiler that predefines macros; NULL: not known. */
const char *scan_asm_architecture(bool (*is_defined)(void *ctx,
						     const char *macro),
				  void *ctx);

/* `setup` is borrowed until here. */
struct scan_asm_text *scan_asm_new(const struct scan_asm_setup *setup);
void scan_asm_free(struct scan_asm_text *a);

/* Add a text; it is copied.  A unit has one SOURCE, or any of the others. */
void scan_asm_add(struct scan_asm_text *a, const char *s, size_t len,
		  enum scan_asm_kind kind);

/*
 * What all texts so far name; release `out` with scan_asm_result_release().
 * More may be added afterwards, as those of .include, and asked again.
 */
void scan_asm_end(struct scan_asm_text *a, struct scan_asm_result *out);
void scan_asm_result_release(struct scan_asm_result *out);

#endif

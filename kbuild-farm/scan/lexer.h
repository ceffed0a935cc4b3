/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/lexer.h - what the lexer's files share: lex.c (directives),
 * lex-line.c (comments, quotes, lines) and lex-mark.c (words that matter).
 */
#ifndef SCAN_LEXER_H
#define SCAN_LEXER_H

#include "scan/lex.h"

struct scan_lexer {
	const uint8_t *p;
	const uint8_t *start;
	const uint8_t *end; /* behind the last newline; *end is 0 */
	unsigned mode;
	uint32_t line;
	struct scan_names *names; /* locked */
	struct scan_text *t;
	struct buf blob;
	struct buf scratch;
	size_t cap, cap_def, cap_piece;
	uint32_t *open; /* the conditionals that are open */
	size_t n_open, cap_open;
};

/* lex.c */
struct scan_directive *scan_lexer_add(struct scan_lexer *l, enum scan_op op);
void scan_lexer_odd(struct scan_lexer *l, enum scan_odd odd);
/* A piece of `len` bytes that were just put at the end of the blob. */
uint32_t scan_lexer_piece(struct scan_lexer *l, uint32_t at, uint32_t len);

/* lex-line.c */
/* Behind a backslash-newline at `p`, or NULL. */
const uint8_t *scan_lexer_splice(const uint8_t *p);
/* Skip splices, blanks and comments; false: at the end of the line. */
bool scan_lexer_blanks(struct scan_lexer *l);
/* Skip text up to and with the end of its line. */
void scan_lexer_text(struct scan_lexer *l);
/* Append the rest of the line, cleaned, to the blob; skips the newline. */
void scan_lexer_rest(struct scan_lexer *l);
/* Append up to `close` or the end of the line as it stands. */
void scan_lexer_header(struct scan_lexer *l, uint8_t close);
/* Append an identifier to the blob: its length. */
size_t scan_lexer_word(struct scan_lexer *l);
bool scan_is_word(uint8_t c);

/* lex-mark.c */
/* An identifier starts or goes on at l->p with '_', 'b' or 'u'. */
void scan_lexer_mark(struct scan_lexer *l);
/* The inside of a string literal, cleaned. */
void scan_lexer_string(struct scan_lexer *l, const uint8_t *s, size_t len);
/* The body of a macro, cleaned. */
void scan_lexer_body(struct scan_lexer *l, const char *s, size_t len);

#endif

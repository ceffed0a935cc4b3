/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/lexer.h - what the lexer's files share: lex.c (directives), lex-add.c
 * (the list of them), lex-keep.c (text as tokens), lex-line.c (comments,
 * quotes, lines), lex-mark.c (words that matter), lex-part.c (what could become
 * .incbin), lex-paste.c (pieces of the date's names), lex-origin.c (#line) and
 * lex-pragma.c.
 */
#ifndef SCAN_LEXER_H
#define SCAN_LEXER_H

#include "base/reason.h"
#include "scan/lex.h"
#include "scan/part.h"
#include "scan/token.h"

/* What stops the walk through text, and through a directive's line. */
enum {
	SCAN_STOP_TEXT = 1,
	SCAN_STOP_REST = 2,
	SCAN_WORD = 4,
	SCAN_BLANK = 8,
	SCAN_STOP_COMMENT = 16,
	SCAN_STOP_QUOTED = 32,
};

extern const uint8_t scan_class[256];

static inline bool scan_is_word(uint8_t c)
{
	return scan_class[c] & SCAN_WORD;
}

#define SCAN_LEXER_WORDS 4

/* Where the line of what is cleaned changes: at byte `at` of it. */
struct scan_turn {
	size_t at;
	uint32_t line;
};

/* Text as tokens, while it is read. */
struct scan_keep {
	struct scan_token *v;
	size_t n, cap;
	uint32_t *from; /* as in struct scan_full */
	size_t n_from, cap_from;
	struct scan_turn *turn;
	size_t n_turn, cap_turn;
	uint32_t line; /* of the last token */
	uint32_t seen; /* of the last turn */
};

struct scan_lexer {
	const uint8_t *p;
	const uint8_t *start;
	const uint8_t *end; /* behind the last newline; *end is 0 */
	/* The next words of lex-pragma.c, in a comment or not; or NULL. */
	const uint8_t *word[SCAN_LEXER_WORDS];
	const uint8_t *separator; /* the last quote inside a number */
	unsigned mode;
	uint32_t line;
	struct scan_names *names; /* locked */
	struct scan_text *t;
	struct buf blob;
	struct buf scratch;
	size_t cap, cap_def, cap_piece;
	uint32_t *open; /* the conditionals that are open */
	size_t n_open, cap_open;
	const uint8_t *words_end; /* up to here their words are known */
	uint32_t comment_line; /* where gas sees a comment */
	struct buf unescaped;
	struct scan_keep *keep; /* text in tokens too; or NULL */
	bool lone; /* the string at hand is pasted to no other */
	bool first; /* or at least to none before it */
};

/* lex-add.c */
struct scan_directive *scan_lexer_add(struct scan_lexer *l, enum scan_op op);
void scan_lexer_unsupported(struct scan_lexer *l, enum reason why);
/* A piece of `len` bytes that were just put at the end of the blob. */
uint32_t scan_lexer_piece(struct scan_lexer *l, uint32_t at, uint32_t len);

/* At the start, and at each directive: another list of tokens begins. */
void scan_keep_gap(struct scan_lexer *l);

/* lex-keep.c: of a lexer that keeps text */
/* The line from l->p on, like scan_lexer_text(). */
void scan_keep_line(struct scan_lexer *l);
/* What #pragma (SCAN_TOK_PRAGMA) or #line (SCAN_TOK_ORIGIN) says. */
void scan_keep_said(struct scan_lexer *l, uint8_t kind, const char *s,
		    size_t len);
/* What was kept, as the text of `t`, charged to its names. */
void scan_keep_end(struct scan_keep *k, struct scan_text *t);
void scan_keep_release(struct scan_keep *k);
/* Free what scan_keep_end() made. */
void scan_full_drop(struct scan_text *t);

/* %: is #: not for gcc in assembler sources. */
static inline bool scan_has_digraphs(unsigned mode)
{
	return !(mode & SCAN_OLD) &&
	       (!(mode & SCAN_ASM) || (mode & SCAN_CLANG));
}

/* lex-line.c */
/* Look through all of a file for bytes that we do not read. */
void scan_lexer_bytes(struct scan_lexer *l, const struct buf *in);
/* Skip splices, blanks and comments; false: at the end of the line. */
bool scan_lexer_blanks(struct scan_lexer *l);
/* Skip text up to and with the end of its line. */
void scan_lexer_text(struct scan_lexer *l);
/* Append the rest of the line, cleaned, to the blob; skips the newline. */
void scan_lexer_rest(struct scan_lexer *l);
/* The same for a line of text that is kept. */
void scan_lexer_line(struct scan_lexer *l);
/* Append up to `close` or the end of the line as it stands. */
void scan_lexer_header(struct scan_lexer *l, uint8_t close);
/* Append an identifier to the blob: its length. */
size_t scan_lexer_word(struct scan_lexer *l);
/* A comment, by its looks, between a < and the > behind it? */
bool scan_lexer_bracketed(const uint8_t *s, const uint8_t *end);

/* lex-mark.c */
/* An identifier starts or goes on at l->p with '_', 'b' or 'u'. */
void scan_lexer_mark(struct scan_lexer *l);
/* The inside of a string literal, cleaned. */
void scan_lexer_string(struct scan_lexer *l, const uint8_t *s, size_t len);
/* The body of a macro, cleaned. */
void scan_lexer_body(struct scan_lexer *l, const char *s, size_t len);

/* lex-paste.c: pieces of the names of the date, in text and in a body */
void scan_lexer_piece_at(struct scan_lexer *l, const char *at,
			 const char *start, const char *end);
void scan_lexer_pieces(struct scan_lexer *l, const char *s, size_t len);

/* lex-origin.c */
/* At the number of #line 33 "file" or # 33 "file": look, skip nothing. */
void scan_lexer_origin(struct scan_lexer *l);

/* lex-pragma.c */
/* At `s` stands _Pragma, or a part of it. */
void scan_lexer_pragma(struct scan_lexer *l, const char *s, const char *end);
/* Look for the words that matter in a pragma; before the first line. */
void scan_lexer_words(struct scan_lexer *l);
/* From `from` to l->p was no code; those in front of it are marked. */
void scan_lexer_passed(struct scan_lexer *l, const uint8_t *from);

/* lex-part.c */
/* Words of assembler text, from l->p to where the lexer stops anyway. */
void scan_lexer_asm_words(struct scan_lexer *l);
/* Other text of this line. */
void scan_lexer_prose(struct scan_lexer *l, const char *s, size_t len);
/* What follows the name in a #define of assembler text. */
void scan_lexer_definition(struct scan_lexer *l, const char *s, size_t len);
/* Does a '.' in a string start what may go on as .incbin or .include? */
bool scan_part_joins(const char *start, const char *dot, const char *end);
/* In a body, is such a string followed by #x, and more?  `close`: its end. */
bool scan_part_pastes(const char *start, const char *close, const char *end);
/* See what is near the string that starts at `from`: l->lone and l->first. */
void scan_lexer_near(struct scan_lexer *l, const char *start, const char *from,
		     const char *behind, const char *end);
/* A string without its \x, \0 and \u; false: it has none. */
bool scan_part_unescape(struct buf *out, const char *s, size_t len);
/* Look through all of a file for spellings that the lexer passes over. */
void scan_lexer_hidden(struct scan_lexer *l, const struct buf *in);

/* Blanks, or a word, at `p`: behind them. */
static inline const char *scan_over_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static inline const char *scan_over_word(const char *p, const char *end)
{
	while (p < end && scan_is_word((uint8_t)*p))
		p++;
	return p;
}

#endif

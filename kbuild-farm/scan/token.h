/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/token.h - preprocessing tokens of cleaned text.
 */
#ifndef SCAN_TOKEN_H
#define SCAN_TOKEN_H

#include "base/bytes.h"
#include "scan/name.h"

#include <stdatomic.h>

enum scan_token_kind {
	SCAN_TOK_END,
	SCAN_TOK_NAME,
	SCAN_TOK_NUMBER,
	SCAN_TOK_CHAR,
	SCAN_TOK_STRING,
	SCAN_TOK_PUNCT,
	SCAN_TOK_OTHER, /* any other byte, and quotes that do not close */
	/* Only in the bodies of macros: */
	SCAN_TOK_PARAM, /* `id` is its index */
	SCAN_TOK_OPTION, /* __VA_OPT__(...), of the `id` tokens behind it */
	/* Only in a file's text, between its tokens: */
	SCAN_TOK_LINE, /* what follows stands in line `id` */
	SCAN_TOK_PRAGMA, /* `id`: what #pragma says */
	SCAN_TOK_ORIGIN, /* `id`: what #line says */
};

enum scan_token_flag {
	SCAN_TOK_WHITE = 1, /* blanks before it */
	SCAN_TOK_PASTE = 2, /* ## behind it */
	SCAN_TOK_STRINGIFY = 4, /* # before it */
	SCAN_TOK_NO_EXPAND = 8,
	SCAN_TOK_FRESH = 16, /* the first of a line of text */
};

/* Punctuators of more than one byte; others are their byte. */
enum scan_punct {
	SCAN_PUNCT_OR_OR = 128,
	SCAN_PUNCT_AND_AND,
	SCAN_PUNCT_EQ,
	SCAN_PUNCT_NE,
	SCAN_PUNCT_LE,
	SCAN_PUNCT_GE,
	SCAN_PUNCT_LEFT,
	SCAN_PUNCT_RIGHT,
	SCAN_PUNCT_PASTE,
	SCAN_PUNCT_ELLIPSIS,
	SCAN_PUNCT_MANY, /* others, of no meaning to us */
};

struct scan_token {
	uint8_t kind;
	uint8_t flags;
	uint8_t punct;
	uint8_t row; /* of a text's arguments: lines below the macro's name */
	uint32_t id; /* its spelling, see scan/name.h */
};

static inline bool scan_is_punct(struct scan_token t, uint8_t punct)
{
	return t.kind == SCAN_TOK_PUNCT && t.punct == punct;
}

struct scan_tokens {
	uint32_t n;
	struct scan_token v[]; /* and a SCAN_TOK_END */
};

/* The tokens of a text, one by one. */
struct scan_cursor {
	struct scan_names *names; /* locked */
	const char *s, *end;
	unsigned mode;
};

/* The next token, SCAN_TOK_END at the end; `s` is behind it afterwards. */
struct scan_token scan_token_next(struct scan_cursor *c);

/* For the caller to free().  Takes the lock of `names`. */
struct scan_tokens *scan_tokens_of(struct scan_names *names, const char *s,
				   size_t len, unsigned mode);
/* The same, made once for all threads and kept in `*slot`. */
const struct scan_tokens *scan_tokens_once(_Atomic(struct scan_tokens *) *slot,
					   struct scan_names *names,
					   const char *s, size_t len,
					   unsigned mode);
/* Free what scan_tokens_once() made. */
void scan_tokens_drop(_Atomic(struct scan_tokens *) *slot,
		      struct scan_names *names);

/*
 * The one token that `len` bytes are, for ##; false: they are none, or more
 * than one.
 */
bool scan_token_of(struct scan_names *names, const char *s, size_t len,
		   unsigned mode, struct scan_token *out);

#endif

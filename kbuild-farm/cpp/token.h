/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/token.h - Preprocessing tokens of cleaned text.
 */
#ifndef CPP_TOKEN_H
#define CPP_TOKEN_H

#include "base/bytes.h"
#include "cpp/intern.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Language variants that change how bytes are read. */
enum cpp_mode {
	CPP_MODE_ASM = 1, /* .S: an unknown directive is text */
	CPP_MODE_RAW_STRINGS = 2, /* R"x(...)x" */
	CPP_MODE_STRICT = 4, /* no GNU extensions, as with -std=c11 */
	CPP_MODE_C90 = 8, /* -std=c90: no line comments, no digraphs */
	CPP_MODE_DIGIT_SEPARATORS = 16, /* 1'000 */
	CPP_MODE_TRIGRAPHS = 32,
	/* the compiler is clang, which accepts digraphs in .S too */
	CPP_MODE_CLANG = 64,
	CPP_MODE_STRING_PREFIXES = 128, /* u8"x" even without raw strings */
};

/* Return true if %: means #.  In assembler sources, gcc has no digraphs. */
static inline bool cpp_has_digraphs(unsigned mode)
{
	return !(mode & CPP_MODE_C90) &&
	       (!(mode & CPP_MODE_ASM) || (mode & CPP_MODE_CLANG));
}

/*
 * Classes of bytes.  There are four kinds of scans: text, the rest of a line, a
 * comment and a quoted string.  Each scan stops at the bytes of its
 * CPP_CHAR_STOP class.
 */
enum {
	CPP_CHAR_STOP_TEXT = 1,
	CPP_CHAR_STOP_REST = 2,
	CPP_CHAR_WORD = 4,
	CPP_CHAR_BLANK = 8,
	CPP_CHAR_STOP_COMMENT = 16,
	CPP_CHAR_STOP_QUOTED = 32,
};

extern const uint8_t cpp_char_class[256];

/* Return true for letters, digits, '_', '$' and bytes outside ASCII. */
static inline bool cpp_is_word_char(uint8_t c)
{
	return cpp_char_class[c] & CPP_CHAR_WORD;
}

/* Return the first byte from `p` on that is not a space or a tab. */
static inline const char *cpp_skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Return the first byte from `p` on that is not part of a word. */
static inline const char *cpp_skip_word(const char *p, const char *end)
{
	while (p < end && cpp_is_word_char((uint8_t)*p))
		p++;
	return p;
}

/*
 * Decode an escape sequence.  On entry, *s points after the backslash and is
 * less than `end`; on return, it points after the escape.  Returns the value of
 * the escape, or -1 if compilers do not define it.
 */
int64_t cpp_escape(const char **s, const char *end);

enum cpp_token_kind {
	CPP_TOK_END,
	CPP_TOK_NAME,
	CPP_TOK_NUMBER,
	CPP_TOK_CHAR,
	CPP_TOK_STRING,
	CPP_TOK_PUNCT,
	CPP_TOK_OTHER, /* any other byte or unterminated quotes */
	/* Only in macro bodies: */
	CPP_TOK_PARAM, /* `id` is the index of the parameter */
	CPP_TOK_VA_OPT, /* __VA_OPT__(); the next `id` tokens are its operand */
	/* Only between the tokens of a file's text: */
	CPP_TOK_LINE, /* the tokens after it are in line `id` */
	CPP_TOK_PRAGMA, /* `id`: operand of #pragma */
	CPP_TOK_LINE_DIRECTIVE, /* `id`: operand of #line */
};

enum cpp_token_flag {
	CPP_FLAG_WHITE = 1, /* preceded by a blank */
	CPP_FLAG_PASTE = 2, /* followed by ## */
	CPP_FLAG_STRINGIFY = 4, /* preceded by # */
	CPP_FLAG_NO_EXPAND = 8,
	CPP_FLAG_LINE_START = 16, /* first token of a line of text */
};

/*
 * Punctuators of several bytes.  A punctuator of one byte is represented by
 * that byte.
 */
enum cpp_punct {
	CPP_PUNCT_OR_OR = 128,
	CPP_PUNCT_AND_AND,
	CPP_PUNCT_EQ,
	CPP_PUNCT_NE,
	CPP_PUNCT_LE,
	CPP_PUNCT_GE,
	CPP_PUNCT_LSHIFT,
	CPP_PUNCT_RSHIFT,
	CPP_PUNCT_PASTE,
	CPP_PUNCT_ELLIPSIS,
	CPP_PUNCT_OTHER, /* not used by the preprocessor */
};

struct cpp_token {
	uint8_t kind;
	uint8_t flags;
	uint8_t punct;
	/*
	 * for macro arguments in text: distance in lines from the macro's name
	 */
	uint8_t line_offset;
	uint32_t id; /* spelling; see cpp/intern.h */
};

/* Return true if `t` is the punctuator `punct`, an enum cpp_punct or a byte. */
static inline bool cpp_is_punct(struct cpp_token t, uint8_t punct)
{
	return t.kind == CPP_TOK_PUNCT && t.punct == punct;
}

struct cpp_tokens {
	uint32_t n_tokens;
	struct cpp_token tokens[]; /* followed by CPP_TOK_END */
};

/*
 * Return the size of a token list in bytes, including its CPP_TOK_END, which
 * `n_tokens` does not count.
 */
static inline size_t cpp_tokens_memory(const struct cpp_tokens *t)
{
	return sizeof(*t) + (t->n_tokens + 1) * sizeof(t->tokens[0]);
}

/* A position in text that is split into tokens. */
struct cpp_cursor {
	struct cpp_names *names; /* locked by the caller */
	const char *s, *end;
	unsigned mode;
};

/* Return the next token, or CPP_TOK_END, and advance `s` past it. */
struct cpp_token cpp_token_next(struct cpp_cursor *c);

/* Split text into tokens.  Locks `names`.  The caller frees the result. */
struct cpp_tokens *cpp_tokens_new(struct cpp_names *names, const char *s,
				  size_t len, unsigned mode);

#endif

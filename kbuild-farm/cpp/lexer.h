/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/lexer.h - Lexer state and reading of lines.
 *
 * lex-directives.c reads a file line by line and builds the list of
 * directives.  lex-lines.c defines the functions of this header, which read
 * comments, quotes and lines.  They also mark relevant words that are not
 * directives.
 */
#ifndef CPP_LEXER_H
#define CPP_LEXER_H

#include "base/reason.h"
#include "cpp/incbin-words.h"
#include "cpp/lex-directives.h"

#define CPP_LEXER_PRAGMA_WORDS 4

/* A line break inside a cleaned line, at byte `offset` of the cleaned line. */
struct cpp_line_change {
	size_t offset;
	uint32_t line;
};

/* The unfinished token lists of a file, one per gap between directives. */
struct cpp_token_sink {
	struct cpp_token *tokens;
	size_t n_tokens, cap_tokens;
	uint32_t *starts; /* as in struct cpp_full_text */
	size_t n_starts, cap_starts;
	struct cpp_line_change *line_changes;
	size_t n_line_changes, cap_line_changes;
	uint32_t line; /* line of the last token */
	/*
	 * source line of the last recorded line change; before the first line
	 * change, the line in which the text starts
	 */
	uint32_t last_change_line;
};

struct cpp_lexer {
	const uint8_t *p;
	const uint8_t *start;
	const uint8_t *end; /* after the last newline; *end is 0 */
	/*
	 * Next occurrence of each word of pragma_words ("once", "GCC" ...), or
	 * NULL.  The occurrence can be in a comment.
	 */
	const uint8_t *pragma_word[CPP_LEXER_PRAGMA_WORDS];
	/* the last quote inside a number, as in 1'000 */
	const uint8_t *separator;
	unsigned mode;
	uint32_t line;
	struct cpp_names *names; /* locked by cpp_lex_file() */
	struct cpp_text *t;
	struct buf blob;
	struct buf scratch; /* the current string, without splices */
	size_t cap_directives, cap_defs, cap_expr_texts;
	uint32_t *open_groups; /* indices of open conditionals */
	size_t n_open_groups, cap_open_groups;
	/* assembler words up to this byte are recorded */
	const uint8_t *words_end;
	uint32_t comment_line; /* line in which an assembler comment starts */
	struct buf unescaped; /* a string with its numeric escapes replaced */
	struct cpp_token_sink *sink; /* NULL if text is not stored */
	struct cpp_words *words; /* NULL if words are not recorded */
	bool string_alone; /* the current string is not joined to another */
	bool string_first; /* no string precedes the current string */
};

/* Append a directive, which starts in line l->line, and return it. */
struct cpp_directive *cpp_lexer_add_directive(struct cpp_lexer *l,
					      enum cpp_op op);
/* Append CPP_OP_UNSUPPORTED for `why`, but not twice in succession. */
void cpp_lexer_add_unsupported(struct cpp_lexer *l, enum reason why);
/*
 * Begin the token list of the next gap between directives.  cpp_lex_file()
 * calls this for the first gap, cpp_lexer_add_directive() for each further gap.
 */
void cpp_token_sink_add_gap(struct cpp_lexer *l);

/* Skip splices, blanks and comments.  Return false at the end of the line. */
bool cpp_lexer_skip_blanks(struct cpp_lexer *l);
/* Skip text through the end of its line and mark its words and strings. */
void cpp_lexer_skip_text(struct cpp_lexer *l);
/* Append the rest of the line, cleaned, to the blob and skip the newline. */
void cpp_lexer_copy_rest(struct cpp_lexer *l);
/*
 * Copy a line of text like cpp_lexer_copy_rest().  Also record in the token
 * sink each position in the copied bytes at which the source line changes.
 */
void cpp_lexer_copy_line(struct cpp_lexer *l);
/*
 * Append the bytes up to and including the byte `close` to the blob, with
 * splices removed.  If the line has no such byte, append the rest of the line.
 */
void cpp_lexer_copy_header(struct cpp_lexer *l, uint8_t close);
/* Append an identifier to the blob and return its length. */
size_t cpp_lexer_copy_word(struct cpp_lexer *l);
/* Mark the words and strings of a cleaned macro body. */
void cpp_lexer_mark_body(struct cpp_lexer *l, const char *s, size_t len);

#endif

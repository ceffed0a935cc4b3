/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/word.h - Lexer state and the words of a shell script.
 *
 * A word is split into its parts: quoted and unquoted text, parameters and
 * command substitutions.  The parser (shell/parse.c) reads the other tokens.
 *
 * The first failure is recorded in `fallback_reason` and moves the position to
 * the end of the text.  From then on every token is TOKEN_END, so the parser
 * need not check for failure after each token.
 */
#ifndef SHELL_WORD_H
#define SHELL_WORD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "shell/ast.h"
#include "shell/stats.h"

enum shell_token {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_SEMI,
	TOKEN_BACKGROUND,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_PIPE,
	TOKEN_PAREN_OPEN,
	TOKEN_PAREN_CLOSE,
	TOKEN_DOUBLE_SEMI, /* ;; */
	TOKEN_REDIR,
	TOKEN_WORD,
	/* The remaining tokens are keywords. */
	TOKEN_NOT,
	TOKEN_CASE,
	TOKEN_DO,
	TOKEN_DONE,
	TOKEN_ELIF,
	TOKEN_ELSE,
	TOKEN_ESAC,
	TOKEN_FI,
	TOKEN_FOR,
	TOKEN_IF,
	TOKEN_IN,
	TOKEN_THEN,
	TOKEN_UNTIL,
	TOKEN_WHILE,
	TOKEN_BRACE_OPEN,
	TOKEN_BRACE_CLOSE,
};

/* A word with the properties that the parser needs. */
struct shell_lexed_word {
	struct shell_word *word;
	/*
	 * The text of the word and its length, valid if the word contains no
	 * parameter and no command substitution.  Otherwise `text` begins with
	 * the text before the first of them.
	 */
	char *text;
	size_t len;
	bool quoted; /* part of the word is quoted */
	/* Offset of the value if the word begins with NAME=, else 0. */
	size_t value_offset;
};

struct shell_heredoc {
	struct shell_heredoc *next;
	struct shell_redir *redir;
	struct bytes delimiter;
	/* the delimiter is quoted, so the document is not expanded */
	bool quoted;
	bool strip_tabs;
};

struct shell_lexer {
	struct arena *arena;
	const char *p, *end;
	unsigned line;
	unsigned depth;
	enum shell_fallback_reason fallback_reason;
	/*
	 * position at which the next word's text is written; the buffer has
	 * room for all words
	 */
	char *text;
	/* next_token() (shell/parse.c) returns the last token again */
	bool pushed_back;
	enum shell_token token; /* last token */
	struct shell_lexed_word last_word; /* word of the last TOKEN_WORD */
	struct shell_redir *redir; /* redirection of the last TOKEN_REDIR */
	/* Here-documents that begin on the next line. */
	struct shell_heredoc *heredocs, **heredocs_tail;
	/*
	 * Parse the commands in $( ) or ` ` including the token `until`.  This
	 * is a callback because words contain commands and the parser
	 * (shell/parse.c) reads words.
	 */
	const struct shell_ast_node *(*parse_commands)(struct shell_lexer *lx,
						       enum shell_token until);
};

#define SHELL_LEXER_DEPTH_MAX 100

/*
 * Initialize the lexer.  `text` is borrowed until the lexer has read all of it.
 */
static inline void shell_lexer_init(struct shell_lexer *lx, struct arena *arena,
				    struct bytes text)
{
	*lx = (struct shell_lexer){
		.arena = arena,
		.p = (const char *)text.data,
		.end = (const char *)text.data + text.len,
		.line = 1,
		/*
		 * room for the text of all words and their NULs: every word
		 * except the last is followed by a separator
		 */
		.text = arena_alloc(arena, 2 * text.len + 2),
	};
	lx->heredocs_tail = &lx->heredocs;
}

/*
 * Record a failure, unless an earlier failure is recorded, and skip the
 * remaining text.
 */
static inline void shell_lexer_fail(struct shell_lexer *lx,
				    enum shell_fallback_reason why)
{
	if (lx->fallback_reason == SHELL_FALLBACK_NONE)
		lx->fallback_reason = why;
	lx->p = lx->end;
}

/*
 * Return the next byte after line continuations without consuming it, or -1 at
 * the end of the text.
 */
static inline int shell_lexer_peek(struct shell_lexer *lx)
{
	while (lx->end - lx->p >= 2 && lx->p[0] == '\\' && lx->p[1] == '\n') {
		lx->p += 2;
		lx->line++;
	}
	return lx->p < lx->end ? (unsigned char)*lx->p : -1;
}

/*
 * Read the word that begins at lx->p.  If `mark` is set, the word is the
 * delimiter of a here-document and is not expanded.  Failures are recorded in
 * the lexer.
 */
void shell_word_read(struct shell_lexer *lx, bool mark,
		     struct shell_lexed_word *out);

/*
 * Read the here-document that begins at lx->p and the line that ends it.  The
 * result lies in the lexer's arena.
 */
const struct shell_word *shell_word_read_heredoc(
	struct shell_lexer *lx, const struct shell_heredoc *here);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/lexer.h - how far a script has been read, for all who read a part of
 * it: tokens (shell/lex.h), words (shell/word.h), parameters (shell/param.h).
 *
 * Whatever fails stays in `why`: from then on there is nothing more to read, so
 * that nobody need ask after each step.
 */
#ifndef SHELL_LEXER_H
#define SHELL_LEXER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "shell/node.h"
#include "shell/why.h"

enum shell_token {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_SEMI,
	TOKEN_BACKGROUND,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_PIPE,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_BREAK, /* ;; */
	TOKEN_REDIR,
	TOKEN_WORD,
	/* Where TOKENS_KEYWORD is asked for: */
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
	TOKEN_BEGIN,
	TOKEN_DONE_GROUP,
};

/* A word, and what is known of it while it is read. */
struct shell_lexed {
	struct shell_word *word;
	/* Its text, where it has parts only the first's, and its length. */
	char *text;
	size_t len;
	bool quoted; /* some of it is */
	/* What follows NAME= where it begins so, else 0. */
	size_t value;
};

struct shell_here {
	struct shell_here *next;
	struct shell_redir *redir;
	struct bytes mark;
	bool quoted; /* so that nothing in it is expanded */
	bool strip_tabs;
};

struct shell_lexer {
	struct arena *arena;
	const char *p, *end;
	unsigned line;
	unsigned depth;
	enum shell_why why;
	char *text; /* where the next word's text goes: there is room for all */
	bool pushed; /* the last token is to be read once more */
	enum shell_token token; /* the last one */
	struct shell_lexed last; /* its word */
	struct shell_redir *redir; /* where it is one */
	struct shell_here *heres, **heres_end; /* that begin at the next line */
	/*
	 * What is in $( ) or ` `, read to its end: shell/parse.c.  It is here
	 * since words need it, and it needs words.
	 */
	const struct shell_node *(*commands)(struct shell_lexer *lx,
					     enum shell_token until);
};

#define SHELL_DEPTH_MAX 100

/* `text` is borrowed while it is read. */
static inline void shell_lexer_init(struct shell_lexer *lx, struct arena *arena,
				    struct bytes text)
{
	*lx = (struct shell_lexer){
		.arena = arena,
		.p = (const char *)text.data,
		.end = (const char *)text.data + text.len,
		.line = 1,
		/* A word is followed by something, but for the last. */
		.text = arena_alloc(arena, 2 * text.len + 2),
	};
	lx->heres_end = &lx->heres;
}

/* The first failure counts; nothing is left to be read. */
static inline void shell_lexer_fail(struct shell_lexer *lx, enum shell_why why)
{
	if (lx->why == SHELL_WHY_NONE)
		lx->why = why;
	lx->p = lx->end;
}

/* The next byte behind line continuations, not taken yet; -1: none. */
static inline int shell_lexer_ahead(struct shell_lexer *lx)
{
	while (lx->end - lx->p >= 2 && lx->p[0] == '\\' && lx->p[1] == '\n') {
		lx->p += 2;
		lx->line++;
	}
	return lx->p < lx->end ? (unsigned char)*lx->p : -1;
}

#endif

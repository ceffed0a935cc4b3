/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/lex.h - the tokens of a script, words and redirections whole.
 *
 * Where something failed (shell/lexer.h) there are no more, so that a parser
 * need not ask after each.
 */
#ifndef SHELL_LEX_H
#define SHELL_LEX_H

#include "shell/lexer.h"

/* How a token is read: together. */
enum {
	TOKENS_LINES = 1, /* newlines in front of it are passed over */
	TOKENS_KEYWORD = 2, /* it may be a keyword */
};

/* The next token; it is in lx->token, too. */
enum shell_token shell_lex(struct shell_lexer *lx, unsigned how);
bool shell_lex_is_keyword(const char *word);
/* The documents that were announced on the line just ended. */
void shell_lex_here(struct shell_lexer *lx);

static inline void shell_lex_push(struct shell_lexer *lx)
{
	lx->pushed = true;
}

#endif

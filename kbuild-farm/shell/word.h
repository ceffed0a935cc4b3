/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/word.h - a word of a script, taken apart: quotes, parameters,
 * commands.
 */
#ifndef SHELL_WORD_H
#define SHELL_WORD_H

#include "shell/lexer.h"

/*
 * Read the word that begins at lx->p.  Nothing in the `mark` that ends a
 * here-document is expanded.
 */
void shell_word_read(struct shell_lexer *lx, bool mark,
		     struct shell_lexed *out);

/* The document that begins at lx->p, with the line that ends it. */
const struct shell_word *shell_word_here(struct shell_lexer *lx,
					 const struct shell_here *here);

#endif

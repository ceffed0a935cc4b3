/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/word.h - Reader for the words of a shell script.
 *
 * A word is split into its parts: quoted and unquoted text, parameters and
 * command substitutions.
 */
#ifndef SHELL_WORD_H
#define SHELL_WORD_H

#include "shell/lex.h"

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/lex.h"

#include "shell/word.h"

#include <string.h>

static const struct {
	char word[6];
	uint8_t len;
	uint8_t token;
} keywords[] = {
	{ "!", 1, TOKEN_NOT },        { "case", 4, TOKEN_CASE },
	{ "do", 2, TOKEN_DO },        { "done", 4, TOKEN_DONE },
	{ "elif", 4, TOKEN_ELIF },    { "else", 4, TOKEN_ELSE },
	{ "esac", 4, TOKEN_ESAC },    { "fi", 2, TOKEN_FI },
	{ "for", 3, TOKEN_FOR },      { "if", 2, TOKEN_IF },
	{ "in", 2, TOKEN_IN },        { "then", 4, TOKEN_THEN },
	{ "until", 5, TOKEN_UNTIL },  { "while", 5, TOKEN_WHILE },
	{ "{", 1, TOKEN_BRACE_OPEN }, { "}", 1, TOKEN_BRACE_CLOSE },
};

bool shell_lex_is_keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (!strcmp(keywords[i].word, word))
			return true;
	}
	return false;
}

static enum shell_token keyword_token(const struct shell_lexed_word *word)
{
	if (word->quoted || word->len > 5 || !word->word->literal)
		return TOKEN_WORD;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (keywords[i].len == word->len &&
		    !memcmp(keywords[i].word, word->text, word->len))
			return keywords[i].token;
	}
	return TOKEN_WORD;
}

/* Read the here-documents announced on the line that just ended. */
static void read_heredocs(struct shell_lexer *lx)
{
	struct shell_heredoc *here = lx->heredocs;

	lx->heredocs = NULL;
	lx->heredocs_tail = &lx->heredocs;
	for (; here && !lx->fallback_reason; here = here->next)
		here->redir->word = shell_word_read_heredoc(lx, here);
}

/* Consume the next byte if it is `c`. */
static bool take_char_if(struct shell_lexer *lx, char c)
{
	if (shell_lexer_peek(lx) != c)
		return false;
	lx->p++;
	return true;
}

/*
 * Return true if the word is a digit directly before a redirection operator,
 * which makes it a descriptor.
 */
static bool is_descriptor(const struct shell_lexer *lx,
			  const struct shell_lexed_word *word)
{
	return lx->p < lx->end && (*lx->p == '<' || *lx->p == '>') &&
	       !word->quoted && word->len == 1 && word->word->literal &&
	       word->text[0] >= '0' && word->text[0] <= '9';
}

/* Read the word that follows a redirection operator. */
static void read_redir_operand(struct shell_lexer *lx, bool mark,
			       struct shell_lexed_word *name)
{
	while (shell_lexer_peek(lx) == ' ' || shell_lexer_peek(lx) == '\t')
		lx->p++;
	shell_word_read(lx, mark, name);
	if (is_descriptor(lx, name))
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
}

static void add_pending_heredoc(struct shell_lexer *lx,
				struct shell_redir *redir)
{
	struct shell_heredoc *here = arena_alloc(lx->arena, sizeof(*here));
	struct shell_lexed_word mark;

	*here = (struct shell_heredoc){ .redir = redir,
					.strip_tabs = take_char_if(lx, '-') };
	read_redir_operand(lx, true, &mark);
	/*
	 * No line equals a delimiter with a newline, so dash would read to the
	 * end of the script.
	 */
	if (memchr(mark.text, '\n', mark.len))
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
	here->delimiter = bytes_of(mark.text, mark.len);
	here->quoted = mark.quoted;
	*lx->heredocs_tail = here;
	lx->heredocs_tail = &here->next;
}

static enum shell_redir_kind redir_kind(struct shell_lexer *lx, char first)
{
	if (take_char_if(lx, '&'))
		return SHELL_REDIR_DUP;
	if (first == '>')
		return take_char_if(lx, '>') ? SHELL_REDIR_APPEND :
		       take_char_if(lx, '|') ? SHELL_REDIR_CLOBBER :
					       SHELL_REDIR_OUTPUT;
	return take_char_if(lx, '<') ? SHELL_REDIR_HEREDOC :
	       take_char_if(lx, '>') ? SHELL_REDIR_READ_WRITE :
				       SHELL_REDIR_INPUT;
}

/*
 * Set the source of a DUP if `word` is a literal digit or "-".  Any other word
 * remains for expansion.
 */
static void set_dup_source(struct shell_redir *redir,
			   const struct shell_lexed_word *word)
{
	if (word->quoted || word->len != 1 || !word->word->literal)
		return;
	if (word->text[0] == '-')
		redir->source_fd = SHELL_REDIR_CLOSE_FD;
	else if (word->text[0] >= '0' && word->text[0] <= '9')
		redir->source_fd = word->text[0] - '0';
	else
		return;
	redir->word = NULL;
}

static enum shell_token redir_token(struct shell_lexer *lx, int fd)
{
	struct shell_redir *redir = arena_alloc(lx->arena, sizeof(*redir));
	struct shell_lexed_word name;
	char first = *lx->p++;

	*redir = (struct shell_redir){ .fd = fd };
	if (fd < 0)
		redir->fd = first == '>';
	redir->kind = redir_kind(lx, first);
	if (redir->kind == SHELL_REDIR_HEREDOC) {
		add_pending_heredoc(lx, redir);
	} else {
		read_redir_operand(lx, false, &name);
		redir->word = name.word;
		if (redir->kind == SHELL_REDIR_DUP)
			set_dup_source(redir, &name);
	}
	lx->redir = redir;
	return TOKEN_REDIR;
}

static enum shell_token next_raw_token(struct shell_lexer *lx)
{
	struct shell_lexed_word word;
	const char *newline;

	for (;;) {
		switch (shell_lexer_peek(lx)) {
		case -1:
			return TOKEN_END;
		case ' ':
		case '\t':
			lx->p++;
			continue;
		case '#':
			newline = memchr(lx->p, '\n',
					 (size_t)(lx->end - lx->p));
			lx->p = newline ? newline : lx->end;
			continue;
		case '\n':
			lx->p++;
			lx->line++;
			return TOKEN_NEWLINE;
		case '&':
			lx->p++;
			return take_char_if(lx, '&') ? TOKEN_AND :
						       TOKEN_BACKGROUND;
		case '|':
			lx->p++;
			return take_char_if(lx, '|') ? TOKEN_OR : TOKEN_PIPE;
		case ';':
			lx->p++;
			return take_char_if(lx, ';') ? TOKEN_DOUBLE_SEMI :
						       TOKEN_SEMI;
		case '(':
			lx->p++;
			return TOKEN_PAREN_OPEN;
		case ')':
			lx->p++;
			return TOKEN_PAREN_CLOSE;
		case '<':
		case '>':
			return redir_token(lx, -1);
		default:
			/*
			 * lx->last_word is set last, because shell_word_read()
			 * can read nested words.
			 */
			shell_word_read(lx, false, &word);
			if (is_descriptor(lx, &word))
				return redir_token(lx, word.text[0] - '0');
			lx->last_word = word;
			return TOKEN_WORD;
		}
	}
}

static enum shell_token next_token(struct shell_lexer *lx)
{
	if (lx->pushed_back)
		lx->pushed_back = false;
	else
		lx->token = next_raw_token(lx);
	return lx->token;
}

enum shell_token shell_lex_next(struct shell_lexer *lx, unsigned how)
{
	next_token(lx);
	while ((how & SHELL_LEX_SKIP_NEWLINES) && lx->token == TOKEN_NEWLINE) {
		read_heredocs(lx);
		next_token(lx);
	}
	if ((how & SHELL_LEX_KEYWORDS) && lx->token == TOKEN_WORD)
		lx->token = keyword_token(&lx->last_word);
	if (lx->fallback_reason)
		lx->token = TOKEN_END;
	return lx->token;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/lex.h"

#include "shell/word.h"

#include <string.h>

static const struct {
	char word[6];
	uint8_t len;
	uint8_t token;
} keywords[] = {
	{ "!", 1, TOKEN_NOT },       { "case", 4, TOKEN_CASE },
	{ "do", 2, TOKEN_DO },       { "done", 4, TOKEN_DONE },
	{ "elif", 4, TOKEN_ELIF },   { "else", 4, TOKEN_ELSE },
	{ "esac", 4, TOKEN_ESAC },   { "fi", 2, TOKEN_FI },
	{ "for", 3, TOKEN_FOR },     { "if", 2, TOKEN_IF },
	{ "in", 2, TOKEN_IN },       { "then", 4, TOKEN_THEN },
	{ "until", 5, TOKEN_UNTIL }, { "while", 5, TOKEN_WHILE },
	{ "{", 1, TOKEN_BEGIN },     { "}", 1, TOKEN_DONE_GROUP },
};

bool shell_lex_is_keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (!strcmp(keywords[i].word, word))
			return true;
	}
	return false;
}

static enum shell_token keyword_token(const struct shell_lexed *word)
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

void shell_lex_here(struct shell_lexer *lx)
{
	struct shell_here *here = lx->heres;

	lx->heres = NULL;
	lx->heres_end = &lx->heres;
	for (; here && !lx->why; here = here->next)
		here->redir->word = shell_word_here(lx, here);
}

/* Is the next byte this one?  Then it is taken. */
static bool take_if(struct shell_lexer *lx, char c)
{
	if (shell_lexer_ahead(lx) != c)
		return false;
	lx->p++;
	return true;
}

/* Digits in front of a redirection: they are no word. */
static bool is_descriptor(const struct shell_lexer *lx,
			  const struct shell_lexed *word)
{
	return lx->p < lx->end && (*lx->p == '<' || *lx->p == '>') &&
	       !word->quoted && word->len == 1 && word->word->literal &&
	       word->text[0] >= '0' && word->text[0] <= '9';
}

/* The word behind an operator. */
static void read_operand_name(struct shell_lexer *lx, bool mark,
			      struct shell_lexed *name)
{
	while (shell_lexer_ahead(lx) == ' ' || shell_lexer_ahead(lx) == '\t')
		lx->p++;
	shell_word_read(lx, mark, name);
	if (is_descriptor(lx, name))
		shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
}

static void announce_here(struct shell_lexer *lx, struct shell_redir *redir)
{
	struct shell_here *here = arena_alloc(lx->arena, sizeof(*here));
	struct shell_lexed mark;

	*here = (struct shell_here){ .redir = redir,
				     .strip_tabs = take_if(lx, '-') };
	read_operand_name(lx, true, &mark);
	/* It can be no line: dash reads on to the end. */
	if (memchr(mark.text, '\n', mark.len))
		shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
	here->mark = bytes_of(mark.text, mark.len);
	here->quoted = mark.quoted;
	*lx->heres_end = here;
	lx->heres_end = &here->next;
}

static enum shell_redir_kind redir_kind(struct shell_lexer *lx, char first)
{
	if (take_if(lx, '&'))
		return SHELL_DUP;
	if (first == '>')
		return take_if(lx, '>') ? SHELL_APPEND :
		       take_if(lx, '|') ? SHELL_CLOBBER :
					  SHELL_TO;
	return take_if(lx, '<') ? SHELL_HERE :
	       take_if(lx, '>') ? SHELL_FROM_TO :
				  SHELL_FROM;
}

/* `word` of a DUP says what `fd` becomes, at once or when it is expanded. */
static void set_from(struct shell_redir *redir, const struct shell_lexed *word)
{
	if (word->quoted || word->len != 1 || !word->word->literal)
		return;
	if (word->text[0] == '-')
		redir->from = SHELL_CLOSE;
	else if (word->text[0] >= '0' && word->text[0] <= '9')
		redir->from = word->text[0] - '0';
	else
		return;
	redir->word = NULL;
}

static enum shell_token redir_token(struct shell_lexer *lx, int fd)
{
	struct shell_redir *redir = arena_alloc(lx->arena, sizeof(*redir));
	struct shell_lexed name;
	char first = *lx->p++;

	*redir = (struct shell_redir){ .fd = fd };
	if (fd < 0)
		redir->fd = first == '>';
	redir->kind = redir_kind(lx, first);
	if (redir->kind == SHELL_HERE) {
		announce_here(lx, redir);
	} else {
		read_operand_name(lx, false, &name);
		redir->word = name.word;
		if (redir->kind == SHELL_DUP)
			set_from(redir, &name);
	}
	lx->redir = redir;
	return TOKEN_REDIR;
}

static enum shell_token word_token(struct shell_lexer *lx)
{
	struct shell_lexed word;

	/* It is the last one only now: others may be in it. */
	shell_word_read(lx, false, &word);
	if (is_descriptor(lx, &word))
		return redir_token(lx, word.text[0] - '0');
	lx->last = word;
	return TOKEN_WORD;
}

static void pass_comment(struct shell_lexer *lx)
{
	const char *newline = memchr(lx->p, '\n', (size_t)(lx->end - lx->p));

	lx->p = newline ? newline : lx->end;
}

static enum shell_token fresh_token(struct shell_lexer *lx)
{
	for (;;) {
		switch (shell_lexer_ahead(lx)) {
		case -1:
			return TOKEN_END;
		case ' ':
		case '\t':
			lx->p++;
			continue;
		case '#':
			pass_comment(lx);
			continue;
		case '\n':
			lx->p++;
			lx->line++;
			return TOKEN_NEWLINE;
		case '&':
			lx->p++;
			return take_if(lx, '&') ? TOKEN_AND : TOKEN_BACKGROUND;
		case '|':
			lx->p++;
			return take_if(lx, '|') ? TOKEN_OR : TOKEN_PIPE;
		case ';':
			lx->p++;
			return take_if(lx, ';') ? TOKEN_BREAK : TOKEN_SEMI;
		case '(':
			lx->p++;
			return TOKEN_OPEN;
		case ')':
			lx->p++;
			return TOKEN_CLOSE;
		case '<':
		case '>':
			return redir_token(lx, -1);
		default:
			return word_token(lx);
		}
	}
}

static enum shell_token next_token(struct shell_lexer *lx)
{
	if (lx->pushed)
		lx->pushed = false;
	else
		lx->token = fresh_token(lx);
	return lx->token;
}

enum shell_token shell_lex(struct shell_lexer *lx, unsigned how)
{
	next_token(lx);
	while ((how & TOKENS_LINES) && lx->token == TOKEN_NEWLINE) {
		shell_lex_here(lx);
		next_token(lx);
	}
	if ((how & TOKENS_KEYWORD) && lx->token == TOKEN_WORD)
		lx->token = keyword_token(&lx->last);
	if (lx->why)
		lx->token = TOKEN_END;
	return lx->token;
}

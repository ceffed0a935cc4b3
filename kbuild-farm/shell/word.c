/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ends a word, and what a quote means, depends on where it stands: in
 * "", in the word of ${x-word}, which may be in quotes itself, in the pattern
 * of
 * ${x%pattern}, which has quotes of its own, in a here-document.
 */
#include "shell/word.h"

#include "shell/builder.h"
#include "shell/param.h"

#include <string.h>

static void single_quotes(struct shell_builder *b)
{
	struct shell_lexer *lx = b->lx;

	lx->p++;
	shell_builder_quote(b);
	while (lx->p < lx->end && *lx->p != '\'')
		shell_builder_byte(b, true);
	if (lx->p >= lx->end) {
		shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
		return;
	}
	lx->p++;
	shell_builder_quote(b);
}

static bool deeper(struct shell_lexer *lx)
{
	if (lx->depth >= SHELL_DEPTH_MAX) {
		shell_lexer_fail(lx, SHELL_WHY_DEPTH);
		return false;
	}
	lx->depth++;
	return true;
}

static void add_commands(struct shell_builder *b, bool quoted,
			 const struct shell_node *list)
{
	b->start = b->lx->text;
	b->live = true;
	shell_builder_part(b, SHELL_COMMANDS, quoted)->list = list;
}

/* $( was taken. */
static void read_commands(struct shell_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	struct shell_here *heres = lx->heres, **heres_end = lx->heres_end;
	const struct shell_node *list;

	if (shell_lexer_ahead(lx) == '(') {
		shell_lexer_fail(lx, SHELL_WHY_ARITHMETIC);
		return;
	}
	if (!deeper(lx))
		return;
	lx->heres = NULL;
	lx->heres_end = &lx->heres;
	list = lx->commands(lx, TOKEN_CLOSE);
	lx->heres = heres;
	lx->heres_end = heres ? heres_end : &lx->heres;
	lx->depth--;
	add_commands(b, quoted, list);
}

/* What is between backquotes, without the backslashes that they need. */
static struct bytes backquoted(struct shell_lexer *lx, bool quoted)
{
	const char *p = lx->p;
	char *text, *out;
	int c;

	while (p < lx->end && *p != '`')
		p += *p == '\\' && p + 1 < lx->end ? 2 : 1;
	text = out = arena_alloc(lx->arena, (size_t)(p - lx->p) + 1);
	while ((c = shell_lexer_ahead(lx)) != '`' && c >= 0) {
		if (c == '\\' && lx->p + 1 < lx->end) {
			c = (unsigned char)*++lx->p;
			if (c != '\\' && c != '`' && c != '$' &&
			    !(quoted && c == '"'))
				*out++ = '\\';
		}
		lx->line += c == '\n';
		*out++ = (char)c;
		lx->p++;
	}
	if (c < 0)
		shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
	else
		lx->p++;
	return bytes_of(text, (size_t)(out - text));
}

static void read_backquote(struct shell_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx, inner;
	const struct shell_node *list;
	struct bytes text;

	shell_builder_flush(b);
	lx->p++;
	text = backquoted(lx, quoted);
	if (lx->why || !deeper(lx))
		return;
	shell_lexer_init(&inner, lx->arena, text);
	inner.commands = lx->commands;
	inner.depth = lx->depth;
	list = lx->commands(&inner, TOKEN_END);
	if (inner.why)
		shell_lexer_fail(lx, inner.why);
	lx->depth--;
	add_commands(b, quoted, list);
}

static void word_outside_quotes(struct shell_builder *b, bool braces);
static void word_in_quotes(struct shell_builder *b, bool in_braces,
			   bool is_word);

/* The word behind an operator, and the brace that ends it. */
static const struct shell_word *read_operand(struct shell_builder *b,
					     bool quoted)
{
	struct shell_lexer *lx = b->lx;
	const struct shell_word *word;
	struct shell_builder inner;

	if (!deeper(lx))
		return NULL;
	shell_builder_init(&inner, lx, b->document);
	if (quoted)
		word_in_quotes(&inner, true, true);
	else
		word_outside_quotes(&inner, true);
	if (shell_lexer_ahead(lx) != '}')
		shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
	else
		lx->p++;
	word = shell_builder_end(&inner);
	lx->depth--;
	return word;
}

/* ${ was taken. */
static void read_braces(struct shell_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	struct shell_part *part = shell_builder_part(b, SHELL_PARAM, quoted);

	b->live = true;
	/* What is cut off is a pattern with quotes of its own. */
	if (shell_param_read(lx, part))
		part->word = read_operand(
			b, quoted && part->op < SHELL_CUT_SUFFIX);
	b->start = lx->text;
}

static void read_dollar(struct shell_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	int c;

	lx->p++;
	c = shell_lexer_ahead(lx);
	if (b->mark || (!shell_is_name_start(c) && !shell_is_digit(c) &&
			!shell_is_special(c) && c != '(' && c != '{')) {
		shell_builder_put(b, '$', quoted);
		return;
	}
	shell_builder_flush(b);
	if (c == '(') {
		lx->p++;
		read_commands(b, quoted);
	} else if (c == '{') {
		lx->p++;
		read_braces(b, quoted);
	} else {
		b->live = true;
		shell_builder_part(b, SHELL_PARAM, quoted)->name =
			shell_param_name(lx, false);
		b->start = lx->text;
	}
}

/* In quotes a backslash is for a few bytes only. */
static void read_quoted_backslash(struct shell_builder *b, bool in_braces)
{
	struct shell_lexer *lx = b->lx;
	int c;

	lx->p++;
	b->quoted = true;
	c = lx->p < lx->end ? *lx->p : -1;
	if (c < 0 || !strchr("\\`$", c)) {
		if (!(c == '"' && (in_braces || !b->document)) &&
		    !(c == '}' && in_braces))
			shell_builder_put(b, '\\', true);
	}
	if (c >= 0)
		shell_builder_byte(b, true);
}

/*
 * Quotes around "$@" alone make no field where there is none.  Is that all
 * there is behind `quote`?
 */
static bool is_list_only(const struct shell_builder *b,
			 const struct shell_part *quote)
{
	const struct shell_part *list = quote->next;

	return list && list->kind == SHELL_PARAM && !list->next &&
	       list->op == SHELL_VALUE && list->name[0] == '@' &&
	       b->lx->text == b->start;
}

/* At the quote that begins. */
static void double_quotes(struct shell_builder *b, bool in_braces)
{
	struct shell_lexer *lx = b->lx;
	const struct shell_part **tail;

	lx->p++;
	shell_builder_flush(b);
	tail = b->tail;
	shell_builder_quote(b);
	word_in_quotes(b, in_braces, false);
	if (lx->why)
		return;
	lx->p++;
	if (!b->document && is_list_only(b, *tail)) {
		*tail = (*tail)->next;
		b->tail = &((struct shell_part *)*tail)->next;
		return;
	}
	shell_builder_quote(b);
}

/*
 * What is in "", up to the quote; with `is_word` what is behind an operator in
 * braces that are in quotes, up to the brace.
 */
static void word_in_quotes(struct shell_builder *b, bool in_braces,
			   bool is_word)
{
	struct shell_lexer *lx = b->lx;

	for (;;) {
		shell_builder_run(b, SHELL_STOP_QUOTED, true);
		switch (shell_lexer_ahead(lx)) {
		case -1:
			shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
			return;
		case '$':
			read_dollar(b, true);
			break;
		case '`':
			if (b->mark)
				shell_builder_byte(b, true);
			else
				read_backquote(b, true);
			break;
		case '\\':
			read_quoted_backslash(b, in_braces);
			break;
		case '"':
			if (!is_word)
				return;
			double_quotes(b, true);
			break;
		case '}':
			if (is_word)
				return;
			shell_builder_byte(b, true);
			break;
		case '\n':
			/* It might be the line that ends the document. */
			if (b->document)
				shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
			/* fall through */
		default:
			if (lx->p < lx->end)
				shell_builder_byte(b, true);
		}
	}
}

/* Where a tilde may be a home: only one's own, which needs no list of users. */
static void note_tilde(struct shell_builder *b)
{
	const struct shell_lexer *lx = b->lx;
	const char *next = lx->p + 1;

	if (lx->p > b->source && !strchr(":=\n", lx->p[-1]))
		return;
	b->live = true;
	if (next < lx->end && (!strchr("/: \t\n;&|<>()}\"'$`\\", *next) ||
			       (lx->end - next > 1 && !memcmp(next, "${", 2))))
		shell_lexer_fail(b->lx, SHELL_WHY_TILDE);
}

/* At an "=": is all in front of it a name? */
static void note_value(struct shell_builder *b)
{
	const char *end = b->lx->text;

	if (b->value || b->parts || b->quoted || end == b->text ||
	    !shell_is_name_start(b->text[0]))
		return;
	for (const char *p = b->text; p < end; p++) {
		if (!shell_is_name_start(*p) && !shell_is_digit(*p))
			return;
	}
	b->value = (size_t)(end - b->text) + 1;
}

static void read_backslash(struct shell_builder *b)
{
	struct shell_lexer *lx = b->lx;

	lx->p++;
	b->quoted = true;
	if (lx->p < lx->end)
		shell_builder_byte(b, true);
	else
		shell_builder_put(b, '\\', true);
}

/* One byte that is more than itself outside of quotes: false where it ends it.
 */
static bool read_special(struct shell_builder *b, int c, bool braces)
{
	switch (c) {
	case '\'':
		single_quotes(b);
		return true;
	case '"':
		double_quotes(b, braces);
		return true;
	case '\\':
		read_backslash(b);
		return true;
	case '$':
		read_dollar(b, false);
		return true;
	case '`':
		if (b->mark)
			break;
		read_backquote(b, false);
		return true;
	case '}':
		if (braces)
			return false;
		break;
	case '~':
		note_tilde(b);
		break;
	case '*':
	case '?':
		b->live = true;
		break;
	case '[':
		b->bracket = true;
		break;
	case ']':
		b->live |= b->bracket;
		break;
	case '=':
		if (!braces)
			note_value(b);
		break;
	case '\n':
		if (b->document)
			shell_lexer_fail(b->lx, SHELL_WHY_SYNTAX);
		/* fall through */
	default:
		if (!braces && !(shell_stops[c] & SHELL_STOP_MARK))
			return false;
	}
	if (b->lx->p < b->lx->end)
		shell_builder_byte(b, false);
	return true;
}

/* What is outside of quotes; with `braces` up to the brace that ends it. */
static void word_outside_quotes(struct shell_builder *b, bool braces)
{
	struct shell_lexer *lx = b->lx;
	int c;

	do {
		shell_builder_run(b, SHELL_STOP_PLAIN, false);
		c = shell_lexer_ahead(lx);
		/* Behind a line that was continued it may be any. */
	} while (c >= 0 && (!shell_stops[c] || read_special(b, c, braces)));
}

void shell_word_read(struct shell_lexer *lx, bool mark, struct shell_lexed *out)
{
	const char *start = lx->p;
	struct shell_builder b;

	shell_builder_init(&b, lx, false);
	b.mark = mark;
	if (lx->p < lx->end && *lx->p != '#')
		word_outside_quotes(&b, false);
	if (lx->p == start)
		shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
	out->text = b.text;
	out->len = (size_t)(lx->text - b.text);
	out->quoted = b.quoted;
	out->value = b.value;
	out->word = shell_builder_end(&b);
}

/* The line of a document that ends it: is it here?  Then it is taken. */
static bool take_mark(struct shell_lexer *lx, const struct shell_here *here)
{
	const char *p = lx->p;

	if (!here->quoted) {
		shell_lexer_ahead(lx);
		p = lx->p;
	}
	if (here->strip_tabs) {
		while (p < lx->end && *p == '\t')
			p++;
		/* dash keeps the continuation of such a line. */
		if (p > lx->p && !here->quoted && lx->end - p >= 2 &&
		    p[0] == '\\' && p[1] == '\n') {
			shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
			return true;
		}
		lx->p = p;
	}
	if ((size_t)(lx->end - p) < here->mark.len ||
	    memcmp(p, here->mark.data, here->mark.len) != 0)
		return p == lx->end;
	p += here->mark.len;
	if (p < lx->end && *p != '\n')
		return false;
	lx->line += p < lx->end;
	lx->p = p < lx->end ? p + 1 : p;
	return true;
}

static void document_line(struct shell_builder *b)
{
	struct shell_lexer *lx = b->lx;
	int c;

	do {
		shell_builder_run(b, SHELL_STOP_QUOTED, true);
		c = shell_lexer_ahead(lx);
		if (c == '$')
			read_dollar(b, true);
		else if (c == '`')
			read_backquote(b, true);
		else if (c == '\\')
			read_quoted_backslash(b, false);
		else if (c >= 0)
			shell_builder_byte(b, true);
	} while (c >= 0 && c != '\n');
}

static void raw_line(struct shell_builder *b)
{
	struct shell_lexer *lx = b->lx;

	while (lx->p < lx->end && *lx->p != '\n')
		shell_builder_byte(b, true);
	if (lx->p < lx->end)
		shell_builder_byte(b, true);
}

const struct shell_word *shell_word_here(struct shell_lexer *lx,
					 const struct shell_here *here)
{
	struct shell_builder b;

	shell_builder_init(&b, lx, true);
	while (!take_mark(lx, here)) {
		if (here->quoted)
			raw_line(&b);
		else
			document_line(&b);
	}
	return shell_builder_end(&b);
}

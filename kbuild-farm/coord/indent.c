/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guard (if, else, for, while) whose body has no braces is suspect when
 * the statement behind the body stands on the same line, or further right
 * than the guard's line begins.  What a macro expands to never is, so macro
 * definitions and other directives are passed over.
 */
#include "coord/indent.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 200 /* of statements within statements */

struct token {
	char kind; /* 'a': word or number, '"': literal, 0: the end */
	const char *at;
	size_t len;
	unsigned line;
	unsigned column; /* as seen, with tabs of eight */
	unsigned margin; /* the column where its line begins to be black */
};

struct lexer {
	const char *p;
	unsigned line, column, margin;
	bool blank; /* nothing but blanks in this line so far */
};

static void step(struct lexer *l)
{
	char c = *l->p++;

	if (c == '\n') {
		l->line++;
		l->column = 0;
		l->blank = true;
	} else if (c == '\t') {
		l->column = (l->column | 7) + 1;
	} else {
		l->column++;
	}
}

static void skip_comment(struct lexer *l)
{
	bool block = l->p[1] == '*';

	step(l);
	step(l);
	while (*l->p) {
		if (block && l->p[0] == '*' && l->p[1] == '/') {
			step(l);
			step(l);
			return;
		}
		if (!block && *l->p == '\n')
			return;
		step(l);
	}
}

static void skip_directive(struct lexer *l)
{
	while (*l->p && *l->p != '\n') {
		if (l->p[0] == '/' && l->p[1] == '*') {
			skip_comment(l);
			continue;
		}
		if (l->p[0] == '\\' && l->p[1])
			step(l);
		step(l);
	}
}

/* Blanks, comments, directives. */
static void skip_white(struct lexer *l)
{
	for (;;) {
		if (l->p[0] == '/' && (l->p[1] == '*' || l->p[1] == '/'))
			skip_comment(l);
		else if (*l->p == '#' && l->blank)
			skip_directive(l);
		else if (isspace((unsigned char)*l->p) || *l->p == '\\')
			step(l);
		else
			return;
	}
}

static void skip_literal(struct lexer *l)
{
	char quote = *l->p;

	step(l);
	while (*l->p && *l->p != quote && *l->p != '\n') {
		if (*l->p == '\\' && l->p[1])
			step(l);
		step(l);
	}
	if (*l->p == quote)
		step(l);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct token next(struct lexer *l)
{
	struct token t;

	skip_white(l);
	if (l->blank)
		l->margin = l->column;
	l->blank = false;
	t = (struct token){ .at = l->p,
			    .line = l->line,
			    .column = l->column,
			    .margin = l->margin };
	if (is_word(*l->p)) {
		t.kind = 'a';
		while (is_word(*l->p))
			step(l);
	} else if (*l->p == '"' || *l->p == '\'') {
		t.kind = '"';
		skip_literal(l);
	} else if (*l->p) {
		t.kind = *l->p;
		step(l);
	}
	t.len = (size_t)(l->p - t.at);
	return t;
}

static struct token peek(const struct lexer *l)
{
	struct lexer ahead = *l;

	return next(&ahead);
}

static bool is(const struct token *t, const char *word)
{
	return t->kind == 'a' && t->len == strlen(word) &&
	       !memcmp(t->at, word, t->len);
}

/* Behind the bracket that closes the one just read; false at the end. */
static bool close_bracket(struct lexer *l)
{
	int depth = 1;

	while (depth) {
		struct token t = next(l);

		if (!t.kind)
			return false;
		depth += t.kind == '(' || t.kind == '[' || t.kind == '{';
		depth -= t.kind == ')' || t.kind == ']' || t.kind == '}';
	}
	return true;
}

static bool condition(struct lexer *l)
{
	return next(l).kind == '(' && close_bracket(l);
}

/* To the semicolon, or behind the block of a loop that is a macro. */
static bool simple_statement(struct lexer *l, char before)
{
	for (;;) {
		struct token t = peek(l);

		if (!t.kind)
			return false;
		if (t.kind == '}' || t.kind == ')')
			return true;
		next(l);
		if (t.kind == ';')
			return true;
		if (strchr("([{", t.kind) && !close_bracket(l))
			return false;
		if (t.kind == '{' && before == ')')
			return true;
		before = t.kind == '(' ? ')' : t.kind;
	}
}

/* Behind the statement that begins here; false: it is beyond us. */
static bool statement(struct lexer *l, int depth)
{
	struct token t = next(l), tail;

	if (depth > DEPTH_MAX)
		return false;
	if (t.kind == '{')
		return close_bracket(l);
	if (t.kind == ';')
		return true;
	if (t.kind == '(')
		return close_bracket(l) && simple_statement(l, ')');
	if (is(&t, "do"))
		return statement(l, depth + 1) && simple_statement(l, 0);
	if (!is(&t, "if") && !is(&t, "for") && !is(&t, "while") &&
	    !is(&t, "switch"))
		return simple_statement(l, t.kind);
	if (!condition(l) || !statement(l, depth + 1))
		return false;
	tail = peek(l);
	if (!is(&t, "if") || !is(&tail, "else"))
		return true;
	next(l);
	return statement(l, depth + 1);
}

/* The name of the directive that `l` stands at, behind its #. */
static struct token directive_name(struct lexer l)
{
	step(&l);
	l.blank = false;
	return next(&l);
}

static bool is_else(const struct token *t)
{
	return is(t, "else") || is(t, "elif");
}

/*
 * Does an #else or #elif come before the next token?  Then `l` is behind it:
 * what follows stands for what came before.
 */
static bool crosses_else(struct lexer *l)
{
	for (;;) {
		struct token name;

		if (isspace((unsigned char)*l->p)) {
			step(l);
		} else if (l->p[0] == '/' && strchr("*/", l->p[1])) {
			skip_comment(l);
		} else if (*l->p == '#' && l->blank) {
			name = directive_name(*l);
			skip_directive(l);
			if (is_else(&name))
				return true;
		} else {
			return false;
		}
	}
}

/* Behind the #endif of the group that `l` is in. */
static void leave_group(struct lexer *l)
{
	int depth = 1;

	while (*l->p && depth) {
		if (*l->p == '#' && l->blank) {
			struct token name = directive_name(*l);

			depth += is(&name, "if") || is(&name, "ifdef") ||
				 is(&name, "ifndef");
			depth -= is(&name, "endif");
			skip_directive(l);
		} else {
			l->blank = l->blank && strchr(" \t", *l->p);
			step(l);
		}
	}
}

static bool suspect_body(struct lexer l, const struct token *guard,
			 char before);

/* `l` is behind the body of `guard`, which ended in line `end`. */
static bool suspect_behind(struct lexer l, const struct token *guard,
			   unsigned end)
{
	struct lexer other = l;
	struct token then;

	if (crosses_else(&other)) {
		/* The other branch is the body where this one is not. */
		if (suspect_body(other, guard, 0))
			return true;
		leave_group(&other);
		l = other;
	}
	then = next(&l);
	/* The argument of a macro ends with a bracket. */
	if (!then.kind || strchr("})", then.kind) || is(&then, "else"))
		return false;
	return then.line == end || then.column > guard->margin;
}

/* `l` is at the body of `guard`. */
static bool suspect_body(struct lexer l, const struct token *guard, char before)
{
	struct token body = peek(&l);

	if (!body.kind || strchr("{})", body.kind) ||
	    (is(guard, "else") && is(&body, "if")))
		return false;
	if (body.kind == ';')
		return !is(guard, "while") || before != '}';
	if (!statement(&l, 0))
		return true;
	return suspect_behind(l, guard, l.line);
}

bool coord_indent_suspect(const char *text, size_t len)
{
	struct lexer l = { .p = text, .line = 1, .blank = true };
	char before = 0;

	/* A NUL within would end the reading early. */
	if (memchr(text, '\0', len))
		return true;
	for (;;) {
		struct token t = next(&l);
		struct lexer body = l;

		if (!t.kind)
			return false;
		if (is(&t, "if") || is(&t, "for") || is(&t, "while")) {
			if (peek(&l).kind == '(' &&
			    (!condition(&body) ||
			     suspect_body(body, &t, before)))
				return true;
		} else if (is(&t, "else") && suspect_body(body, &t, before)) {
			return true;
		}
		before = t.kind;
	}
}

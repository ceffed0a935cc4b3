/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/expression.h"

#include "kernel/setting.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS    " \t"
#define DEPTH_MAX 64 /* of parentheses */

struct parser {
	const char *at;
	const char *config;
	unsigned depth;
};

static enum kernel_tristate parse_or(struct parser *p);

static bool skip_token(struct parser *p, const char *token)
{
	p->at += strspn(p->at, BLANKS);
	if (!str_starts(p->at, token))
		return false;
	p->at += strlen(token);
	return true;
}

/* The end of "$(...)", which may hold others. */
static const char *macro_end(const char *at)
{
	unsigned open = 0;

	for (; *at; at++) {
		open += *at == '(';
		if (*at == ')' && !--open)
			return at + 1;
	}
	return at;
}

/*
 * A symbol, a constant, or a text with the quote in front of it but not the one
 * behind; "" where there is none.
 */
static char *read_word(struct parser *p)
{
	const char *from;
	size_t n;

	p->at += strspn(p->at, BLANKS);
	from = p->at;
	if (*from == '"' || *from == '\'') {
		const char *end = strchr(from + 1, *from);

		n = end ? (size_t)(end - from) : strlen(from);
		p->at = end ? end + 1 : from + n;
		return xstrndup(from, n);
	}
	if (from[0] == '$' && from[1] == '(')
		p->at = macro_end(from);
	else
		p->at += strcspn(from, BLANKS "=!<>()&|");
	return xstrndup(from, (size_t)(p->at - from));
}

static bool is_constant(const char *word)
{
	return str_list_has("y m n", ' ', word) || !*word || *word == '$' ||
	       strchr("0123456789-\"'", *word);
}

/*
 * What a word stands for, as text: a symbol's value, which is n where the
 * .config does not name it; else the word itself.
 */
static char *word_text(const struct parser *p, const char *word)
{
	char *symbol = xasprintf("CONFIG_%s", word);
	struct bytes value = kernel_setting_value(p->config, symbol);
	const char *from = (const char *)value.data;
	char *out;

	if (is_constant(word))
		out = xstrdup(*word == '$'                  ? "y" :
			      *word == '"' || *word == '\'' ? word + 1 :
							      word);
	else if (!from)
		out = xstrdup("n");
	else if (value.len >= 2 && from[0] == '"')
		out = xstrndup(from + 1, value.len - 2);
	else
		out = xstrndup(from, value.len);
	free(symbol);
	return out;
}

static enum kernel_tristate tristate_of(const struct parser *p,
					const char *word)
{
	char *symbol = xasprintf("CONFIG_%s", word);
	struct bytes value = kernel_setting_value(p->config, symbol);
	char c = value.len == 1 ? (char)value.data[0] : '\0';

	free(symbol);
	if (!strcmp(word, "y") || word[0] == '$')
		return KERNEL_Y;
	if (!strcmp(word, "m"))
		return KERNEL_M;
	return c == 'y' ? KERNEL_Y : c == 'm' ? KERNEL_M : KERNEL_N;
}

static bool compare_words(const struct parser *p, const char *left,
			  const char *op, const char *right)
{
	char *a = word_text(p, left), *b = word_text(p, right);
	char *end_a, *end_b;
	long x = strtol(a, &end_a, 0), y = strtol(b, &end_b, 0);
	long order = *a && !*end_a && *b && !*end_b ? (x > y) - (x < y) :
						      strcmp(a, b);
	bool yes = !strcmp(op, "=")  ? !strcmp(a, b) :
		   !strcmp(op, "!=") ? strcmp(a, b) != 0 :
		   !strcmp(op, "<=") ? order <= 0 :
		   !strcmp(op, ">=") ? order >= 0 :
		   !strcmp(op, "<")  ? order < 0 :
				       order > 0;

	free(b);
	free(a);
	return yes;
}

static enum kernel_tristate parse_comparison(struct parser *p)
{
	static const char *const ops[] = { "!=", "<=", ">=", "=", "<", ">" };
	char *left = read_word(p), *right;
	enum kernel_tristate value = tristate_of(p, left);

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		if (!skip_token(p, ops[i]))
			continue;
		right = read_word(p);
		value = compare_words(p, left, ops[i], right) ? KERNEL_Y :
								KERNEL_N;
		free(right);
		break;
	}
	free(left);
	return value;
}

static enum kernel_tristate parse_unary(struct parser *p)
{
	enum kernel_tristate value;

	if (p->depth >= DEPTH_MAX)
		return KERNEL_Y;
	p->depth++;
	if (skip_token(p, "!")) {
		value = KERNEL_Y - parse_unary(p);
	} else if (skip_token(p, "(")) {
		value = parse_or(p);
		skip_token(p, ")");
	} else {
		value = parse_comparison(p);
	}
	p->depth--;
	return value;
}

static enum kernel_tristate parse_and(struct parser *p)
{
	enum kernel_tristate value = parse_unary(p);

	while (skip_token(p, "&&")) {
		enum kernel_tristate other = parse_unary(p);

		value = other < value ? other : value;
	}
	return value;
}

static enum kernel_tristate parse_or(struct parser *p)
{
	enum kernel_tristate value = parse_and(p);

	while (skip_token(p, "||")) {
		enum kernel_tristate other = parse_and(p);

		value = other > value ? other : value;
	}
	return value;
}

size_t kernel_expression_macro(const char *text)
{
	return (size_t)(macro_end(text) - text);
}

enum kernel_tristate kernel_expression_value(const char *text,
					     const char *config)
{
	struct parser p = { .at = text, .config = config };

	return parse_or(&p);
}

/* The next `op` ("&&") outside of parentheses and quotes, or NULL. */
static const char *find_joint(const char *at, const char *op)
{
	unsigned open = 0;

	for (; *at; at++) {
		if (*at == '"' || *at == '\'') {
			const char *end = strchr(at + 1, *at);

			at = end ? end : at;
		}
		open += *at == '(';
		open -= open && *at == ')';
		if (!open && str_starts(at, op))
			return at;
	}
	return NULL;
}

/* Without blanks and parentheses around all of it; the caller frees it. */
static char *strip(const char *from, size_t n)
{
	char *part;

	while (n && strchr(BLANKS, *from))
		from++, n--;
	while (n && strchr(BLANKS, from[n - 1]))
		n--;
	part = xstrndup(from, n);
	if (n > 1 && part[0] == '(' && macro_end(part) == part + n) {
		char *inner = strip(part + 1, n - 2);

		free(part);
		return inner;
	}
	return part;
}

void kernel_expression_unmet(const char *text, const char *config,
			     enum kernel_tristate wanted, struct strv *out)
{
	char *whole = strip(text, strlen(text));
	const char *from = whole, *joint;

	joint = find_joint(whole, "||") ? NULL : find_joint(whole, "&&");
	if (!joint) {
		if (kernel_expression_value(whole, config) < wanted &&
		    !strv_has(out, whole))
			strv_add(out, whole);
		free(whole);
		return;
	}
	for (; from; from = joint ? joint + 2 : NULL) {
		char *part;

		joint = find_joint(from, "&&");
		part = joint ? strip(from, (size_t)(joint - from)) :
			       strip(from, strlen(from));
		kernel_expression_unmet(part, config, wanted, out);
		free(part);
	}
	free(whole);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/token.h"

#include "scan/lexer.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(const struct scan_cursor *c, const char *s)
{
	if (s >= c->end || (*s == '$' && (c->mode & SCAN_ASM)))
		return false;
	return scan_is_word((uint8_t)*s);
}

/* The length of a number, which may look odd: 0x1.8p+3, 1.2.3e-x. */
static size_t number_length(const struct scan_cursor *c)
{
	const char *s = c->s + 1;

	for (; s < c->end; s++) {
		if ((*s == '+' || *s == '-') && strchr("eEpP", s[-1]))
			continue;
		if (*s == '\'' && (c->mode & SCAN_SEPARATORS) &&
		    is_word(c, s + 1))
			continue;
		if (*s != '.' && !is_word(c, s))
			break;
	}
	return (size_t)(s - c->s);
}

/* The length of quotes with what is between, 0: they do not close. */
static size_t quoted_length(const struct scan_cursor *c, const char *s)
{
	char close = *s++;

	for (; s < c->end; s++) {
		if (*s == '\\')
			s++;
		else if (*s == close)
			return (size_t)(s + 1 - c->s);
	}
	return 0;
}

static size_t raw_length(const struct scan_cursor *c, const char *s)
{
	const char *delimiter = ++s;
	size_t len;

	while (s < c->end && *s != '(')
		s++;
	len = (size_t)(s - delimiter);
	for (; s < c->end; s++) {
		if (*s == ')' && (size_t)(c->end - s) > len + 1 &&
		    !memcmp(s + 1, delimiter, len) && s[1 + len] == '"')
			return (size_t)(s + len + 2 - c->s);
	}
	return 0;
}

/* L, u, U or u8 in front of a quote, R before that: where the quote is. */
static const char *prefixed_quote(const struct scan_cursor *c, bool *raw)
{
	const char *s = c->s;

	if (*s == 'L' || *s == 'U')
		s++;
	else if (*s == 'u')
		s += s + 1 < c->end && s[1] == '8' ? 2 : 1;
	*raw = s < c->end && *s == 'R' && (c->mode & SCAN_RAW);
	s += *raw;
	if (s >= c->end || (*s != '"' && *s != '\'') || (*raw && *s != '"'))
		return NULL;
	if (s - c->s == 2 && !*raw && *s == '\'' &&
	    !(c->mode & SCAN_SEPARATORS))
		return NULL; /* u8'x' came with C23 */
	/* Before C99 and in assembler only L is a prefix. */
	if (!(c->mode & (SCAN_RAW | SCAN_PREFIXES)) && s != c->s &&
	    *c->s != 'L')
		return NULL;
	return s;
}

static const struct {
	char s[4];
	uint8_t punct;
} puncts[] = {
	{ "...", SCAN_PUNCT_ELLIPSIS }, { "<<=", SCAN_PUNCT_MANY },
	{ ">>=", SCAN_PUNCT_MANY },     { "||", SCAN_PUNCT_OR_OR },
	{ "&&", SCAN_PUNCT_AND_AND },   { "==", SCAN_PUNCT_EQ },
	{ "!=", SCAN_PUNCT_NE },        { "<=", SCAN_PUNCT_LE },
	{ ">=", SCAN_PUNCT_GE },        { "<<", SCAN_PUNCT_LEFT },
	{ ">>", SCAN_PUNCT_RIGHT },     { "##", SCAN_PUNCT_PASTE },
	{ "->", SCAN_PUNCT_MANY },      { "++", SCAN_PUNCT_MANY },
	{ "--", SCAN_PUNCT_MANY },      { "+=", SCAN_PUNCT_MANY },
	{ "-=", SCAN_PUNCT_MANY },      { "*=", SCAN_PUNCT_MANY },
	{ "/=", SCAN_PUNCT_MANY },      { "%=", SCAN_PUNCT_MANY },
	{ "&=", SCAN_PUNCT_MANY },      { "|=", SCAN_PUNCT_MANY },
	{ "^=", SCAN_PUNCT_MANY },
};

static const struct {
	char s[5];
	uint8_t punct;
} digraphs[] = {
	{ "%:%:", SCAN_PUNCT_PASTE },
	{ "%:", '#' },
	{ "<:", '[' },
	{ ":>", ']' },
	{ "<%", '{' },
	{ "%>", '}' },
};

static bool starts(const struct scan_cursor *c, const char *s)
{
	size_t len = strlen(s);

	return (size_t)(c->end - c->s) >= len && !memcmp(c->s, s, len);
}

/* Do two punctuators stand here, which may be one? */
static bool may_go_on(const struct scan_cursor *c)
{
	return c->end - c->s > 1 && c->s[1] && strchr(".<>|&=#+-", c->s[1]);
}

static size_t punct_length(const struct scan_cursor *c, struct scan_token *t)
{
	t->kind = SCAN_TOK_PUNCT;
	if (scan_has_digraphs(c->mode)) {
		for (size_t i = 0; i < 6; i++) {
			t->punct = digraphs[i].punct;
			if (starts(c, digraphs[i].s))
				return strlen(digraphs[i].s);
		}
	}
	for (size_t i = 0; may_go_on(c) && i < sizeof(puncts) / sizeof(*puncts);
	     i++) {
		t->punct = puncts[i].punct;
		if (starts(c, puncts[i].s))
			return strlen(puncts[i].s);
	}
	t->punct = (uint8_t)*c->s;
	if (!strchr("#[](){}.&*+-~!/%<>^|?:;=,", *c->s) || !*c->s)
		t->kind = SCAN_TOK_OTHER;
	return 1;
}

static size_t token_length(const struct scan_cursor *c, struct scan_token *t)
{
	bool raw;
	const char *quote = prefixed_quote(c, &raw);
	const char *s = c->s;

	if (quote) {
		size_t len = raw ? raw_length(c, quote) :
				   quoted_length(c, quote);

		t->kind = *quote == '"' ? SCAN_TOK_STRING : SCAN_TOK_CHAR;
		if (len)
			return len;
		if (quote == s) {
			t->kind = SCAN_TOK_OTHER;
			return (size_t)(c->end - s);
		}
	}
	if (is_digit(*s) || (*s == '.' && s + 1 < c->end && is_digit(s[1]))) {
		t->kind = SCAN_TOK_NUMBER;
		return number_length(c);
	}
	if (!is_word(c, s))
		return punct_length(c, t);
	t->kind = SCAN_TOK_NAME;
	while (is_word(c, s))
		s++;
	return (size_t)(s - c->s);
}

struct scan_token scan_token_next(struct scan_cursor *c)
{
	struct scan_token t = { .kind = SCAN_TOK_END };
	size_t len;

	for (; c->s < c->end && is_blank(*c->s); c->s++)
		t.flags = SCAN_TOK_WHITE;
	if (c->s >= c->end)
		return t;
	len = token_length(c, &t);
	if (len > (size_t)(c->end - c->s))
		len = (size_t)(c->end - c->s);
	t.id = scan_name_id_locked(c->names, c->s, len);
	c->s += len;
	return t;
}

struct scan_tokens *scan_tokens_of(struct scan_names *names, const char *s,
				   size_t len, unsigned mode)
{
	struct scan_cursor c = { names, s, s + len, mode };
	size_t cap = len / 4 + 4;
	struct scan_tokens *t = xmalloc(sizeof(*t) + cap * sizeof(t->v[0]));

	t->n = 0;
	scan_names_lock(names);
	for (;;) {
		if (t->n == cap) {
			cap *= 2;
			t = xrealloc(t, sizeof(*t) + cap * sizeof(t->v[0]));
		}
		t->v[t->n] = scan_token_next(&c);
		if (t->v[t->n].kind == SCAN_TOK_END)
			break;
		t->n++;
	}
	scan_names_unlock(names);
	return t;
}

/* With the end, which `n` does not count. */
static size_t tokens_memory(const struct scan_tokens *t)
{
	return sizeof(*t) + (t->n + 1) * sizeof(t->v[0]);
}

const struct scan_tokens *scan_tokens_once(_Atomic(struct scan_tokens *) *slot,
					   struct scan_names *names,
					   const char *s, size_t len,
					   unsigned mode)
{
	struct scan_tokens *made = atomic_load(slot);
	struct scan_tokens *none = NULL;

	if (made)
		return made;
	made = scan_tokens_of(names, s, len, mode);
	made = xrealloc(made, tokens_memory(made));
	if (atomic_compare_exchange_strong(slot, &none, made)) {
		scan_names_charge(names, tokens_memory(made));
		return made;
	}
	free(made);
	return none;
}

void scan_tokens_drop(_Atomic(struct scan_tokens *) *slot,
		      struct scan_names *names)
{
	struct scan_tokens *t = atomic_load(slot);

	if (!t)
		return;
	scan_names_discharge(names, tokens_memory(t));
	free(t);
}

bool scan_token_of(struct scan_names *names, const char *s, size_t len,
		   unsigned mode, struct scan_token *out)
{
	struct scan_cursor c = { names, s, s + len, mode };

	scan_names_lock(names);
	*out = scan_token_next(&c);
	scan_names_unlock(names);
	return out->kind != SCAN_TOK_END && !(out->flags & SCAN_TOK_WHITE) &&
	       c.s == c.end;
}

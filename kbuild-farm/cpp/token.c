/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/token.h"

#include "base/str.h"
#include "base/vec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const uint8_t cpp_char_class[256] = {
	['\0'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_STOP_REST |
		 CPP_CHAR_STOP_COMMENT | CPP_CHAR_STOP_QUOTED,
	['\n'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_STOP_REST |
		 CPP_CHAR_STOP_COMMENT | CPP_CHAR_STOP_QUOTED,
	['"'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_STOP_REST | CPP_CHAR_STOP_QUOTED,
	['\''] = CPP_CHAR_STOP_TEXT | CPP_CHAR_STOP_REST | CPP_CHAR_STOP_QUOTED,
	['/'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_STOP_REST,
	['*'] = CPP_CHAR_STOP_COMMENT,
	['\\'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_STOP_REST | CPP_CHAR_STOP_QUOTED,
	['_'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_WORD,
	['b'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_WORD,
	['u'] = CPP_CHAR_STOP_TEXT | CPP_CHAR_WORD,
	['$'] = CPP_CHAR_WORD,
	['0' ... '9'] = CPP_CHAR_WORD,
	['A' ... 'Z'] = CPP_CHAR_WORD,
	['a'] = CPP_CHAR_WORD,
	['c' ... 't'] = CPP_CHAR_WORD,
	['v' ... 'z'] = CPP_CHAR_WORD,
	[' '] = CPP_CHAR_BLANK,
	['\t'] = CPP_CHAR_BLANK,
	['\v'] = CPP_CHAR_BLANK,
	['\f'] = CPP_CHAR_BLANK,
	['\r'] = CPP_CHAR_BLANK,
	[0x80 ... 0xff] = CPP_CHAR_WORD,
};

/*
 * Parse up to `most` digits and keep the low 32 bits.  Return -1 if there is no
 * digit.
 */
static int64_t escape_digits(const char **s, const char *end, unsigned base,
			     unsigned most)
{
	const char *from = *s;
	uint32_t v = 0;
	unsigned digit;

	/*
	 * If **s is not a hexadecimal digit, `digit` is UINT_MAX, which exceeds
	 * any base.
	 */
	for (;
	     *s < end && most && (digit = (unsigned)str_hex_digit(**s)) < base;
	     ++*s, most--)
		v = v * base + digit;
	return *s > from ? (int64_t)v : -1;
}

int64_t cpp_escape(const char **s, const char *end)
{
	static const char names[] = "abfnrtveE'\"?\\";
	static const char values[] = "\a\b\f\n\r\t\v\033\033'\"?\\";
	const char *known;
	char c = **s;

	if (c >= '0' && c <= '7')
		return escape_digits(s, end, 8, 3);
	++*s;
	if (c == 'x')
		return escape_digits(s, end, 16, UINT_MAX);
	if (c == 'u' || c == 'U')
		return escape_digits(s, end, 16, c == 'u' ? 4 : 8);
	known = memchr(names, c, sizeof(names) - 1);
	return known ? (unsigned char)values[known - names] : -1;
}

static bool is_decimal_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(const struct cpp_cursor *c, const char *s)
{
	if (s >= c->end || (*s == '$' && (c->mode & CPP_MODE_ASM)))
		return false;
	return cpp_is_word_char((uint8_t)*s);
}

/* Return the length of a quoted literal, or 0 if it is not closed. */
static size_t quoted_length(const struct cpp_cursor *c, const char *s)
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

/* Return the length of R"x(...)x" with its quote at `s`, or 0 if not closed. */
static size_t raw_length(const struct cpp_cursor *c, const char *s)
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

/*
 * Return the opening quote after an optional prefix, which is L, u, U or u8.  A
 * raw string has R after this prefix, or R alone; *raw is then set to true.
 * Return NULL if no literal starts at c->s.
 */
static const char *prefixed_quote(const struct cpp_cursor *c, bool *raw)
{
	const char *s = c->s;

	if (*s == 'L' || *s == 'U')
		s++;
	else if (*s == 'u')
		s += s + 1 < c->end && s[1] == '8' ? 2 : 1;
	*raw = s < c->end && *s == 'R' && (c->mode & CPP_MODE_RAW_STRINGS);
	s += *raw;
	if (s >= c->end || (*s != '"' && *s != '\'') || (*raw && *s != '"'))
		return NULL;
	if (s - c->s == 2 && !*raw && *s == '\'' &&
	    !(c->mode & CPP_MODE_DIGIT_SEPARATORS))
		return NULL; /* u8'x' exists since C23. */
	/*
	 * In assembler sources and before C11, except in gnu99, L is the only
	 * prefix.
	 */
	if (!(c->mode & (CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES)) &&
	    s != c->s && *c->s != 'L')
		return NULL;
	return s;
}

static const struct {
	char s[4];
	uint8_t punct;
} puncts[] = {
	{ "...", CPP_PUNCT_ELLIPSIS }, { "<<=", CPP_PUNCT_OTHER },
	{ ">>=", CPP_PUNCT_OTHER },    { "||", CPP_PUNCT_OR_OR },
	{ "&&", CPP_PUNCT_AND_AND },   { "==", CPP_PUNCT_EQ },
	{ "!=", CPP_PUNCT_NE },        { "<=", CPP_PUNCT_LE },
	{ ">=", CPP_PUNCT_GE },        { "<<", CPP_PUNCT_LSHIFT },
	{ ">>", CPP_PUNCT_RSHIFT },    { "##", CPP_PUNCT_PASTE },
	{ "->", CPP_PUNCT_OTHER },     { "++", CPP_PUNCT_OTHER },
	{ "--", CPP_PUNCT_OTHER },     { "+=", CPP_PUNCT_OTHER },
	{ "-=", CPP_PUNCT_OTHER },     { "*=", CPP_PUNCT_OTHER },
	{ "/=", CPP_PUNCT_OTHER },     { "%=", CPP_PUNCT_OTHER },
	{ "&=", CPP_PUNCT_OTHER },     { "|=", CPP_PUNCT_OTHER },
	{ "^=", CPP_PUNCT_OTHER },
};

static const struct {
	char s[5];
	uint8_t punct;
} digraphs[] = {
	{ "%:%:", CPP_PUNCT_PASTE },
	{ "%:", '#' },
	{ "<:", '[' },
	{ ":>", ']' },
	{ "<%", '{' },
	{ "%>", '}' },
};

static bool starts_with(const struct cpp_cursor *c, const char *s)
{
	size_t len = strlen(s);

	return (size_t)(c->end - c->s) >= len && !memcmp(c->s, s, len);
}

static size_t punct_length(const struct cpp_cursor *c, struct cpp_token *t)
{
	t->kind = CPP_TOK_PUNCT;
	if (cpp_has_digraphs(c->mode)) {
		for (size_t i = 0; i < ARRAY_SIZE(digraphs); i++) {
			t->punct = digraphs[i].punct;
			if (starts_with(c, digraphs[i].s))
				return strlen(digraphs[i].s);
		}
	}
	if (c->end - c->s > 1 && c->s[1] && strchr(".<>|&=#+-", c->s[1])) {
		for (size_t i = 0; i < ARRAY_SIZE(puncts); i++) {
			t->punct = puncts[i].punct;
			if (starts_with(c, puncts[i].s))
				return strlen(puncts[i].s);
		}
	}
	t->punct = (uint8_t)*c->s;
	if (!strchr("#[](){}.&*+-~!/%<>^|?:;=,", *c->s) || !*c->s)
		t->kind = CPP_TOK_OTHER;
	return 1;
}

static size_t token_length(const struct cpp_cursor *c, struct cpp_token *t)
{
	bool raw;
	const char *quote = prefixed_quote(c, &raw);
	const char *s = c->s;

	if (quote) {
		size_t len = raw ? raw_length(c, quote) :
				   quoted_length(c, quote);

		t->kind = *quote == '"' ? CPP_TOK_STRING : CPP_TOK_CHAR;
		if (len)
			return len;
		if (quote == s) {
			t->kind = CPP_TOK_OTHER;
			return (size_t)(c->end - s);
		}
	}
	if (is_decimal_digit(*s) ||
	    (*s == '.' && s + 1 < c->end && is_decimal_digit(s[1]))) {
		t->kind = CPP_TOK_NUMBER;
		/* 0x1.8p+3 and 1.2.3e-x are numbers too. */
		for (s++; s < c->end; s++) {
			if ((*s == '+' || *s == '-') && strchr("eEpP", s[-1]))
				continue;
			if (*s == '\'' &&
			    (c->mode & CPP_MODE_DIGIT_SEPARATORS) &&
			    is_word(c, s + 1))
				continue;
			if (*s != '.' && !is_word(c, s))
				break;
		}
		return (size_t)(s - c->s);
	}
	if (!is_word(c, s))
		return punct_length(c, t);
	t->kind = CPP_TOK_NAME;
	while (is_word(c, s))
		s++;
	return (size_t)(s - c->s);
}

struct cpp_token cpp_token_next(struct cpp_cursor *c)
{
	struct cpp_token t = { .kind = CPP_TOK_END };
	size_t len;

	for (; c->s < c->end &&
	       (*c->s == ' ' || (*c->s >= '\t' && *c->s <= '\r'));
	     c->s++)
		t.flags = CPP_FLAG_WHITE;
	if (c->s >= c->end)
		return t;
	len = token_length(c, &t);
	if (len > (size_t)(c->end - c->s))
		len = (size_t)(c->end - c->s);
	t.id = cpp_names_intern_locked(c->names, c->s, len);
	c->s += len;
	return t;
}

struct cpp_tokens *cpp_tokens_new(struct cpp_names *names, const char *s,
				  size_t len, unsigned mode)
{
	struct cpp_cursor c = { names, s, s + len, mode };
	size_t cap = len / 4 + 4;
	struct cpp_tokens *t = xmalloc(sizeof(*t) + cap * sizeof(t->tokens[0]));

	t->n_tokens = 0;
	cpp_names_lock(names);
	for (;;) {
		if (t->n_tokens == cap) {
			cap *= 2;
			t = xrealloc(t,
				     sizeof(*t) + cap * sizeof(t->tokens[0]));
		}
		t->tokens[t->n_tokens] = cpp_token_next(&c);
		if (t->tokens[t->n_tokens].kind == CPP_TOK_END)
			break;
		t->n_tokens++;
	}
	cpp_names_unlock(names);
	return t;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expr.h"

#include "scan/escape.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256

struct parse {
	struct scan_cpp *cpp;
	struct scan_token t; /* the one that is looked at */
	unsigned depth;
	unsigned skip; /* > 0: a value that will not be used */
};

static const struct scan_value zero;

/* -------------------------------------------------------------- constants */

/* u, l, ll and what they make together; nothing else. */
static bool suffix(const char *s, const char *end, bool *is_unsigned)
{
	const char *u = s;

	if (s < end && (*s | 32) == 'u')
		s++;
	if (s < end && (*s | 32) == 'l')
		s += end - s > 1 && s[1] == *s ? 2 : 1;
	if (s < end && (*s | 32) == 'u' && (*u | 32) != 'u')
		s++;
	*is_unsigned = end > u && ((*u | 32) == 'u' || (end[-1] | 32) == 'u');
	return s == end;
}

static bool number_value(const char *s, size_t len, unsigned mode,
			 struct scan_value *out)
{
	const char *end = s + len;
	unsigned base = 10;
	uint64_t v = 0;
	bool is_unsigned, any = false;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (len > 2 && s[0] == '0' && (s[1] == 'b' || s[1] == 'B')) {
		base = 2;
		s += 2;
	} else if (len && s[0] == '0') {
		base = 8;
	}
	for (; s < end; s++) {
		/* Of no digit: more than any base. */
		unsigned digit = (unsigned)str_hex_digit(*s);

		if (*s == '\'' && (mode & SCAN_SEPARATORS))
			continue;
		if (digit >= base)
			break;
		if (v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
		any = true;
	}
	if (!any || !suffix(s, end, &is_unsigned))
		return false;
	out->v = v;
	out->is_unsigned = is_unsigned || v > INT64_MAX;
	return true;
}

/* The characters of a constant without its quotes; their count, or -1. */
static int characters(const char *s, const char *end, uint32_t width,
		      uint32_t *out)
{
	int n = 0;

	*out = 0;
	while (s < end) {
		int64_t c = (unsigned char)*s++;

		/* A universal name is as many as the character set says. */
		if (c == '\\')
			c = s < end && (*s | 32) != 'u' ? scan_escape(&s, end) :
							  -1;
		/* Other bytes depend on the character sets. */
		else if (c >= 0x80)
			return -1;
		if (c < 0 || (width < 32 && c >> width))
			return -1;
		*out = width < 32 ? *out << width | (uint32_t)c : (uint32_t)c;
		n++;
	}
	return n;
}

static bool char_value(const struct scan_cpp *cpp, const char *s, size_t len,
		       struct scan_value *out)
{
	bool wide = *s == 'L';
	const char *end = s + len - 1;
	uint32_t v, width = 8;
	int n;

	/* u8'x' is signed or not, as the compiler's version has it. */
	if (!wide && *s != '\'')
		return false;
	while (*s != '\'')
		s++;
	n = characters(s + 1, end, wide ? 32 : 8, &v);
	if (n < 1 || (wide && n > 1) || n > 4)
		return false;
	/* A short wchar_t: what it makes of more than ASCII is its own. */
	if (wide && v > 0x7f)
		return false;
	out->is_unsigned = n == 1 &&
			   (wide ? cpp->wchar_unsigned : cpp->char_unsigned);
	if (n > 1)
		width = 32;
	if (!wide && !out->is_unsigned && v >> (width - 1))
		out->v = (uint64_t)(int64_t)(width == 8 ? (int8_t)v :
							  (int32_t)v);
	else
		out->v = v;
	return true;
}

/* ------------------------------------------------------------- expressions */

static struct scan_value expr_fail(struct parse *p, enum reason why)
{
	scan_cpp_fail(p->cpp, why);
	return zero;
}

static void next(struct parse *p)
{
	p->t = scan_cpp_next(p->cpp);
}

static bool at_punct(const struct parse *p, uint8_t punct)
{
	return scan_is_punct(p->t, punct);
}

static struct scan_value truth(bool b)
{
	return (struct scan_value){ .v = b };
}

/* defined X, defined(X) */
static struct scan_value defined_operator(struct parse *p)
{
	struct scan_token t = scan_cpp_raw(p->cpp);
	bool paren = scan_is_punct(t, '(');
	struct scan_def *def;

	if (paren)
		t = scan_cpp_raw(p->cpp);
	if (t.kind != SCAN_TOK_NAME)
		return expr_fail(p, REASON_DEFINED_NAME);
	def = scan_cpp_look(p->cpp, t.id);
	if (paren) {
		t = scan_cpp_raw(p->cpp);
		if (!scan_is_punct(t, ')'))
			return expr_fail(p, REASON_DEFINED_NAME);
	}
	next(p);
	return truth(def);
}

static struct scan_value comma_list(struct parse *p);

static struct scan_value primary(struct parse *p)
{
	struct scan_value v = zero;
	const struct scan_name *s = scan_name(p->cpp->names, p->t.id);
	bool ok = true;

	switch (p->t.kind) {
	case SCAN_TOK_NAME:
		if (p->t.id == WORD_DEFINED)
			return defined_operator(p);
		/* C23 has them as constants, and C before as any name. */
		ok = !(p->t.id == WORD_TRUE || p->t.id == WORD_FALSE) ||
		     !(p->cpp->mode & SCAN_SEPARATORS);
		break;
	case SCAN_TOK_NUMBER:
		ok = number_value(s->s, s->len, p->cpp->mode, &v);
		break;
	case SCAN_TOK_CHAR:
		ok = char_value(p->cpp, s->s, s->len, &v);
		break;
	default:
		if (!at_punct(p, '('))
			return expr_fail(p, REASON_IF_ERROR);
		next(p);
		v = comma_list(p);
		ok = at_punct(p, ')');
	}
	if (!ok)
		return expr_fail(p, REASON_IF_ERROR);
	next(p);
	return v;
}

static struct scan_value unary(struct parse *p)
{
	struct scan_value v;
	uint8_t op = p->t.punct;

	if (p->cpp->run.why)
		return zero;
	if (!at_punct(p, '+') && !at_punct(p, '-') && !at_punct(p, '~') &&
	    !at_punct(p, '!'))
		return primary(p);
	if (++p->depth > DEPTH_MAX)
		return expr_fail(p, REASON_IF_DEPTH);
	next(p);
	v = unary(p);
	p->depth--;
	if (op == '-')
		v.v = -v.v;
	else if (op == '~')
		v.v = ~v.v;
	else if (op == '!')
		v = truth(!v.v);
	return v;
}

static unsigned priority(const struct scan_token *t)
{
	static const uint8_t of[UINT8_MAX + 1] = {
		['*'] = 10,
		['/'] = 10,
		['%'] = 10,
		['+'] = 9,
		['-'] = 9,
		[SCAN_PUNCT_LEFT] = 8,
		[SCAN_PUNCT_RIGHT] = 8,
		['<'] = 7,
		['>'] = 7,
		[SCAN_PUNCT_LE] = 7,
		[SCAN_PUNCT_GE] = 7,
		[SCAN_PUNCT_EQ] = 6,
		[SCAN_PUNCT_NE] = 6,
		['&'] = 5,
		['^'] = 4,
		['|'] = 3,
		[SCAN_PUNCT_AND_AND] = 2,
		[SCAN_PUNCT_OR_OR] = 1,
	};

	return t->kind == SCAN_TOK_PUNCT ? of[t->punct] : 0;
}

static struct scan_value shift(struct parse *p, struct scan_value a,
			       struct scan_value n, bool left)
{
	bool negative = !a.is_unsigned && a.v >> 63;

	/* Undefined in C, and clang's versions differ. */
	if ((p->cpp->mode & SCAN_CLANG) && n.v >= 64 && !p->skip)
		return expr_fail(p, REASON_SHIFT);
	/* By a negative number: the other way. */
	if (!n.is_unsigned && n.v >> 63) {
		n.v = -n.v;
		left = !left;
	}
	if (n.v >= 64) {
		a.v = !left && negative ? UINT64_MAX : 0;
	} else if (left) {
		a.v <<= n.v;
	} else if (n.v) {
		a.v >>= n.v;
		if (negative)
			a.v |= UINT64_MAX << (64 - n.v);
	}
	return a;
}

static struct scan_value divide(struct parse *p, struct scan_value a,
				struct scan_value b, bool quotient)
{
	bool is_unsigned = a.is_unsigned || b.is_unsigned;
	bool minus_a = !is_unsigned && a.v >> 63;
	bool minus_b = !is_unsigned && b.v >> 63;
	uint64_t x = minus_a ? -a.v : a.v;
	uint64_t y = minus_b ? -b.v : b.v;
	struct scan_value r = { .is_unsigned = is_unsigned };

	if (!y) {
		if (!p->skip)
			return expr_fail(p, REASON_DIVISION);
		return r;
	}
	if (quotient)
		r.v = minus_a != minus_b ? -(x / y) : x / y;
	else
		r.v = minus_a ? -(x % y) : x % y;
	return r;
}

static bool less(struct scan_value a, struct scan_value b, bool is_unsigned)
{
	return is_unsigned ? a.v < b.v : (int64_t)a.v < (int64_t)b.v;
}

static struct scan_value binary(struct parse *p, uint8_t op,
				struct scan_value a, struct scan_value b)
{
	bool u = a.is_unsigned || b.is_unsigned;

	switch (op) {
	case '*':
		return (struct scan_value){ a.v * b.v, u };
	case '/':
	case '%':
		return divide(p, a, b, op == '/');
	case '+':
		return (struct scan_value){ a.v + b.v, u };
	case '-':
		return (struct scan_value){ a.v - b.v, u };
	case SCAN_PUNCT_LEFT:
	case SCAN_PUNCT_RIGHT:
		return shift(p, a, b, op == SCAN_PUNCT_LEFT);
	case '<':
		return truth(less(a, b, u));
	case '>':
		return truth(less(b, a, u));
	case SCAN_PUNCT_LE:
		return truth(!less(b, a, u));
	case SCAN_PUNCT_GE:
		return truth(!less(a, b, u));
	case SCAN_PUNCT_EQ:
		return truth(a.v == b.v);
	case SCAN_PUNCT_NE:
		return truth(a.v != b.v);
	case '&':
		return (struct scan_value){ a.v & b.v, u };
	case '^':
		return (struct scan_value){ a.v ^ b.v, u };
	case '|':
		return (struct scan_value){ a.v | b.v, u };
	case SCAN_PUNCT_AND_AND:
		return truth(a.v && b.v);
	}
	return truth(a.v || b.v);
}

static struct scan_value operators(struct parse *p, unsigned least)
{
	struct scan_value a = unary(p);
	unsigned level;

	while (!p->cpp->run.why && (level = priority(&p->t)) > least) {
		uint8_t op = p->t.punct;
		bool skip = (op == SCAN_PUNCT_AND_AND && !a.v) ||
			    (op == SCAN_PUNCT_OR_OR && a.v);
		struct scan_value b;

		next(p);
		p->skip += skip;
		b = operators(p, level);
		a = binary(p, op, a, b);
		p->skip -= skip;
	}
	return a;
}

static struct scan_value ternary(struct parse *p)
{
	struct scan_value a, b, c = operators(p, 0);

	if (!at_punct(p, '?') || p->cpp->run.why)
		return c;
	if (++p->depth > DEPTH_MAX)
		return expr_fail(p, REASON_IF_DEPTH);
	next(p);
	p->skip += !c.v;
	a = comma_list(p);
	p->skip -= !c.v;
	if (!at_punct(p, ':'))
		return expr_fail(p, REASON_IF_ERROR);
	next(p);
	p->skip += !!c.v;
	b = ternary(p);
	p->skip -= !!c.v;
	p->depth--;
	return (struct scan_value){ c.v ? a.v : b.v,
				    a.is_unsigned || b.is_unsigned };
}

static struct scan_value comma_list(struct parse *p)
{
	struct scan_value v;

	if (++p->depth > DEPTH_MAX)
		return expr_fail(p, REASON_IF_DEPTH);
	v = ternary(p);
	while (at_punct(p, ',') && !p->cpp->run.why) {
		next(p);
		v = ternary(p);
	}
	p->depth--;
	return v;
}

int scan_expr(struct scan_cpp *cpp, const struct scan_token *v, size_t n,
	      struct scan_value *out)
{
	struct parse p = { .cpp = cpp };

	scan_cpp_begin(cpp, v, n);
	next(&p);
	*out = comma_list(&p);
	if (p.t.kind != SCAN_TOK_END)
		scan_cpp_fail(cpp, REASON_IF_ERROR);
	return cpp->run.why ? -EINVAL : 0;
}

/* --------------------------------------------- what they were the last time */

/* Longer ones are evaluated each time. */
#define LOOKS_MAX 256

struct scan_memo {
	struct scan_memo *next;
	uint32_t epoch;
	uint8_t value;
	uint8_t signs; /* of the target's characters, and whose answer */
	uint16_t n;
	struct scan_look look[];
};

const struct scan_tokens *scan_piece_tokens(struct scan_cpp *cpp,
					    struct scan_text *t, uint32_t piece)
{
	struct scan_piece *p = &t->piece[piece];

	return scan_tokens_once(&p->tokens, cpp->names, t->blob + p->at, p->len,
				t->mode);
}

static uint8_t signs_of(const struct scan_cpp *cpp)
{
	return (uint8_t)(cpp->char_unsigned | cpp->wchar_unsigned << 1 |
			 (cpp->mode & SCAN_CLANG ? 4 : 0));
}

static bool holds(const struct scan_memo *m, struct scan_cpp *cpp)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (scan_cpp_def(cpp, m->look[i].name) != m->look[i].def)
			return false;
	}
	return m->signs == signs_of(cpp);
}

static size_t memo_memory(const struct scan_memo *m)
{
	return sizeof(*m) + m->n * sizeof(m->look[0]);
}

static void drop(struct scan_memo **memo, struct scan_names *names)
{
	struct scan_memo *m = *memo;

	*memo = m->next;
	scan_names_discharge(names, memo_memory(m));
	free(m);
}

static void keep_memo(struct scan_cpp *cpp, struct scan_memo **memo,
		      uint32_t epoch, bool value)
{
	struct scan_memo **last = memo, *m;
	unsigned n = 0;

	if (cpp->unsteady || cpp->n_look > LOOKS_MAX)
		return;
	while (*last && (*last)->epoch == epoch && ++n < SCAN_MEMOS)
		last = &(*last)->next;
	while (*last)
		drop(last, cpp->names);
	m = xmalloc(sizeof(*m) + cpp->n_look * sizeof(m->look[0]));
	m->next = *memo;
	m->epoch = epoch;
	m->value = value;
	m->signs = signs_of(cpp);
	m->n = (uint16_t)cpp->n_look;
	if (cpp->n_look)
		memcpy(m->look, cpp->look, cpp->n_look * sizeof(m->look[0]));
	scan_names_charge(cpp->names, memo_memory(m));
	*memo = m;
}

int scan_expr_memoized(struct scan_cpp *cpp, struct scan_text *t,
		       uint32_t piece, struct scan_memo **memo, uint32_t epoch)
{
	const struct scan_tokens *tokens;
	struct scan_value value;

	for (const struct scan_memo *m = *memo; m; m = m->next) {
		if (m->epoch == epoch && holds(m, cpp))
			return m->value;
	}
	tokens = scan_piece_tokens(cpp, t, piece);
	if (scan_expr(cpp, tokens->v, tokens->n, &value))
		return -EINVAL;
	keep_memo(cpp, memo, epoch, value.v != 0);
	return value.v != 0;
}

void scan_expr_forget(struct scan_memo **memo, size_t n,
		      struct scan_names *names)
{
	for (size_t i = 0; memo && i < n; i++) {
		while (memo[i])
			drop(&memo[i], names);
	}
	free(memo);
}

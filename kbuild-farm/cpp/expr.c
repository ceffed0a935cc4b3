/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/expr.h"

#include "cpp/token.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256

struct if_parser {
	struct cpp_state *cpp;
	struct cpp_token t; /* the current token */
	unsigned depth;
	unsigned skip; /* > 0: the value is not used */
};

static const struct cpp_value zero;

/* Constants. */

/*
 * Return true if the text from `s` to `end` is an integer suffix: empty, u, l,
 * ll, or u together with l or ll.
 */
static bool is_int_suffix(const char *s, const char *end, bool *is_unsigned)
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
			 struct cpp_value *out)
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
		/*
		 * If *s is not a hexadecimal digit, `digit` is UINT_MAX, which
		 * exceeds any base.
		 */
		unsigned digit = (unsigned)str_hex_digit(*s);

		if (*s == '\'' && (mode & CPP_MODE_DIGIT_SEPARATORS))
			continue;
		if (digit >= base)
			break;
		if (v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
		any = true;
	}
	if (!any || !is_int_suffix(s, end, &is_unsigned))
		return false;
	out->v = v;
	out->is_unsigned = is_unsigned || v > INT64_MAX;
	return true;
}

static bool char_value(const struct cpp_state *cpp, const char *s, size_t len,
		       struct cpp_value *out)
{
	bool wide = *s == 'L';
	const char *end = s + len - 1;
	uint32_t v = 0, width = wide ? 32 : 8;
	int n = 0;

	/* The signedness of u8'x' depends on the compiler's version. */
	if (!wide && *s != '\'')
		return false;
	while (*s != '\'')
		s++;
	for (s++; s < end; n++) {
		int64_t c = (unsigned char)*s++;

		/* The length of \u and \U depends on the execution charset. */
		if (c == '\\')
			c = s < end && (*s | 32) != 'u' ? cpp_escape(&s, end) :
							  -1;
		/* The value of a byte outside ASCII depends on charsets. */
		else if (c >= 0x80)
			return false;
		if (c < 0 || (width < 32 && c >> width))
			return false;
		v = width < 32 ? v << width | (uint32_t)c : (uint32_t)c;
	}
	if (n < 1 || (wide && n > 1) || n > 4)
		return false;
	/* wchar_t can be shorter than 32 bits, so only ASCII is supported. */
	if (wide && v > 0x7f)
		return false;
	out->is_unsigned = n == 1 &&
			   (wide ? cpp->wchar_unsigned : cpp->char_unsigned);
	if (!wide && !out->is_unsigned && n == 1)
		out->v = (uint64_t)(int64_t)(int8_t)v;
	else if (!wide && !out->is_unsigned)
		out->v = (uint64_t)(int64_t)(int32_t)v;
	else
		out->v = v;
	return true;
}

/* Expressions. */

static struct cpp_value expr_fail(struct if_parser *p, enum reason why)
{
	cpp_state_fail(p->cpp, why);
	return zero;
}

static void read_if_token(struct if_parser *p)
{
	p->t = cpp_expand_next(p->cpp);
}

static bool at_punct(const struct if_parser *p, uint8_t punct)
{
	return cpp_is_punct(p->t, punct);
}

static struct cpp_value bool_value(bool b)
{
	return (struct cpp_value){ .v = b };
}

/* Evaluate "defined X" or "defined(X)". */
static struct cpp_value defined_operator(struct if_parser *p)
{
	struct cpp_token t = cpp_expand_next_raw(p->cpp);
	bool paren = cpp_is_punct(t, '(');
	struct cpp_def *def;

	if (paren)
		t = cpp_expand_next_raw(p->cpp);
	if (t.kind != CPP_TOK_NAME)
		return expr_fail(p, REASON_DEFINED_NAME);
	def = cpp_macro_find_tracked(p->cpp, t.id);
	if (paren) {
		t = cpp_expand_next_raw(p->cpp);
		if (!cpp_is_punct(t, ')'))
			return expr_fail(p, REASON_DEFINED_NAME);
	}
	read_if_token(p);
	return bool_value(def);
}

static struct cpp_value parse_comma_list(struct if_parser *p);

static struct cpp_value parse_primary(struct if_parser *p)
{
	struct cpp_value v = zero;
	const struct cpp_name *s = cpp_names_get(p->cpp->names, p->t.id);
	bool ok = true;

	switch (p->t.kind) {
	case CPP_TOK_NAME:
		if (p->t.id == WORD_DEFINED)
			return defined_operator(p);
		/* true and false are constants in C23 and names before C23. */
		ok = !(p->t.id == WORD_TRUE || p->t.id == WORD_FALSE) ||
		     !(p->cpp->mode & CPP_MODE_DIGIT_SEPARATORS);
		break;
	case CPP_TOK_NUMBER:
		ok = number_value(s->s, s->len, p->cpp->mode, &v);
		break;
	case CPP_TOK_CHAR:
		ok = char_value(p->cpp, s->s, s->len, &v);
		break;
	default:
		if (!at_punct(p, '('))
			return expr_fail(p, REASON_IF_ERROR);
		read_if_token(p);
		v = parse_comma_list(p);
		ok = at_punct(p, ')');
	}
	if (!ok)
		return expr_fail(p, REASON_IF_ERROR);
	read_if_token(p);
	return v;
}

static struct cpp_value parse_if_unary(struct if_parser *p)
{
	struct cpp_value v;
	uint8_t op = p->t.punct;

	if (p->cpp->expansion.reason)
		return zero;
	if (!at_punct(p, '+') && !at_punct(p, '-') && !at_punct(p, '~') &&
	    !at_punct(p, '!'))
		return parse_primary(p);
	if (++p->depth > DEPTH_MAX)
		return expr_fail(p, REASON_IF_DEPTH);
	read_if_token(p);
	v = parse_if_unary(p);
	p->depth--;
	if (op == '-')
		v.v = -v.v;
	else if (op == '~')
		v.v = ~v.v;
	else if (op == '!')
		v = bool_value(!v.v);
	return v;
}

/* Return the precedence of a binary operator, or 0 for any other token. */
static unsigned priority(const struct cpp_token *t)
{
	static const uint8_t of[UINT8_MAX + 1] = {
		['*'] = 10,
		['/'] = 10,
		['%'] = 10,
		['+'] = 9,
		['-'] = 9,
		[CPP_PUNCT_LSHIFT] = 8,
		[CPP_PUNCT_RSHIFT] = 8,
		['<'] = 7,
		['>'] = 7,
		[CPP_PUNCT_LE] = 7,
		[CPP_PUNCT_GE] = 7,
		[CPP_PUNCT_EQ] = 6,
		[CPP_PUNCT_NE] = 6,
		['&'] = 5,
		['^'] = 4,
		['|'] = 3,
		[CPP_PUNCT_AND_AND] = 2,
		[CPP_PUNCT_OR_OR] = 1,
	};

	return t->kind == CPP_TOK_PUNCT ? of[t->punct] : 0;
}

static struct cpp_value shift(struct if_parser *p, struct cpp_value a,
			      struct cpp_value n, bool left)
{
	bool negative = !a.is_unsigned && a.v >> 63;

	/* For a shift count outside 0 to 63, versions of clang differ. */
	if ((p->cpp->mode & CPP_MODE_CLANG) && n.v >= 64 && !p->skip)
		return expr_fail(p, REASON_SHIFT);
	/* A negative count reverses the direction, as in gcc. */
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

static struct cpp_value divide(struct if_parser *p, struct cpp_value a,
			       struct cpp_value b, bool quotient)
{
	bool is_unsigned = a.is_unsigned || b.is_unsigned;
	bool minus_a = !is_unsigned && a.v >> 63;
	bool minus_b = !is_unsigned && b.v >> 63;
	uint64_t x = minus_a ? -a.v : a.v;
	uint64_t y = minus_b ? -b.v : b.v;
	struct cpp_value r = { .is_unsigned = is_unsigned };

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

static bool is_less(struct cpp_value a, struct cpp_value b, bool is_unsigned)
{
	return is_unsigned ? a.v < b.v : (int64_t)a.v < (int64_t)b.v;
}

static struct cpp_value apply_binary(struct if_parser *p, uint8_t op,
				     struct cpp_value a, struct cpp_value b)
{
	bool u = a.is_unsigned || b.is_unsigned;

	switch (op) {
	case '*':
		return (struct cpp_value){ a.v * b.v, u };
	case '/':
	case '%':
		return divide(p, a, b, op == '/');
	case '+':
		return (struct cpp_value){ a.v + b.v, u };
	case '-':
		return (struct cpp_value){ a.v - b.v, u };
	case CPP_PUNCT_LSHIFT:
	case CPP_PUNCT_RSHIFT:
		return shift(p, a, b, op == CPP_PUNCT_LSHIFT);
	case '<':
		return bool_value(is_less(a, b, u));
	case '>':
		return bool_value(is_less(b, a, u));
	case CPP_PUNCT_LE:
		return bool_value(!is_less(b, a, u));
	case CPP_PUNCT_GE:
		return bool_value(!is_less(a, b, u));
	case CPP_PUNCT_EQ:
		return bool_value(a.v == b.v);
	case CPP_PUNCT_NE:
		return bool_value(a.v != b.v);
	case '&':
		return (struct cpp_value){ a.v & b.v, u };
	case '^':
		return (struct cpp_value){ a.v ^ b.v, u };
	case '|':
		return (struct cpp_value){ a.v | b.v, u };
	case CPP_PUNCT_AND_AND:
		return bool_value(a.v && b.v);
	}
	return bool_value(a.v || b.v);
}

static struct cpp_value binary_operators(struct if_parser *p, unsigned least)
{
	struct cpp_value a = parse_if_unary(p);
	unsigned level;

	while (!p->cpp->expansion.reason && (level = priority(&p->t)) > least) {
		uint8_t op = p->t.punct;
		bool skip = (op == CPP_PUNCT_AND_AND && !a.v) ||
			    (op == CPP_PUNCT_OR_OR && a.v);
		struct cpp_value b;

		read_if_token(p);
		p->skip += skip;
		b = binary_operators(p, level);
		a = apply_binary(p, op, a, b);
		p->skip -= skip;
	}
	return a;
}

static struct cpp_value parse_ternary(struct if_parser *p)
{
	struct cpp_value a, b, c = binary_operators(p, 0);

	if (!at_punct(p, '?') || p->cpp->expansion.reason)
		return c;
	if (++p->depth > DEPTH_MAX)
		return expr_fail(p, REASON_IF_DEPTH);
	read_if_token(p);
	p->skip += !c.v;
	a = parse_comma_list(p);
	p->skip -= !c.v;
	if (!at_punct(p, ':'))
		return expr_fail(p, REASON_IF_ERROR);
	read_if_token(p);
	p->skip += !!c.v;
	b = parse_ternary(p);
	p->skip -= !!c.v;
	p->depth--;
	return (struct cpp_value){ c.v ? a.v : b.v,
				   a.is_unsigned || b.is_unsigned };
}

static struct cpp_value parse_comma_list(struct if_parser *p)
{
	struct cpp_value v;

	if (++p->depth > DEPTH_MAX)
		return expr_fail(p, REASON_IF_DEPTH);
	v = parse_ternary(p);
	while (at_punct(p, ',') && !p->cpp->expansion.reason) {
		read_if_token(p);
		v = parse_ternary(p);
	}
	p->depth--;
	return v;
}

int cpp_expr_eval(struct cpp_state *cpp, const struct cpp_token *v, size_t n,
		  struct cpp_value *out)
{
	struct if_parser p = { .cpp = cpp };

	cpp_expand_begin(cpp, v, n);
	read_if_token(&p);
	*out = parse_comma_list(&p);
	if (p.t.kind != CPP_TOK_END)
		cpp_state_fail(cpp, REASON_IF_ERROR);
	return cpp->expansion.reason ? -EINVAL : 0;
}

/* Memoized results. */

/* Conditions with more lookups than this are not memoized. */
#define MEMO_LOOKUPS_MAX 256

struct cpp_memo {
	struct cpp_memo *next;
	uint32_t epoch;
	uint8_t value;
	uint8_t variant; /* see memo_variant() */
	uint16_t n_lookups;
	struct cpp_macro_lookup lookups[];
};

const struct cpp_tokens *cpp_expr_piece_tokens(struct cpp_state *cpp,
					       struct cpp_text *t,
					       uint32_t piece)
{
	struct cpp_expr_text *p = &t->expr_texts[piece];
	struct cpp_tokens *made = atomic_load(&p->tokens);
	struct cpp_tokens *none = NULL;

	if (made)
		return made;
	made = cpp_tokens_new(cpp->names, t->blob + p->offset, p->len, t->mode);
	made = xrealloc(made, cpp_tokens_memory(made));
	if (atomic_compare_exchange_strong(&p->tokens, &none, made)) {
		cpp_names_charge(cpp->names, cpp_tokens_memory(made));
		return made;
	}
	/* Another thread has stored its result first. */
	free(made);
	return none;
}

/* Return the properties of target and compiler that affect conditions. */
static uint8_t memo_variant(const struct cpp_state *cpp)
{
	return (uint8_t)(cpp->char_unsigned | cpp->wchar_unsigned << 1 |
			 (cpp->mode & CPP_MODE_CLANG ? 4 : 0));
}

static bool is_memo_current(const struct cpp_memo *m, struct cpp_state *cpp)
{
	for (unsigned i = 0; i < m->n_lookups; i++) {
		if (cpp_macro_find(cpp, m->lookups[i].name) !=
		    m->lookups[i].def)
			return false;
	}
	return m->variant == memo_variant(cpp);
}

static size_t memo_memory(const struct cpp_memo *m)
{
	return sizeof(*m) + m->n_lookups * sizeof(m->lookups[0]);
}

static void drop_memo(struct cpp_memo **memo, struct cpp_names *names)
{
	struct cpp_memo *m = *memo;

	*memo = m->next;
	cpp_names_discharge(names, memo_memory(m));
	free(m);
}

int cpp_expr_eval_memoized(struct cpp_state *cpp, struct cpp_text *t,
			   uint32_t piece, struct cpp_memo **memo,
			   uint32_t epoch)
{
	struct cpp_memo **last = memo, *m;
	const struct cpp_tokens *tokens;
	struct cpp_value value;
	unsigned n = 0;

	for (m = *memo; m; m = m->next) {
		if (m->epoch == epoch && is_memo_current(m, cpp))
			return m->value;
	}
	tokens = cpp_expr_piece_tokens(cpp, t, piece);
	if (cpp_expr_eval(cpp, tokens->tokens, tokens->n_tokens, &value))
		return -EINVAL;
	if (cpp->not_memoizable || cpp->n_lookups > MEMO_LOOKUPS_MAX)
		return value.v != 0;

	while (*last && (*last)->epoch == epoch && ++n < CPP_EXPR_MEMOS_MAX)
		last = &(*last)->next;
	while (*last)
		drop_memo(last, cpp->names);
	m = xmalloc(sizeof(*m) + cpp->n_lookups * sizeof(m->lookups[0]));
	m->next = *memo;
	m->epoch = epoch;
	m->value = value.v != 0;
	m->variant = memo_variant(cpp);
	m->n_lookups = (uint16_t)cpp->n_lookups;
	if (cpp->n_lookups)
		memcpy(m->lookups, cpp->lookups,
		       cpp->n_lookups * sizeof(m->lookups[0]));
	cpp_names_charge(cpp->names, memo_memory(m));
	*memo = m;
	return value.v != 0;
}

void cpp_expr_free_memos(struct cpp_memo **memo, size_t n,
			 struct cpp_names *names)
{
	for (size_t i = 0; memo && i < n; i++) {
		while (memo[i])
			drop_memo(&memo[i], names);
	}
	free(memo);
}

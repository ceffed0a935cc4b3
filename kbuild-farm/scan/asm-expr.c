/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assembler's expressions, as gas/expr.c reads them: a comparison that
 * holds is -1, a + binds less than an |.  What does not fit, and what is not
 * plainly a number, has no known value.
 */
#include "scan/asm.h"

#include <string.h>

#define DEPTH_MAX 100

struct expr {
	const struct scan_asm_syntax *x;
	scan_asm_symbol *symbol;
	void *ctx;
	struct scan_asm_part in;
	unsigned depth;
	bool unknown;
};

enum operator{
	OP_OR,
	OP_AND,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GE,
	OP_GT,
	OP_ADD,
	OP_SUB,
	OP_BIT_OR,
	OP_BIT_OR_NOT,
	OP_BIT_XOR,
	OP_BIT_AND,
	OP_MUL,
	OP_DIV,
	OP_MOD,
	OP_LEFT,
	OP_RIGHT,
	OP_NONE,
};

/* The longer ones first. */
static const struct {
	const char *s;
	enum operator op;
	unsigned rank;
} operators[] = {
	{ "||", OP_OR, 2 },     { "&&", OP_AND, 3 },
	{ "==", OP_EQ, 4 },     { "!=", OP_NE, 4 },
	{ "<>", OP_NE, 4 },     { "<=", OP_LE, 4 },
	{ ">=", OP_GE, 4 },     { "<<", OP_LEFT, 8 },
	{ ">>", OP_RIGHT, 8 },  { "!!", OP_BIT_XOR, 7 },
	{ "<", OP_LT, 4 },      { ">", OP_GT, 4 },
	{ "+", OP_ADD, 5 },     { "-", OP_SUB, 5 },
	{ "|", OP_BIT_OR, 7 },  { "!", OP_BIT_OR_NOT, 7 },
	{ "^", OP_BIT_XOR, 7 }, { "&", OP_BIT_AND, 7 },
	{ "*", OP_MUL, 8 },     { "/", OP_DIV, 8 },
	{ "%", OP_MOD, 8 },
};

#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

static int64_t parse(struct expr *e, unsigned rank);

static int64_t unknown_value(struct expr *e)
{
	e->unknown = true;
	return 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static int64_t expr_number(struct expr *e)
{
	struct scan_asm_part *in = &e->in;
	uint64_t value = 0;
	int base = 10;
	char second = in->end - in->p > 1 ? in->p[1] | 32 : '\0';

	if (*in->p == '0' && second == 'x')
		base = 16;
	else if (*in->p == '0' && second == 'b' && in->end - in->p > 2 &&
		 digit(in->p[2]) < 2)
		base = 2;
	else if (*in->p == '0')
		base = 8;
	if (base == 16 || base == 2)
		in->p += 2;
	for (; in->p < in->end && digit(*in->p) < base; in->p++) {
		if (value > (uint64_t)INT64_MAX / 16)
			unknown_value(e);
		value = value * (uint64_t)base + (uint64_t)digit(*in->p);
	}
	while (in->p < in->end && strchr("uUlL", *in->p) && *in->p)
		in->p++;
	/* 1f and 1b are labels, 0f1.5 and 1e5 no integers. */
	if (in->p < in->end &&
	    (scan_asm_in_name(e->x, *in->p) || *in->p == '\'')) {
		unknown_value(e);
		while (in->p < in->end && scan_asm_in_name(e->x, *in->p))
			in->p++;
	}
	return (int64_t)value;
}

static int64_t symbol(struct expr *e)
{
	const char *s = e->in.p;
	int64_t value = 0;
	size_t len = scan_asm_name(e->x, &e->in);

	if (!e->symbol || !e->symbol(e->ctx, s, len, &value))
		return unknown_value(e);
	return value;
}

static int64_t expr_operand(struct expr *e)
{
	struct scan_asm_part *in = &e->in;
	int64_t value;
	char c;

	scan_asm_blanks(in);
	if (in->p == in->end || e->depth > DEPTH_MAX)
		return unknown_value(e);
	c = *in->p;
	if (c >= '0' && c <= '9')
		return expr_number(e);
	if (scan_asm_starts_name(e->x, c))
		return symbol(e);
	if (!strchr("(+-~!", c))
		return unknown_value(e);
	in->p++;
	e->depth++;
	if (c == '(') {
		value = parse(e, 0);
		scan_asm_blanks(in);
		if (in->p < in->end && *in->p == ')')
			in->p++;
		else
			unknown_value(e);
	} else {
		value = expr_operand(e);
	}
	e->depth--;
	if (c == '-' && value == INT64_MIN)
		return unknown_value(e);
	return c == '-' ? -value :
	       c == '~' ? ~value :
	       c == '!' ? !value :
			  value;
}

static int64_t arithmetic(struct expr *e, enum operator op, int64_t a,
			  int64_t b)
{
	int64_t value = 0;
	bool bad = false;

	switch (op) {
	case OP_ADD:
		bad = __builtin_add_overflow(a, b, &value);
		break;
	case OP_SUB:
		bad = __builtin_sub_overflow(a, b, &value);
		break;
	case OP_MUL:
		bad = __builtin_mul_overflow(a, b, &value);
		break;
	case OP_DIV:
	case OP_MOD:
		bad = !b || b == -1;
		if (!bad)
			value = op == OP_DIV ? a / b : a % b;
		break;
	case OP_LEFT:
		bad = a < 0 || b < 0 || b > 62 || a > INT64_MAX >> b;
		value = bad ? 0 : a << b;
		break;
	default:
		bad = a < 0 || b < 0 || b > 63;
		value = bad ? 0 : a >> b;
		break;
	}
	return bad ? unknown_value(e) : value;
}

static int64_t apply(struct expr *e, enum operator op, int64_t a, int64_t b)
{
	switch (op) {
	case OP_OR:
		return a || b;
	case OP_AND:
		return a && b;
	case OP_EQ:
		return -(int64_t)(a == b);
	case OP_NE:
		return -(int64_t)(a != b);
	case OP_LT:
		return -(int64_t)(a < b);
	case OP_LE:
		return -(int64_t)(a <= b);
	case OP_GE:
		return -(int64_t)(a >= b);
	case OP_GT:
		return -(int64_t)(a > b);
	case OP_BIT_OR:
		return a | b;
	case OP_BIT_OR_NOT:
		return a | ~b;
	case OP_BIT_XOR:
		return a ^ b;
	case OP_BIT_AND:
		return a & b;
	default:
		return arithmetic(e, op, a, b);
	}
}

static size_t next_operator(struct expr *e)
{
	size_t left;

	scan_asm_blanks(&e->in);
	left = (size_t)(e->in.end - e->in.p);
	for (size_t i = 0; i < OPERATORS; i++) {
		size_t len = strlen(operators[i].s);

		if (left >= len && !memcmp(e->in.p, operators[i].s, len))
			return i;
	}
	return OPERATORS;
}

static int64_t parse(struct expr *e, unsigned rank)
{
	int64_t value = expr_operand(e);
	size_t i;

	while ((i = next_operator(e)) < OPERATORS && operators[i].rank > rank) {
		e->in.p += strlen(operators[i].s);
		value = apply(e, operators[i].op, value,
			      parse(e, operators[i].rank));
	}
	return value;
}

bool scan_asm_expr(const struct scan_asm_syntax *x, scan_asm_symbol *lookup,
		   void *ctx, struct scan_asm_part *in, int64_t *value)
{
	struct expr e = { .x = x, .symbol = lookup, .ctx = ctx, .in = *in };

	*value = parse(&e, 0);
	in->p = e.in.p;
	return !e.unknown;
}

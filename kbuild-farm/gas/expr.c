/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gas/internal.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/*
 * Expressions as in gas/expr.c of binutils: a true comparison is -1, and +
 * binds less tightly than |.  A value is unknown if it overflows or depends on
 * anything except numbers and symbols with a known value.
 */

#define DEPTH_MAX 100

struct expr {
	struct gas_state *run;
	struct gas_span in;
	unsigned depth;
	bool unknown;
};

enum expr_operator {
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
};

/* Longer operators come before their prefixes, because the first match wins. */
static const struct {
	const char *s;
	enum expr_operator op;
	unsigned rank;
} expr_operators[] = {
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

struct gas_symbol {
	struct map_entry entry;
	char *name;
	bool known;
	int64_t value;
};

/* Return the symbol of a name, or NULL. */
static struct gas_symbol *find_symbol(const struct gas_state *run,
				      const char *name, size_t len)
{
	struct map_entry *n;

	n = map_find(&run->symbols, map_hash(bytes_of(name, len)));
	for (; n; n = map_next_match(n)) {
		struct gas_symbol *s = (struct gas_symbol *)n;

		if (strlen(s->name) == len && !memcmp(s->name, name, len))
			return s;
	}
	return NULL;
}

static int64_t parse_expr(struct expr *e, unsigned rank);

static int64_t unknown_value(struct expr *e)
{
	e->unknown = true;
	return 0;
}

/* Parse a number.  With a suffix other than u and l, its value is unknown. */
static int64_t expr_number(struct expr *e)
{
	struct gas_span *in = &e->in;
	uint64_t value = 0;
	unsigned base = 10;
	unsigned digit;
	char second = in->end - in->p > 1 ? in->p[1] | 32 : '\0';

	if (*in->p == '0' && second == 'x')
		base = 16;
	else if (*in->p == '0' && second == 'b' && in->end - in->p > 2 &&
		 (in->p[2] == '0' || in->p[2] == '1'))
		base = 2;
	else if (*in->p == '0')
		base = 8;
	if (base == 16 || base == 2)
		in->p += 2;
	/* If *in->p is not a digit, `digit` is UINT_MAX, above any base. */
	for (; in->p < in->end &&
	       (digit = (unsigned)str_hex_digit(*in->p)) < base;
	     in->p++) {
		if (value > (uint64_t)INT64_MAX / 16)
			unknown_value(e);
		value = value * base + digit;
	}
	while (in->p < in->end && strchr("uUlL", *in->p) && *in->p)
		in->p++;
	/*
	 * The value of a label (1f, 1b) and of a number that is not an integer
	 * (0f1.5, 1e5) is unknown.
	 */
	if (in->p < in->end &&
	    (gas_scrub_is_name_char(e->run->dialect.syntax, *in->p) ||
	     *in->p == '\'')) {
		unknown_value(e);
		while (in->p < in->end &&
		       gas_scrub_is_name_char(e->run->dialect.syntax, *in->p))
			in->p++;
	}
	return (int64_t)value;
}

static int64_t expr_operand(struct expr *e)
{
	struct gas_span *in = &e->in;
	int64_t value;
	char c;

	gas_skip_blanks(in);
	if (in->p == in->end || e->depth > DEPTH_MAX)
		return unknown_value(e);
	c = *in->p;
	if (c >= '0' && c <= '9')
		return expr_number(e);
	if (gas_scrub_starts_name(e->run->dialect.syntax, c)) {
		const char *name = in->p;
		size_t len = gas_scrub_take_name(e->run->dialect.syntax, in);
		const struct gas_symbol *s = find_symbol(e->run, name, len);

		return s && s->known ? s->value : unknown_value(e);
	}
	if (!strchr("(+-~!", c))
		return unknown_value(e);
	in->p++;
	e->depth++;
	if (c == '(') {
		value = parse_expr(e, 0);
		gas_skip_blanks(in);
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

/*
 * Apply a binary operator.  The result is unknown if it overflows, if a divisor
 * is 0 or -1, or if an operand of a shift is negative or too large.
 */
static int64_t apply_operator(struct expr *e, enum expr_operator op, int64_t a,
			      int64_t b)
{
	int64_t value = 0;
	bool bad = false;

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

/* Return the index of the operator that follows, or the number of operators. */
static size_t next_operator(struct expr *e)
{
	size_t left;

	gas_skip_blanks(&e->in);
	left = (size_t)(e->in.end - e->in.p);
	for (size_t i = 0; i < ARRAY_SIZE(expr_operators); i++) {
		size_t len = strlen(expr_operators[i].s);

		if (left >= len && !memcmp(e->in.p, expr_operators[i].s, len))
			return i;
	}
	return ARRAY_SIZE(expr_operators);
}

/* Parse operands and the operators whose rank is higher than `rank`. */
static int64_t parse_expr(struct expr *e, unsigned rank)
{
	int64_t value = expr_operand(e);
	size_t i;

	while ((i = next_operator(e)) < ARRAY_SIZE(expr_operators) &&
	       expr_operators[i].rank > rank) {
		e->in.p += strlen(expr_operators[i].s);
		value = apply_operator(e, expr_operators[i].op, value,
				       parse_expr(e, expr_operators[i].rank));
	}
	return value;
}

void gas_symbol_set_undecided(struct gas_state *run, const char *words)
{
	if (!run->out->undecided)
		run->out->undecided = xstrdup(words);
}

bool gas_symbol_eval(struct gas_state *run, struct gas_span *in, int64_t *value)
{
	struct expr e = { .run = run, .in = *in };

	*value = parse_expr(&e, 0);
	in->p = e.in.p;
	return !e.unknown;
}

void gas_symbol_assign(struct gas_state *run, struct gas_span name,
		       struct gas_span value, bool deferred)
{
	size_t len = (size_t)(name.end - name.p);
	int64_t number = 0;
	struct gas_symbol *s;
	bool known;

	/*
	 * If the texts have no order, any assignment can be the last one, so
	 * the value is unknown.
	 */
	if (run->unordered)
		return;
	known = gas_symbol_eval(run, &value, &number) && !run->n_conditional &&
		!deferred;
	gas_skip_blanks(&value);
	if (value.p < value.end)
		known = false;
	s = find_symbol(run, name.p, len);
	if (!s) {
		if (!known)
			return;
		s = xcalloc(1, sizeof(*s));
		s->name = xstrndup(name.p, len);
		map_add(&run->symbols, &s->entry,
			map_hash(bytes_of(name.p, len)));
	} else if (s->known == known && (!known || s->value == number)) {
		return;
	}
	s->known = known;
	s->value = number;
	run->n_changes++;
}

static void free_symbol(struct map_entry *n)
{
	free(((struct gas_symbol *)n)->name);
	free(n);
}

void gas_symbol_release_all(struct gas_state *run)
{
	map_release_entries(&run->symbols, free_symbol);
}

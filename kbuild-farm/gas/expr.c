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
	OP_NONE,
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

/* Parse a number; a suffix other than u and l makes it unknown. */
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
	/* If *in->p is no digit, `digit` is UINT_MAX and exceeds any base. */
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

/* Results that overflow are unknown, as are shifts of negative values. */
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

/* Parse operands and the operators of a higher rank than `rank`. */
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

bool gas_symbol_enter_conditional(struct gas_state *run)
{
	run->n_conditional++;
	return run->dialect.alternate;
}

void gas_symbol_leave_conditional(struct gas_state *run, bool alternate)
{
	run->n_conditional--;
	if (run->dialect.alternate != alternate)
		gas_symbol_set_undecided(run, "conditional .altmacro");
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

	/* If the texts have no order, the last assignment is not known. */
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

/*
 * Conditionals.  If the value of a condition is unknown, its branch is
 * executed, and the later branches are then treated as if that branch had been
 * skipped.
 */

enum cond_value {
	COND_FALSE,
	COND_TRUE,
	COND_UNKNOWN,
};

bool gas_cond_is_skipping(const struct gas_state *run)
{
	return run->n_frames && run->frames[run->n_frames - 1].skipped;
}

/* Evaluate .if, .ifeq and similar; `how` is the part after "if". */
static enum cond_value eval_numeric_condition(struct gas_state *run,
					      const char *how,
					      struct gas_span in)
{
	int64_t v = 0;

	if (!gas_symbol_eval(run, &in, &v))
		return COND_UNKNOWN;
	gas_skip_blanks(&in);
	if (in.p < in.end)
		return COND_UNKNOWN;
	if (!strcmp(how, "eq"))
		return v == 0;
	if (!strcmp(how, "ge"))
		return v >= 0;
	if (!strcmp(how, "gt"))
		return v > 0;
	if (!strcmp(how, "le"))
		return v <= 0;
	if (!strcmp(how, "lt"))
		return v < 0;
	return v != 0;
}

static enum cond_value eval_blank_condition(struct gas_span in)
{
	gas_skip_blanks(&in);
	/* Unknown text is not blank, since no substituted operand is empty. */
	return in.p == in.end ? COND_TRUE : COND_FALSE;
}

/* Take a word of .ifc up to `stop`, without surrounding blanks. */
static struct gas_span take_ifc_word(struct gas_span *in, char stop)
{
	struct gas_span word;

	gas_skip_blanks(in);
	word = (struct gas_span){ in->p, in->p };
	while (in->p < in->end && *in->p != stop)
		in->p++;
	word.end = in->p;
	while (word.end > word.p && gas_is_blank(word.end[-1]))
		word.end--;
	return word;
}

/* Evaluate .ifc A,B and .ifeqs "A","B". */
static enum cond_value eval_string_condition(struct gas_span in)
{
	size_t len = (size_t)(in.end - in.p);
	struct gas_span a, b;

	/* Text with unknown parts, escapes or single quotes is not compared. */
	if (memchr(in.p, GAS_UNKNOWN_OPERAND, len) ||
	    memchr(in.p, GAS_UNKNOWN_DIGITS, len) || memchr(in.p, '\\', len) ||
	    memchr(in.p, '\'', len))
		return COND_UNKNOWN;
	a = take_ifc_word(&in, ',');
	if (in.p == in.end)
		return COND_UNKNOWN;
	in.p++;
	if (memchr(in.p, ',', (size_t)(in.end - in.p)) &&
	    memchr(a.p, '"', (size_t)(in.end - a.p)))
		return COND_UNKNOWN;
	b = take_ifc_word(&in, ';');
	return a.end - a.p == b.end - b.p &&
	       !memcmp(a.p, b.p, (size_t)(a.end - a.p));
}

static enum cond_value negate_condition(enum cond_value a)
{
	return a == COND_UNKNOWN ? COND_UNKNOWN :
	       a == COND_FALSE   ? COND_TRUE :
				   COND_FALSE;
}

/*
 * Return true if the operands are exactly "A","B".  With any other operands,
 * gas may not treat the directive as a condition.
 */
static bool is_two_strings(struct gas_span in)
{
	for (int i = 0; i < 2; i++) {
		const char *close;

		gas_skip_blanks(&in);
		if (in.p == in.end || *in.p != '"')
			return false;
		close = memchr(in.p + 1, '"', (size_t)(in.end - in.p - 1));
		if (!close)
			return false;
		in.p = close + 1;
		gas_skip_blanks(&in);
		if (!i && (in.p == in.end || *in.p++ != ','))
			return false;
	}
	return in.p == in.end;
}

static enum cond_value eval_quoted_condition(struct gas_state *run,
					     struct gas_span in)
{
	if (is_two_strings(in))
		return eval_string_condition(in);
	gas_symbol_set_undecided(run, "unsupported operands of .ifeqs");
	return COND_UNKNOWN;
}

/* Evaluate the condition of .ifHOW. */
static enum cond_value eval_condition(struct gas_state *run, const char *how,
				      struct gas_span in)
{
	if (!strcmp(how, "b"))
		return eval_blank_condition(in);
	if (!strcmp(how, "nb"))
		return negate_condition(eval_blank_condition(in));
	if (!strcmp(how, "c"))
		return eval_string_condition(in);
	if (!strcmp(how, "nc"))
		return negate_condition(eval_string_condition(in));
	if (!strcmp(how, "eqs"))
		return eval_quoted_condition(run, in);
	if (!strcmp(how, "nes"))
		return negate_condition(eval_quoted_condition(run, in));
	if (strstr(how, "def")) {
		gas_skip_blanks(&in);
		if (in.p == in.end ||
		    !gas_scrub_starts_name(run->dialect.syntax, *in.p))
			gas_symbol_set_undecided(
				run, "unsupported operands of .ifdef");
		return COND_UNKNOWN;
	}
	return eval_numeric_condition(run, how, in);
}

/*
 * Begin a branch of the conditional `f`.  `answer` states whether the branch is
 * taken, skipped or undecided.
 */
static void start_branch(struct gas_state *run, struct gas_cond_frame *f,
			 enum cond_value answer)
{
	if (f->conditional)
		gas_symbol_leave_conditional(run, f->alternate);
	/* After an undecided branch, a later branch can still be taken. */
	f->skipped = f->finished || answer == COND_FALSE;
	if (!f->skipped && answer == COND_TRUE)
		f->finished = true;
	f->conditional = f->conditional || answer == COND_UNKNOWN;
	if (f->conditional)
		f->alternate = gas_symbol_enter_conditional(run);
}

void gas_cond_leave(struct gas_state *run, size_t n)
{
	while (run->n_frames > n) {
		run->n_frames--;
		if (run->frames[run->n_frames].conditional)
			gas_symbol_leave_conditional(
				run, run->frames[run->n_frames].alternate);
	}
}

bool gas_cond_apply(struct gas_state *run, const char *name, struct gas_span in)
{
	/* The words after ".if"; the first word is empty. */
	static const char conditions[] = ",eq,ge,gt,le,lt,ne,b,nb,c,nc,eqs,nes,"
					 "def,ndef,notdef";
	struct gas_cond_frame *f;

	if (!strncmp(name, "if", 2)) {
		bool skipped = gas_cond_is_skipping(run);
		enum cond_value value = COND_FALSE;

		if (!str_list_has(conditions, ',', name + 2))
			return false;
		if (!skipped)
			value = eval_condition(run, name + 2, in);
		run->frames = xrealloc(run->frames,
				       (run->n_frames + 1) * sizeof(*f));
		f = &run->frames[run->n_frames++];
		*f = (struct gas_cond_frame){ .finished = skipped };
		start_branch(run, f, value);
		return true;
	}
	f = run->n_frames ? &run->frames[run->n_frames - 1] : NULL;
	if (!strcmp(name, "endif") || !strcmp(name, "endc")) {
		if (f)
			gas_cond_leave(run, run->n_frames - 1);
	} else if (!strcmp(name, "else") || !strcmp(name, "elsec")) {
		if (f && !f->in_else)
			start_branch(run, f, COND_TRUE);
		if (f)
			f->in_else = true;
	} else if (!strcmp(name, "elseif")) {
		if (f && !f->in_else)
			start_branch(run, f,
				     f->finished ? COND_FALSE :
						   eval_numeric_condition(
							   run, "ne", in));
	} else {
		return false;
	}
	return true;
}

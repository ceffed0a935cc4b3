/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gas/internal.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Statements are executed in order as in gas/read.c of binutils: labels,
 * assignments, directives and possible macro calls.  Instructions matter only
 * because their names can be the names of macros.
 */

#define NEST_MAX            100
#define STATEMENTS_MAX      (UINT64_C(4) << 20)
#define EXPANSION_MAX_BYTES ((size_t)64 << 20)
/*
 * Maximum number of executed rounds of one .rept.  If a round changes no
 * definition, it is the last round.
 */
#define REPT_ROUNDS_MAX 65536

enum gas_directive {
	GAS_DIRECTIVE_MACRO,
	GAS_DIRECTIVE_PURGEM,
	GAS_DIRECTIVE_EXITM,
	GAS_DIRECTIVE_IRP,
	GAS_DIRECTIVE_IRPC,
	GAS_DIRECTIVE_REPT,
	GAS_DIRECTIVE_ALTMACRO,
	GAS_DIRECTIVE_NOALTMACRO,
	GAS_DIRECTIVE_SET,
	GAS_DIRECTIVE_EQV,
	GAS_DIRECTIVE_INCBIN,
	GAS_DIRECTIVE_INCLUDE,
	GAS_DIRECTIVE_FILE,
	GAS_DIRECTIVE_MRI,
	/* with string operands, in which a ';' does not end the directive */
	GAS_DIRECTIVE_STRINGS,
	GAS_DIRECTIVE_NONE,
};

/* A macro call in progress. */
struct gas_call {
	struct gas_call *outer;
	const struct gas_macro *macro;
	struct gas_span operands;
};

/* A text that is being executed. */
struct statement_reader {
	struct gas_span in;
	bool expansion;
	/* gas_state.n_conditional at the start of the text */
	unsigned n_conditional;
	bool exited; /* an .exitm may have ended the text */
	bool alternate; /* alternate syntax was on at that .exitm */
	bool has_label; /* the current statement has a label */
};

static void run_statements(struct gas_state *run, struct statement_reader *r);

/*
 * Begin text that may or may not be executed.  Returns true if the alternate
 * syntax is on.  Pass the returned value to leave_conditional() at the end of
 * the text: if the syntax has changed, the result is undecided.
 */
static bool enter_conditional(struct gas_state *run)
{
	run->n_conditional++;
	return run->dialect.alternate;
}

static void leave_conditional(struct gas_state *run, bool alternate)
{
	run->n_conditional--;
	if (run->dialect.alternate != alternate)
		gas_symbol_set_undecided(run, "conditional .altmacro");
}

/*
 * Conditionals.  If the value of a condition is unknown, its branch is
 * executed, and the later branches are treated as if the condition were false.
 */

enum cond_value {
	COND_FALSE,
	COND_TRUE,
	COND_UNKNOWN,
};

/* Return true if the current branch is not executed. */
static bool is_skipping(const struct gas_state *run)
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
 * gas can reject the directive and then opens no conditional.
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
		leave_conditional(run, f->alternate);
	/* After an undecided branch, a later branch can still be taken. */
	f->skipped = f->finished || answer == COND_FALSE;
	if (!f->skipped && answer == COND_TRUE)
		f->finished = true;
	f->conditional = f->conditional || answer == COND_UNKNOWN;
	if (f->conditional)
		f->alternate = enter_conditional(run);
}

/* Close all open conditionals except the outermost `n`. */
static void leave_conditionals(struct gas_state *run, size_t n)
{
	while (run->n_frames > n) {
		run->n_frames--;
		if (run->frames[run->n_frames].conditional)
			leave_conditional(run,
					  run->frames[run->n_frames].alternate);
	}
}

/*
 * Execute a conditional directive.  Return false if `name` is not a conditional
 * directive.
 */
static bool apply_conditional(struct gas_state *run, const char *name,
			      struct gas_span in)
{
	/* The suffixes of the .if directives; the suffix of .if is empty. */
	static const char conditions[] = ",eq,ge,gt,le,lt,ne,b,nb,c,nc,eqs,nes,"
					 "def,ndef,notdef";
	struct gas_cond_frame *f;

	if (!strncmp(name, "if", 2)) {
		bool skipped = is_skipping(run);
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
			leave_conditionals(run, run->n_frames - 1);
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

/* Write a name in lower case to `out`. */
static void lower_name(struct buf *out, struct gas_span name)
{
	buf_reset(out);
	for (; name.p < name.end; name.p++) {
		char c = *name.p;

		if (c >= 'A' && c <= 'Z')
			c |= 32;
		gas_append_char(out, c);
	}
}

static const struct {
	const char *name;
	enum gas_directive is;
} directives[] = {
	{ "altmacro", GAS_DIRECTIVE_ALTMACRO },
	{ "ascii", GAS_DIRECTIVE_STRINGS },
	{ "asciz", GAS_DIRECTIVE_STRINGS },
	{ "equ", GAS_DIRECTIVE_SET },
	{ "equiv", GAS_DIRECTIVE_SET },
	{ "eqv", GAS_DIRECTIVE_EQV },
	{ "error", GAS_DIRECTIVE_STRINGS },
	{ "exitm", GAS_DIRECTIVE_EXITM },
	{ "file", GAS_DIRECTIVE_FILE },
	{ "ident", GAS_DIRECTIVE_STRINGS },
	{ "incbin", GAS_DIRECTIVE_INCBIN },
	{ "include", GAS_DIRECTIVE_INCLUDE },
	{ "irep", GAS_DIRECTIVE_IRP },
	{ "irepc", GAS_DIRECTIVE_IRPC },
	{ "irp", GAS_DIRECTIVE_IRP },
	{ "irpc", GAS_DIRECTIVE_IRPC },
	{ "macro", GAS_DIRECTIVE_MACRO },
	{ "mexit", GAS_DIRECTIVE_EXITM },
	{ "mri", GAS_DIRECTIVE_MRI },
	{ "noaltmacro", GAS_DIRECTIVE_NOALTMACRO },
	{ "print", GAS_DIRECTIVE_STRINGS },
	{ "purgem", GAS_DIRECTIVE_PURGEM },
	{ "pushsection", GAS_DIRECTIVE_STRINGS },
	{ "rep", GAS_DIRECTIVE_REPT },
	{ "rept", GAS_DIRECTIVE_REPT },
	{ "section", GAS_DIRECTIVE_STRINGS },
	{ "set", GAS_DIRECTIVE_SET },
	{ "string", GAS_DIRECTIVE_STRINGS },
	{ "string16", GAS_DIRECTIVE_STRINGS },
	{ "string32", GAS_DIRECTIVE_STRINGS },
	{ "string64", GAS_DIRECTIVE_STRINGS },
	{ "string8", GAS_DIRECTIVE_STRINGS },
	{ "warning", GAS_DIRECTIVE_STRINGS },
};

/*
 * Return true if a name, parts of which are unknown, can be the name of a
 * directive that affects which files are read.
 */
static bool may_be_directive(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
		if (directives[i].is != GAS_DIRECTIVE_STRINGS &&
		    directives[i].is != GAS_DIRECTIVE_FILE &&
		    gas_define_may_match(name, directives[i].name))
			return true;
	}
	/* Conditional directives decide which other statements are executed. */
	return gas_define_may_match(name, "if") ||
	       gas_define_may_match(name, "else") ||
	       gas_define_may_match(name, "endif");
}

/* Skip blanks and form feeds, which can precede a statement. */
static void skip_statement_blanks(struct gas_span *in)
{
	while (in->p < in->end && (gas_is_blank(*in->p) || *in->p == '\f'))
		in->p++;
}

/* Scrub and execute expanded text. */
static void run_expansion(struct gas_state *run, const struct buf *text)
{
	size_t conditions = run->n_frames;
	bool unsure = run->n_conditional;
	struct buf scrubbed = { 0 };
	struct statement_reader r = { .expansion = true };

	run->expanded_bytes += text->len;
	if (run->depth >= NEST_MAX ||
	    run->expanded_bytes > EXPANSION_MAX_BYTES) {
		gas_symbol_set_undecided(run, "macro expansion too large");
		return;
	}
	run->depth++;
	gas_scrub_text(run->dialect.syntax, buf_str(text), text->len,
		       &scrubbed);
	r.in = (struct gas_span){ buf_str(&scrubbed),
				  buf_str(&scrubbed) + scrubbed.len };
	run_statements(run, &r);
	if (unsure && run->n_frames != conditions)
		gas_symbol_set_undecided(run,
					 ".if and .endif in different macros");
	buf_release(&scrubbed);
	run->depth--;
}

/*
 * Return true if a call of `m` with the same operands is already in progress
 * and a condition that could end the recursion is unknown.
 */
static bool is_recursive_call(const struct gas_state *run,
			      const struct gas_macro *m, struct gas_span in)
{
	size_t len = (size_t)(in.end - in.p);

	if (!run->n_conditional)
		return false;
	for (struct gas_call *c = run->call; c; c = c->outer) {
		if (c->macro == m &&
		    (size_t)(c->operands.end - c->operands.p) == len &&
		    !memcmp(c->operands.p, in.p, len))
			return true;
	}
	return false;
}

/*
 * Return true if "inc", "bin" or "lude" occurs after an unknown operand.  If
 * the operand contains a comma, this word could be part of a separate macro
 * argument that completes .incbin or .include.
 */
static bool may_split_argument(struct gas_span in)
{
	const char *p = memchr(in.p, GAS_UNKNOWN_OPERAND,
			       (size_t)(in.end - in.p));

	for (; p && p < in.end; p++) {
		size_t left = (size_t)(in.end - p);

		if ((left > 2 && !strncasecmp(p, "inc", 3)) ||
		    (left > 2 && !strncasecmp(p, "bin", 3)) ||
		    (left > 3 && !strncasecmp(p, "lude", 4)))
			return true;
	}
	return false;
}

/* Execute a call of macro `m` with operands `in`. */
static void expand_call(struct gas_state *run, struct gas_macro *m,
			struct gas_span in)
{
	size_t conditions = run->n_frames;
	struct gas_call here = { run->call, m, in };
	struct buf text = { 0 };

	if (is_recursive_call(run, m, in))
		return;
	/* An operand such as 8(%rax,%rbx) can become two arguments. */
	if (may_split_argument(in))
		gas_symbol_set_undecided(
			run, "operand may be several macro arguments");
	if (gas_macro_expand(&run->dialect, m, in, &text)) {
		run->call = &here;
		run_expansion(run, &text);
		run->call = here.outer;
		leave_conditionals(run, conditions);
	}
	buf_release(&text);
}

/* Execute a call once for each definition that the macro may have. */
static void call_all_definitions(struct gas_state *run,
				 struct gas_macro_entry *n, struct gas_span in)
{
	bool several = n->macros && n->macros->next;
	bool alternate = several && enter_conditional(run);
	struct gas_macro *next;

	for (struct gas_macro *m = n->macros; m; m = next) {
		/*
		 * A macro with one definition can purge itself, which changes
		 * m->next.  With several definitions, .purgem removes none of
		 * them.
		 */
		next = several ? m->next : NULL;
		expand_call(run, m, in);
	}
	if (several)
		leave_conditional(run, alternate);
}

/* Call every macro that a partly unknown name can match. */
static void call_matching(struct gas_state *run, const char *name,
			  struct gas_span in)
{
	struct map_entry *e = NULL;
	struct strv names = { 0 };
	bool alternate;

	while ((e = map_next(&run->macros, e))) {
		struct gas_macro_entry *n = (struct gas_macro_entry *)e;

		if (gas_define_may_match(name, n->name))
			strv_add(&names, n->name);
	}
	alternate = enter_conditional(run);
	for (size_t i = 0; i < names.n; i++)
		call_all_definitions(
			run, gas_define_find_macro(run, names.v[i]), in);
	leave_conditional(run, alternate);
	strv_release(&names);
}

/* Call the macros, if any, that the name of a statement can refer to. */
static void call_macro(struct gas_state *run, struct gas_span name,
		       struct gas_span in)
{
	struct buf low = { 0 };
	struct gas_macro_entry *n;

	if (run->macros.n_entries) {
		lower_name(&low, name);
		n = gas_define_find_macro(run, buf_str(&low));
		if (gas_has_unknown_text(name))
			call_matching(run, buf_str(&low), in);
		else if (n)
			call_all_definitions(run, n, in);
	}
	buf_release(&low);
}

/* Return true if a body closes exactly the conditionals that it opens. */
static bool is_balanced(const struct gas_syntax *x, struct gas_span in)
{
	struct buf name = { 0 };
	bool balanced = true;
	int depth = 0;

	while (in.p < in.end && balanced) {
		struct gas_span line = in, directive;
		const char *s;

		line.end = gas_scrub_statement_end(line.p, line.end);
		in.p = line.end + (line.end < in.end);
		skip_statement_blanks(&line);
		directive = (struct gas_span){ line.p, line.p };
		if (line.p < line.end && *line.p == '.') {
			gas_scrub_take_name(x, &line);
			directive = (struct gas_span){ directive.p + 1,
						       line.p };
		}
		lower_name(&name, directive);
		s = buf_str(&name);
		if (str_starts(s, "if"))
			depth++;
		else if (!strcmp(s, "endif") || !strcmp(s, "endc"))
			balanced = --depth >= 0;
		else if (str_starts(s, "else"))
			balanced = depth > 0;
	}
	buf_release(&name);
	return balanced && !depth;
}

/*
 * Take the body of a macro or a repetition from `r`.  Return false if its end
 * is missing.
 */
static bool take_nested_body(struct gas_state *run, struct statement_reader *r,
			     const char *from, struct gas_span *body)
{
	if (gas_define_take_body(run->dialect.syntax, from, &r->in, body)) {
		/*
		 * If gas skips the .macro or .rept, gas executes the
		 * conditionals in the body, and an unbalanced .endif ends an
		 * outer conditional.
		 */
		if (run->n_conditional &&
		    !is_balanced(run->dialect.syntax, *body))
			gas_symbol_set_undecided(
				run, ".if and .endif not in the same macro");
		return true;
	}
	gas_symbol_set_undecided(run, !strcmp(from, "macro") ?
					      ".macro without .endm" :
					      ".rept without .endr");
	return false;
}

/* Execute .irp, or .irpc with `letters`. */
static void run_irp(struct gas_state *run, struct statement_reader *r,
		    struct gas_span in, bool letters)
{
	size_t max = run->expanded_bytes > EXPANSION_MAX_BYTES ?
			     0 :
			     EXPANSION_MAX_BYTES - run->expanded_bytes;
	struct gas_span body;
	struct buf text = { 0 };

	if (!take_nested_body(run, r, "rept", &body))
		return;
	gas_macro_expand_irp(&run->dialect, in, letters, body, max, &text);
	run_expansion(run, &text);
	buf_release(&text);
}

/* Execute .rept, but stop after a round that changes no definition. */
static void run_rept(struct gas_state *run, struct statement_reader *r,
		     struct gas_span in)
{
	struct gas_span body;
	struct buf text = { 0 };
	int64_t count = 0;
	bool known = gas_symbol_eval(run, &in, &count), syntax;

	if (!take_nested_body(run, r, "rept", &body))
		return;
	if (!known)
		count = REPT_ROUNDS_MAX;
	buf_add(&text, body.p, (size_t)(body.end - body.p));
	syntax = !known && enter_conditional(run);
	for (int64_t i = 0; i < count && !run->out->undecided; i++) {
		size_t conditions = run->n_frames;
		uint64_t changes = run->n_changes;
		bool alternate = run->dialect.alternate;

		if (i == REPT_ROUNDS_MAX)
			gas_symbol_set_undecided(
				run, ".rept with too many iterations");
		run_expansion(run, &text);
		if (changes == run->n_changes && conditions == run->n_frames &&
		    alternate == run->dialect.alternate)
			break;
	}
	if (!known)
		leave_conditional(run, syntax);
	buf_release(&text);
}

/* Execute .exitm. */
static void leave_macro(struct gas_state *run, struct statement_reader *r)
{
	if (!r->expansion)
		return;
	if (run->n_conditional > r->n_conditional) {
		/*
		 * Whether the .exitm is executed is undecided, so the rest of
		 * the text is undecided too.
		 */
		if (!r->exited)
			r->alternate = enter_conditional(run);
		r->exited = true;
		return;
	}
	r->in.p = r->in.end;
}

/* Execute .set NAME, VALUE or a similar directive. */
static void run_assignment(struct gas_state *run, struct gas_span in,
			   bool later)
{
	struct gas_span name;

	gas_skip_blanks(&in);
	name.p = in.p;
	gas_scrub_take_name(run->dialect.syntax, &in);
	name.end = in.p;
	gas_skip_blanks(&in);
	if (in.p == in.end || *in.p != ',')
		return;
	in.p++;
	gas_symbol_assign(run, name, in, later);
}

/*
 * Execute an unknown directive.  It can be a macro whose name starts with a
 * dot.  It can also be a directive whose operands are not strings.  In such
 * operands, a ';' in quotes ends the directive, and another statement follows.
 */
static void run_other_directive(struct gas_state *run, struct gas_span name,
				struct gas_span in)
{
	const char *stop = memchr(in.p, ';', (size_t)(in.end - in.p));
	struct statement_reader rest = { { stop, in.end }, .expansion = true };
	struct gas_span until = { in.p, stop ? stop : in.end };
	bool alternate;

	call_macro(run, name, until);
	if (!stop)
		return;
	alternate = enter_conditional(run);
	rest.in.p++;
	run_statements(run, &rest);
	leave_conditional(run, alternate);
}

/*
 * Add the file of .include "NAME" or .incbin "NAME", SKIP, COUNT to `list`.  If
 * the name is not literal, the result is undecided for the reason `words`.
 */
static void add_input_file(struct gas_state *run, struct strv *list,
			   struct gas_span in, const char *words)
{
	bool escapes = !run->dialect.syntax->no_escapes;
	struct buf name = { 0 };

	gas_skip_blanks(&in);
	if (in.p == in.end || *in.p != '"') {
		/*
		 * gas rejects a name without quotes.  The result is still
		 * undecided if the unknown text can contain the quotes, or if a
		 * ';' in a later string can end the statement.
		 */
		if (memchr(in.p, GAS_UNKNOWN_OPERAND,
			   (size_t)(in.end - in.p)) ||
		    memchr(in.p, ';', (size_t)(in.end - in.p)))
			gas_symbol_set_undecided(run, words);
		return;
	}
	for (in.p++; in.p < in.end && *in.p != '"'; in.p++) {
		char c = *in.p;

		if (c == '\\' && escapes && in.p + 1 < in.end)
			c = *++in.p;
		if (c == GAS_UNKNOWN_OPERAND || c == GAS_UNKNOWN_DIGITS ||
		    (*in.p != '\\' && *in.p != '"' && in.p[-1] == '\\' &&
		     escapes)) {
			gas_symbol_set_undecided(run, words);
			break;
		}
		gas_append_char(&name, c);
	}
	if (in.p == in.end)
		gas_symbol_set_undecided(run, words);
	else if (*in.p == '"' && name.len && !strv_has(list, buf_str(&name)))
		strv_add(list, buf_str(&name));
	buf_release(&name);
}

/* Add the "NAME" of .file if it is a plain string. */
static void add_source_name(struct gas_state *run, struct gas_span in)
{
	const char *from, *to;
	char *name;

	gas_skip_blanks(&in);
	from = in.p + 1;
	if (in.p == in.end || *in.p != '"')
		return;
	to = memchr(from, '"', (size_t)(in.end - from));
	/* An escaped or unknown name is not listed. */
	if (!to || memchr(from, '\\', (size_t)(to - from)) ||
	    memchr(from, GAS_UNKNOWN_OPERAND, (size_t)(to - from)) ||
	    memchr(from, GAS_UNKNOWN_DIGITS, (size_t)(to - from)))
		return;
	name = xstrndup(from, (size_t)(to - from));
	if (*name && !strv_has(&run->out->source_names, name))
		strv_add(&run->out->source_names, name);
	free(name);
}

/* Execute a directive; `label` is the last label before it. */
static void run_directive(struct gas_state *run, struct statement_reader *r,
			  struct gas_span label, struct gas_span name,
			  struct gas_span in)
{
	struct gas_span body;
	struct buf low = { 0 };
	enum gas_directive is = GAS_DIRECTIVE_NONE;

	lower_name(&low, (struct gas_span){ name.p + 1, name.end });
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
		if (!strcmp(directives[i].name, buf_str(&low))) {
			is = directives[i].is;
			break;
		}
	}
	if (is == GAS_DIRECTIVE_NONE && gas_has_unknown_text(name) &&
	    may_be_directive(buf_str(&low)))
		gas_symbol_set_undecided(run, "directive with a computed name");
	if (is == GAS_DIRECTIVE_NONE) {
		bool unsure = run->n_conditional;

		if (!apply_conditional(run, buf_str(&low), in))
			run_other_directive(run, name, in);
		/* If gas skips this code, it ignores an .if after a label. */
		else if (r->has_label && unsure)
			gas_symbol_set_undecided(run, ".if after a label");
	}
	buf_release(&low);
	switch (is) {
	case GAS_DIRECTIVE_MACRO:
		if (take_nested_body(run, r, "macro", &body))
			gas_define_macro(run, label, in, body);
		break;
	case GAS_DIRECTIVE_PURGEM:
		gas_define_purge(run, in);
		break;
	case GAS_DIRECTIVE_EXITM:
		leave_macro(run, r);
		break;
	case GAS_DIRECTIVE_IRP:
	case GAS_DIRECTIVE_IRPC:
		run_irp(run, r, in, is == GAS_DIRECTIVE_IRPC);
		break;
	case GAS_DIRECTIVE_REPT:
		run_rept(run, r, in);
		break;
	case GAS_DIRECTIVE_ALTMACRO:
	case GAS_DIRECTIVE_NOALTMACRO:
		run->dialect.alternate = is == GAS_DIRECTIVE_ALTMACRO;
		break;
	case GAS_DIRECTIVE_SET:
	case GAS_DIRECTIVE_EQV:
		run_assignment(run, in, is == GAS_DIRECTIVE_EQV);
		break;
	case GAS_DIRECTIVE_INCBIN:
		add_input_file(run, &run->out->incbins, in,
			       "unknown file name in .incbin");
		break;
	case GAS_DIRECTIVE_INCLUDE:
		add_input_file(run, &run->out->includes, in,
			       "unknown file name in .include");
		break;
	case GAS_DIRECTIVE_FILE:
		add_source_name(run, in);
		break;
	case GAS_DIRECTIVE_MRI:
		gas_symbol_set_undecided(run, ".mri");
		break;
	case GAS_DIRECTIVE_STRINGS:
	case GAS_DIRECTIVE_NONE:
		break;
	}
}

/* Take a name, quoted or not.  Return false if no name starts at `in`. */
static bool take_symbol_name(struct gas_state *run, struct gas_span *in,
			     struct gas_span *name)
{
	name->p = in->p;
	if (in->p == in->end || *in->p != '"') {
		bool any = gas_scrub_take_name(run->dialect.syntax, in);

		name->end = in->p;
		return any;
	}
	name->p++;
	for (in->p++; in->p < in->end && *in->p != '"';)
		in->p++;
	name->end = in->p;
	in->p += in->p < in->end;
	if (memchr(name->p, '\\', (size_t)(name->end - name->p)) ||
	    (in->p < in->end && *in->p == '"'))
		gas_symbol_set_undecided(run, "unsupported quoted name");
	return true;
}

/* Take a local label such as 1: or 1$:. */
static bool take_local_label(struct gas_span *in)
{
	const char *p = in->p;

	while (p < in->end && *p >= '0' && *p <= '9')
		p++;
	if (p == in->p)
		return false;
	p += p < in->end && *p == '$';
	if (p == in->end || *p != ':')
		return false;
	in->p = p + 1;
	return true;
}

/* Execute a statement with its labels. */
static void run_statement(struct gas_state *run, struct statement_reader *r,
			  struct gas_span in)
{
	struct gas_span label = { in.p, in.p }, name;
	const char *equals;
	bool deferred;

	r->has_label = false;
	for (;;) {
		skip_statement_blanks(&in);
		if (is_skipping(run)) {
			struct buf low = { 0 };

			/* In skipped code, only conditionals are executed. */
			if (in.p == in.end || *in.p != '.')
				return;
			name.p = in.p + 1;
			gas_scrub_take_name(run->dialect.syntax, &in);
			name.end = in.p;
			lower_name(&low, name);
			apply_conditional(run, buf_str(&low), in);
			buf_release(&low);
			return;
		}
		if (take_local_label(&in)) {
			r->has_label = true;
			continue;
		}
		if (in.p == in.end || !take_symbol_name(run, &in, &name))
			return;
		if (in.p == in.end || *in.p != ':')
			break;
		label = name;
		r->has_label = true;
		in.p++;
	}
	equals = in.p + (in.p < in.end && gas_is_blank(*in.p));
	if (equals < in.end && *equals == '=') {
		deferred = equals + 1 < in.end && equals[1] == '=';
		in.p = equals + 1 + deferred;
		gas_symbol_assign(run, name, in, deferred);
	} else if (name.p < name.end && *name.p == '.')
		run_directive(run, r, label, name, in);
	else
		call_macro(run, name, in);
}

/* Execute the rest of a text. */
static void run_statements(struct gas_state *run, struct statement_reader *r)
{
	r->n_conditional = run->n_conditional;
	while (r->in.p < r->in.end) {
		struct gas_span line = r->in;

		line.end = gas_scrub_statement_end(line.p, line.end);
		r->in.p = line.end + (line.end < r->in.end);
		if (++run->n_statements > STATEMENTS_MAX)
			gas_symbol_set_undecided(run,
						 "macro expansion too large");
		if (run->out->undecided)
			break;
		run_statement(run, r, line);
	}
	if (r->exited)
		leave_conditional(run, r->alternate);
}

void gas_run_text(struct gas_state *run, struct gas_span text)
{
	struct statement_reader r = { .in = text };

	run_statements(run, &r);
	leave_conditionals(run, 0);
}

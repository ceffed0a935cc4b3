/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gas/gas.h"

#include "base/vec.h"
#include "gas/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Statements are executed in order as in gas/read.c of binutils: labels,
 * assignments, directives and possible macro calls.  Instructions matter only
 * because their names can be macros.
 */

#define NEST_MAX            100
#define STATEMENTS_MAX      (UINT64_C(4) << 20)
#define EXPANSION_MAX_BYTES ((size_t)64 << 20)
/*
 * Maximum number of executed rounds of one .rept.  Execution stops earlier,
 * after a round that changes no definition.
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
	/* a ';' in a string operand does not end the directive */
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
 * Return true if a name, parts of which are unknown, can be a directive that
 * affects the files that are read.
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

static bool has_unknown_text(struct gas_span in)
{
	size_t len = (size_t)(in.end - in.p);

	return memchr(in.p, GAS_UNKNOWN_OPERAND, len) ||
	       memchr(in.p, GAS_UNKNOWN_DIGITS, len);
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

/* Return true if an undecided call would recurse without end. */
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
 * Return true if "inc", "bin" or "lude" follows an unknown operand.  If the
 * operand contains a comma, this text could be a separate macro argument that
 * completes .incbin or .include.
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
	/* An operand such as 8(%rax,%rbx) can be two arguments. */
	if (may_split_argument(in))
		gas_symbol_set_undecided(
			run, "operand may be several macro arguments");
	if (gas_macro_expand(&run->dialect, m, in, &text)) {
		run->call = &here;
		run_expansion(run, &text);
		run->call = here.outer;
		gas_cond_leave(run, conditions);
	}
	buf_release(&text);
}

/* Execute a call once for each definition that the macro may have. */
static void call_all_definitions(struct gas_state *run,
				 struct gas_macro_entry *n, struct gas_span in)
{
	bool several = n->macros && n->macros->next;
	bool alternate = several && gas_symbol_enter_conditional(run);
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
		gas_symbol_leave_conditional(run, alternate);
}

/* Call every macro that a partly unknown name can match. */
static void call_matching(struct gas_state *run, const char *name,
			  struct gas_span in)
{
	struct map_entry *node = NULL;
	struct strv names = { 0 };
	bool alternate;

	while ((node = map_next(&run->macros, node))) {
		struct gas_macro_entry *n = (struct gas_macro_entry *)node;

		if (gas_define_may_match(name, n->name))
			strv_add(&names, n->name);
	}
	alternate = gas_symbol_enter_conditional(run);
	for (size_t i = 0; i < names.n; i++)
		call_all_definitions(
			run, gas_define_find_macro(run, names.v[i]), in);
	gas_symbol_leave_conditional(run, alternate);
	strv_release(&names);
}

/* Call the macros that the name of a statement can mean, if any. */
static void call_macro(struct gas_state *run, struct gas_span name,
		       struct gas_span in)
{
	struct buf low = { 0 };
	struct gas_macro_entry *n;

	if (run->macros.n_entries) {
		lower_name(&low, name);
		n = gas_define_find_macro(run, buf_str(&low));
		if (has_unknown_text(name))
			call_matching(run, buf_str(&low), in);
		else if (n)
			call_all_definitions(run, n, in);
	}
	buf_release(&low);
}

/* Return true if a body closes all conditionals that it opens, and no other. */
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
		 * If gas skips the .macro or .rept itself, an .endif in its
		 * body takes effect.
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
	syntax = !known && gas_symbol_enter_conditional(run);
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
		gas_symbol_leave_conditional(run, syntax);
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
			r->alternate = gas_symbol_enter_conditional(run);
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
 * dot, or a directive that does not recognize strings, so that a ';' in quotes
 * ends it.
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
	alternate = gas_symbol_enter_conditional(run);
	rest.in.p++;
	run_statements(run, &rest);
	gas_symbol_leave_conditional(run, alternate);
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
		 * gas rejects a name without quotes, but unknown text can
		 * contain quotes, and a ';' in quotes can end the statement.
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
	if (is == GAS_DIRECTIVE_NONE && has_unknown_text(name) &&
	    may_be_directive(buf_str(&low)))
		gas_symbol_set_undecided(run, "directive with a computed name");
	if (is == GAS_DIRECTIVE_NONE) {
		bool unsure = run->n_conditional;

		if (!gas_cond_apply(run, buf_str(&low), in))
			run_other_directive(run, name, in);
		/* In skipped code, gas ignores an .if after a label. */
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
		if (gas_cond_is_skipping(run)) {
			struct buf low = { 0 };

			/* Of skipped code, only conditionals are executed. */
			if (in.p == in.end || *in.p != '.')
				return;
			name.p = in.p + 1;
			gas_scrub_take_name(run->dialect.syntax, &in);
			name.end = in.p;
			lower_name(&low, name);
			gas_cond_apply(run, buf_str(&low), in);
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
		gas_symbol_leave_conditional(run, r->alternate);
}

/*
 * The texts of a unit.  A single source is executed once.  The texts of a C
 * file are executed repeatedly until they define nothing new, because the
 * compiler can reorder, duplicate and drop them.
 */

#define PASSES_MAX 8

struct source_text {
	struct map_entry entry;
	enum gas_text_kind kind;
	struct buf text;
};

struct gas_scanner {
	const struct gas_syntax *syntax;
	bool alternate;
	struct source_text **texts;
	size_t n_texts, cap_texts;
	struct map by_hash; /* finds duplicates */
};

struct gas_scanner *gas_scanner_new(const struct gas_setup *setup)
{
	struct gas_scanner *a = xcalloc(1, sizeof(*a));

	a->syntax = gas_scrub_find_syntax(setup->architecture);
	a->alternate = setup->alternate;
	return a;
}

void gas_scanner_free(struct gas_scanner *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_texts; i++) {
		buf_release(&a->texts[i]->text);
		free(a->texts[i]);
	}
	free(a->texts);
	map_release(&a->by_hash);
	free(a);
}

void gas_scanner_add_text(struct gas_scanner *a, const char *s, size_t len,
			  enum gas_text_kind kind)
{
	uint64_t hash = map_hash(bytes_of(s, len)) + kind;
	struct map_entry *n;
	struct source_text *t;

	for (n = map_find(&a->by_hash, hash); n; n = map_next_match(n)) {
		t = (struct source_text *)n;
		if (t->kind == kind && t->text.len == len &&
		    !memcmp(buf_str(&t->text), s, len))
			return;
	}
	t = xcalloc(1, sizeof(*t));
	t->kind = kind;
	buf_add(&t->text, s, len);
	map_add(&a->by_hash, &t->entry, hash);
	a->texts = vec_reserve(a->texts, &a->cap_texts, a->n_texts,
			       sizeof(*a->texts));
	a->texts[a->n_texts++] = t;
}

/*
 * Execute one text, whose conditionals and syntax must not affect other texts.
 */
static void run_single_text(struct gas_state *run, const struct buf *text)
{
	bool alternate = run->dialect.alternate;
	struct statement_reader r = { 0 };
	struct buf scrubbed = { 0 };

	run->expanded_bytes = 0;
	gas_scrub_text(run->dialect.syntax, buf_str(text), text->len,
		       &scrubbed);
	r.in = (struct gas_span){ buf_str(&scrubbed),
				  buf_str(&scrubbed) + scrubbed.len };
	run_statements(run, &r);
	gas_cond_leave(run, 0);
	buf_release(&scrubbed);
	if (run->unordered && run->dialect.alternate != alternate)
		gas_symbol_set_undecided(run, ".altmacro in effect at the end");
	run->dialect.alternate = alternate;
}

/* Execute an asm template with each of the first 4 alternatives of {a|b}. */
static void run_template(struct gas_state *run, const struct buf *in)
{
	bool more = true;

	for (unsigned i = 0; more && i < 4; i++) {
		struct buf text = { 0 };
		const char *why;

		buf_add_str(&text, "\t");
		why = gas_operand_expand(run->dialect.syntax, buf_str(in),
					 in->len, i, &text, &more);
		if (why)
			gas_symbol_set_undecided(run, why);
		run_single_text(run, &text);
		buf_release(&text);
	}
}

/*
 * Execute text that the compiler puts into a statement, once in quotes and once
 * without quotes.
 */
static void run_raw(struct gas_state *run, const struct buf *in)
{
	if (!memchr(buf_str(in), '\n', in->len) &&
	    !memchr(buf_str(in), ';', in->len))
		return;
	for (int quoted = 0; quoted < 2; quoted++) {
		struct buf text = { 0 };

		buf_add_str(&text, quoted ? "\t.section \"" : "\t.section ");
		buf_add_bytes(&text, buf_bytes(in));
		buf_add_str(&text, quoted ? "\" \1" : " \1");
		run_single_text(run, &text);
		buf_release(&text);
	}
}

static void run_text_kind(struct gas_state *run, const struct source_text *t)
{
	const char *s = buf_str(&t->text);

	/* Control characters would be read as placeholders for unknown text. */
	if (memchr(s, '\0', t->text.len) ||
	    has_unknown_text((struct gas_span){ s, s + t->text.len })) {
		gas_symbol_set_undecided(run,
					 "control character in assembler text");
		return;
	}
	switch (t->kind) {
	case GAS_TEXT_SOURCE:
		if (str_starts(s, "#NO_APP"))
			gas_symbol_set_undecided(run, "#NO_APP");
		run_single_text(run, &t->text);
		break;
	case GAS_TEXT_TEMPLATE:
		run_template(run, &t->text);
		break;
	case GAS_TEXT_BASIC:
		run_single_text(run, &t->text);
		break;
	case GAS_TEXT_RAW:
		run_raw(run, &t->text);
		break;
	}
}

/* Return true if a compiler could emit `s` as an instruction. */
static bool is_mnemonic(const char *s)
{
	if (*s < 'a' || *s > 'z')
		return false;
	for (; *s; s++) {
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') &&
		    *s != '.')
			return false;
	}
	return true;
}

/* Call the macros whose names can be instructions that the compiler emits. */
static void run_compiler_mnemonics(struct gas_state *run)
{
	struct map_entry *node = NULL;
	struct buf text = { 0 };

	while ((node = map_next(&run->macros, node))) {
		const char *name = ((struct gas_macro_entry *)node)->name;

		if (!is_mnemonic(name))
			continue;
		buf_printf(&text, "\t%s\n", name);
		for (int n = 1; n < 5; n++) {
			buf_printf(&text, "\t%s \1", name);
			for (int i = 1; i < n; i++)
				buf_add_str(&text, ", \1");
			buf_add_str(&text, "\n");
		}
	}
	run_single_text(run, &text);
	buf_release(&text);
}

/* Callback: append a number, or GAS_UNKNOWN_DIGITS if it is unknown. */
static void append_value(void *ctx, struct gas_span *in, struct buf *out)
{
	int64_t number;

	if (gas_symbol_eval(ctx, in, &number))
		buf_printf(out, "%lld", (long long)number);
	else
		buf_add_str(out, "\2");
}

void gas_scanner_find_files(struct gas_scanner *a, struct gas_result *out)
{
	struct gas_state run = {
		.dialect = { .syntax = a->syntax,
			     .alternate = a->alternate,
			     .eval = append_value },
		.unordered = a->n_texts != 1 ||
			     a->texts[0]->kind != GAS_TEXT_SOURCE,
		.out = out,
	};
	bool compiled = a->n_texts && a->texts[0]->kind != GAS_TEXT_SOURCE;
	unsigned passes = 0;

	*out = (struct gas_result){ 0 };
	run.dialect.ctx = &run;
	if (!a->syntax)
		gas_symbol_set_undecided(&run, "unknown architecture");
	/* Execute unordered texts again until a pass changes no definition. */
	while (!out->undecided) {
		uint64_t before = run.n_changes;

		if (passes++ == PASSES_MAX)
			gas_symbol_set_undecided(
				&run, "too many passes over macro definitions");
		run.n_statements = 0;
		for (size_t i = 0; i < a->n_texts && !out->undecided; i++)
			run_text_kind(&run, a->texts[i]);
		if (compiled && !out->undecided)
			run_compiler_mnemonics(&run);
		if (!run.unordered || run.n_changes == before)
			break;
	}
	free(run.frames);
	gas_define_release_all(&run);
	gas_symbol_release_all(&run);
}

void gas_result_release(struct gas_result *out)
{
	strv_release(&out->incbins);
	strv_release(&out->includes);
	strv_release(&out->source_names);
	free(out->undecided);
	*out = (struct gas_result){ 0 };
}

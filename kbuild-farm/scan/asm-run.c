/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements, one after the other, as gas/read.c goes through them: labels,
 * assignments, directives, and what may be a macro.  Of instructions nothing
 * is looked at but their names.
 */
#include "scan/asm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NEST_MAX       100
#define STATEMENTS_MAX (UINT64_C(4) << 20)
#define BYTES_MAX      ((size_t)64 << 20)
/* Rounds of a repetition in which something changes. */
#define ROUNDS_MAX 65536

/* A macro that is being expanded. */
struct scan_asm_call {
	struct scan_asm_call *outer;
	const struct scan_asm_macro *macro;
	struct scan_asm_part operands;
};

/* A text that is being read. */
struct reading {
	struct scan_asm_part in;
	bool expansion;
	unsigned unsure; /* when it began */
	bool left; /* .exitm stood in it, perhaps */
	bool alternate; /* the syntax then */
	bool labelled; /* the statement at hand has a label */
};

static void run_statements(struct scan_asm_run *run, struct reading *r);

static bool has_unknown(struct scan_asm_part in)
{
	size_t len = (size_t)(in.end - in.p);

	return memchr(in.p, SCAN_ASM_OPERAND, len) ||
	       memchr(in.p, SCAN_ASM_DIGITS, len);
}

/* Read what an expansion became: it is scrubbed again. */
static void run_expansion(struct scan_asm_run *run, const struct buf *text)
{
	size_t conditions = run->n_frame;
	bool unsure = run->unsure;
	struct buf scrubbed = { 0 };
	struct reading r = { .expansion = true };

	run->bytes += text->len;
	if (run->nest >= NEST_MAX || run->bytes > BYTES_MAX) {
		scan_asm_open(run, "macros that expand to too much");
		return;
	}
	run->nest++;
	scan_asm_scrub(run->d.syntax, buf_str(text), text->len, &scrubbed);
	r.in = (struct scan_asm_part){ buf_str(&scrubbed),
				       buf_str(&scrubbed) + scrubbed.len };
	run_statements(run, &r);
	if (unsure && run->n_frame != conditions)
		scan_asm_open(run, ".if and .endif in different macros");
	buf_release(&scrubbed);
	run->nest--;
}

/* It may be the same call again, for ever, below an .if that is not known. */
static bool is_within_itself(const struct scan_asm_run *run,
			     const struct scan_asm_macro *m,
			     struct scan_asm_part in)
{
	size_t len = (size_t)(in.end - in.p);

	if (!run->unsure)
		return false;
	for (struct scan_asm_call *c = run->call; c; c = c->outer) {
		if (c->macro == m &&
		    (size_t)(c->operands.end - c->operands.p) == len &&
		    !memcmp(c->operands.p, in.p, len))
			return true;
	}
	return false;
}

/* Could an argument become a part of a directive where it does not belong? */
static bool may_shift(struct scan_asm_part in)
{
	const char *p = memchr(in.p, SCAN_ASM_OPERAND, (size_t)(in.end - in.p));

	for (; p && p < in.end; p++) {
		size_t left = (size_t)(in.end - p);

		if ((left > 2 && !strncasecmp(p, "inc", 3)) ||
		    (left > 2 && !strncasecmp(p, "bin", 3)) ||
		    (left > 3 && !strncasecmp(p, "lude", 4)))
			return true;
	}
	return false;
}

static void call(struct scan_asm_run *run, struct scan_asm_macro *m,
		 struct scan_asm_part in)
{
	size_t conditions = run->n_frame;
	struct scan_asm_call here = { run->call, m, in };
	struct buf text = { 0 };

	if (is_within_itself(run, m, in))
		return;
	/* An operand such as 8(%rax,%rbx) may be two. */
	if (may_shift(in))
		scan_asm_open(run, "arguments behind an operand");
	if (scan_asm_macro_expand(&run->d, m, in, &text)) {
		run->call = &here;
		run_expansion(run, &text);
		run->call = here.outer;
		scan_asm_leave(run, conditions);
	}
	buf_release(&text);
}

/* Call one or all macros of a name. */
static bool call_named(struct scan_asm_run *run, struct scan_asm_named *n,
		       struct scan_asm_part in)
{
	bool several = n->macro && n->macro->next;
	bool alternate = several && scan_asm_perhaps(run);
	struct scan_asm_macro *next;

	for (struct scan_asm_macro *m = n->macro; m; m = next) {
		/* It may be purged meanwhile, but only if it is alone. */
		next = several ? m->next : NULL;
		call(run, m, in);
	}
	if (several)
		scan_asm_surely(run, alternate);
	return n->macro;
}

/* A name with parts that are not known: all macros that it could be. */
static void call_matching(struct scan_asm_run *run, const char *name,
			  struct scan_asm_part in)
{
	struct map_node *node = NULL;
	struct strv names = { 0 };
	bool alternate;

	while ((node = map_next(&run->macros, node))) {
		struct scan_asm_named *n = (struct scan_asm_named *)node;

		if (scan_asm_may_be(name, n->name))
			strv_add(&names, n->name);
	}
	alternate = scan_asm_perhaps(run);
	for (size_t i = 0; i < names.n; i++)
		call_named(run, scan_asm_find(run, names.v[i]), in);
	scan_asm_surely(run, alternate);
	strv_release(&names);
}

static void call_macro(struct scan_asm_run *run, struct scan_asm_part name,
		       struct scan_asm_part in)
{
	struct buf low = { 0 };
	struct scan_asm_named *n;

	if (run->macros.n) {
		scan_asm_lower(&low, name);
		n = scan_asm_find(run, buf_str(&low));
		if (has_unknown(name))
			call_matching(run, buf_str(&low), in);
		else if (n)
			call_named(run, n, in);
	}
	buf_release(&low);
}

/* The rest of a repetition is in `r`; false: it has no end. */
static bool body_of(struct scan_asm_run *run, struct reading *r,
		    const char *from, struct scan_asm_part *body)
{
	if (scan_asm_body(run->d.syntax, from, &r->in, body)) {
		/* Where it is skipped, its own .endif would count. */
		if (run->unsure && !scan_asm_is_balanced(run->d.syntax, *body))
			scan_asm_open(run, ".if and .endif, one in a macro");
		return true;
	}
	scan_asm_open(run, !strcmp(from, "macro") ? ".macro without .endm" :
						    ".rept without .endr");
	return false;
}

static void repeat_for(struct scan_asm_run *run, struct reading *r,
		       struct scan_asm_part in, bool letters)
{
	struct scan_asm_part body, name;
	struct buf text = { 0 }, value = { 0 };
	char *formal = NULL;
	bool quoted = false, once;

	if (!body_of(run, r, "rept", &body))
		return;
	scan_asm_blanks(&in);
	name.p = in.p;
	scan_asm_name(run->d.syntax, &in);
	name.end = in.p;
	if (run->d.alternate && in.p < in.end && *in.p == '&')
		in.p++;
	formal = xstrndup(name.p, (size_t)(name.end - name.p));
	scan_asm_comma(&in);
	once = in.p == in.end;
	if (letters && in.p < in.end && *in.p == '"') {
		quoted = true;
		in.p++;
	}
	while ((once || in.p < in.end) && run->bytes + text.len <= BYTES_MAX) {
		buf_reset(&value);
		if (!letters || once) {
			scan_asm_argument(&run->d, &in, &value);
		} else {
			if (*in.p == '"') {
				struct scan_asm_part rest = in;

				quoted = !quoted;
				rest.p++;
				scan_asm_blanks(&rest);
				if (rest.p == rest.end)
					break;
			}
			buf_add(&value, in.p++, 1);
		}
		scan_asm_repeat(
			&run->d, formal,
			(struct scan_asm_part){ buf_str(&value),
						buf_str(&value) + value.len },
			body, &text);
		once = false;
		if (!letters)
			scan_asm_comma(&in);
		else if (!quoted)
			scan_asm_blanks(&in);
	}
	run_expansion(run, &text);
	buf_release(&value);
	buf_release(&text);
	free(formal);
}

/* As often as something changes by it. */
static void repeat(struct scan_asm_run *run, struct reading *r,
		   struct scan_asm_part in)
{
	struct scan_asm_part body;
	struct buf text = { 0 };
	int64_t count = 0;
	bool known = scan_asm_value(run, &in, &count), syntax;

	if (!body_of(run, r, "rept", &body))
		return;
	if (!known)
		count = ROUNDS_MAX;
	buf_add(&text, body.p, (size_t)(body.end - body.p));
	syntax = !known && scan_asm_perhaps(run);
	for (int64_t i = 0; i < count && !run->out->open; i++) {
		size_t conditions = run->n_frame;
		uint64_t changes = run->changes;
		bool alternate = run->d.alternate;

		if (i == ROUNDS_MAX)
			scan_asm_open(run, "a .rept that goes on");
		run_expansion(run, &text);
		if (changes == run->changes && conditions == run->n_frame &&
		    alternate == run->d.alternate)
			break;
	}
	if (!known)
		scan_asm_surely(run, syntax);
	buf_release(&text);
}

static void leave_macro(struct scan_asm_run *run, struct reading *r)
{
	if (!r->expansion)
		return;
	if (run->unsure > r->unsure) {
		/* Perhaps: what follows is read, perhaps. */
		if (!r->left)
			r->alternate = scan_asm_perhaps(run);
		r->left = true;
		return;
	}
	r->in.p = r->in.end;
}

static void assign(struct scan_asm_run *run, struct scan_asm_part in,
		   bool later)
{
	struct scan_asm_part name;

	scan_asm_blanks(&in);
	name.p = in.p;
	scan_asm_name(run->d.syntax, &in);
	name.end = in.p;
	scan_asm_blanks(&in);
	if (in.p == in.end || *in.p != ',')
		return;
	in.p++;
	scan_asm_assign(run, name, in, later);
}

/*
 * A directive that we do not know: a macro with a dot, or one that might
 * take a separator inside a string for the end.
 */
static void run_other_directive(struct scan_asm_run *run,
				struct scan_asm_part name,
				struct scan_asm_part in)
{
	const char *stop = memchr(in.p, ';', (size_t)(in.end - in.p));
	struct reading rest = { { stop, in.end }, .expansion = true };
	struct scan_asm_part until = { in.p, stop ? stop : in.end };
	bool alternate;

	call_macro(run, name, until);
	if (!stop)
		return;
	alternate = scan_asm_perhaps(run);
	rest.in.p++;
	run_statements(run, &rest);
	scan_asm_surely(run, alternate);
}

static void run_directive(struct scan_asm_run *run, struct reading *r,
			  struct scan_asm_part label, struct scan_asm_part name,
			  struct scan_asm_part in)
{
	struct scan_asm_part body;
	struct buf low = { 0 };
	enum scan_asm_directive is;

	scan_asm_lower(&low, (struct scan_asm_part){ name.p + 1, name.end });
	is = scan_asm_directive(buf_str(&low));
	if (is == SCAN_ASM_NONE && has_unknown(name) &&
	    scan_asm_may_be_directive(buf_str(&low)))
		scan_asm_open(run, "a directive whose name is made");
	if (is == SCAN_ASM_NONE) {
		bool unsure = run->unsure;

		if (!scan_asm_condition(run, buf_str(&low), in))
			run_other_directive(run, name, in);
		/* Where it is skipped, nobody sees it behind a label. */
		else if (r->labelled && unsure)
			scan_asm_open(run, ".if behind a label");
	}
	buf_release(&low);
	switch (is) {
	case SCAN_ASM_MACRO:
		if (body_of(run, r, "macro", &body))
			scan_asm_define(run, label, in, body);
		break;
	case SCAN_ASM_PURGEM:
		scan_asm_purge(run, in);
		break;
	case SCAN_ASM_EXITM:
		leave_macro(run, r);
		break;
	case SCAN_ASM_IRP:
	case SCAN_ASM_IRPC:
		repeat_for(run, r, in, is == SCAN_ASM_IRPC);
		break;
	case SCAN_ASM_REPT:
		repeat(run, r, in);
		break;
	case SCAN_ASM_ALTMACRO:
	case SCAN_ASM_NOALTMACRO:
		run->d.alternate = is == SCAN_ASM_ALTMACRO;
		break;
	case SCAN_ASM_SET:
	case SCAN_ASM_EQV:
		assign(run, in, is == SCAN_ASM_EQV);
		break;
	case SCAN_ASM_INCBIN:
		scan_asm_file(run, &run->out->incbin, in,
			      "the name in .incbin");
		break;
	case SCAN_ASM_INCLUDE:
		scan_asm_file(run, &run->out->include, in,
			      "the name in .include");
		break;
	case SCAN_ASM_FILE:
		scan_asm_origin(run, in);
		break;
	case SCAN_ASM_MRI:
		scan_asm_open(run, ".mri");
		break;
	case SCAN_ASM_STRINGS:
	case SCAN_ASM_NONE:
		break;
	}
}

/* Below an .if that does not hold only others of its kind are read. */
static void ignored(struct scan_asm_run *run, struct scan_asm_part in)
{
	struct scan_asm_part name = { in.p, in.p };
	struct buf low = { 0 };

	if (in.p < in.end && *in.p == '.') {
		scan_asm_name(run->d.syntax, &in);
		name.end = in.p;
		name.p++;
		scan_asm_lower(&low, name);
		scan_asm_condition(run, buf_str(&low), in);
	}
	buf_release(&low);
}

static void statement(struct scan_asm_run *run, struct reading *r,
		      struct scan_asm_part in)
{
	struct scan_asm_part label = { in.p, in.p }, name;
	bool later = false;

	r->labelled = false;
	for (;;) {
		scan_asm_start_blanks(&in);
		if (scan_asm_ignoring(run)) {
			ignored(run, in);
			return;
		}
		if (scan_asm_take_local_label(&in)) {
			r->labelled = true;
			continue;
		}
		if (in.p == in.end || !scan_asm_take_name(run, &in, &name))
			return;
		if (in.p == in.end || *in.p != ':')
			break;
		label = name;
		r->labelled = true;
		in.p++;
	}
	if (scan_asm_take_equals(&in, &later))
		scan_asm_assign(run, name, in, later);
	else if (name.p < name.end && *name.p == '.')
		run_directive(run, r, label, name, in);
	else
		call_macro(run, name, in);
}

static void run_statements(struct scan_asm_run *run, struct reading *r)
{
	r->unsure = run->unsure;
	while (r->in.p < r->in.end) {
		struct scan_asm_part line = r->in;

		line.end = scan_asm_statement_end(line.p, line.end);
		r->in.p = line.end + (line.end < r->in.end);
		if (++run->statements > STATEMENTS_MAX)
			scan_asm_open(run, "macros that expand to too much");
		if (run->out->open)
			break;
		statement(run, r, line);
	}
	if (r->left)
		scan_asm_surely(run, r->alternate);
}

void scan_asm_run(struct scan_asm_run *run, const char *s, size_t len)
{
	struct buf scrubbed = { 0 };
	struct reading r = { 0 };

	scan_asm_scrub(run->d.syntax, s, len, &scrubbed);
	r.in = (struct scan_asm_part){ buf_str(&scrubbed),
				       buf_str(&scrubbed) + scrubbed.len };
	run_statements(run, &r);
	scan_asm_leave(run, 0);
	buf_release(&scrubbed);
}

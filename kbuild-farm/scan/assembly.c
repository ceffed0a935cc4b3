/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/assembly.h"

#include "scan/asm-text.h"
#include "scan/escape.h"
#include "scan/lexer.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

enum state {
	OUTSIDE,
	ASM, /* behind the word: qualifiers, then a parenthesis */
	TEMPLATE, /* inside, where the text is */
	OPERANDS, /* inside, behind the first colon */
	ATTRIBUTE, /* behind the word */
	ATTRIBUTES, /* inside */
	BRACKETS, /* inside [[ ]] */
};

void scan_assembly_init(struct scan_assembly *a, unsigned mode)
{
	*a = (struct scan_assembly){ .mode = mode };
}

void scan_assembly_release(struct scan_assembly *a)
{
	buf_release(&a->text);
	free(a->part);
}

static void add_asm_part(struct scan_assembly *a, size_t from, uint8_t kind)
{
	a->part = vec_reserve(a->part, &a->cap_part, a->n_part,
			      sizeof(*a->part));
	a->part[a->n_part++] = (struct scan_assembly_text){ from,
							    a->text.len - from,
							    kind };
}

/* ---------------------------------------------------------------- strings */

/* Behind the backslash at p[-1]: add what it stands for. */
static const char *add_escape(struct buf *out, const char *p, const char *end)
{
	char c = *p;
	int64_t v = scan_escape(&p, end);

	/* Of \x12e gcc takes the lowest byte; other letters name no file. */
	if (v >= 0)
		c = (char)v;
	buf_add(out, &c, 1);
	return p;
}

/* What a literal stands for, without its quotes. */
static void add_literal(struct buf *out, const struct scan_name *s)
{
	const char *p = strchr(s->s, '"'), *end = s->s + s->len - 1;

	if (p > s->s && p[-1] == 'R') {
		const char *open = strchr(p, '('), *close = end;

		while (close > open && *close != ')')
			close--;
		buf_add(out, open + 1, (size_t)(close - open - 1));
		return;
	}
	for (p++; p < end;) {
		if (*p == '\\' && p + 1 < end)
			p = add_escape(out, p + 1, end);
		else
			buf_add(out, p++, 1);
	}
}

/* --------------------------------------------------------------------- C */

static bool is_one_of(const struct scan_name *s, const char *const *words)
{
	for (; *words; words++) {
		if (s->len == strlen(*words) && !memcmp(s->s, *words, s->len))
			return true;
	}
	return false;
}

static void start_statement(struct scan_assembly *a, enum state state)
{
	a->state = (uint8_t)state;
	a->depth = 1;
	a->operands = a->joins = false;
	a->from = a->text.len;
}

/* A word may start what the assembler sees. */
static void outside(struct scan_assembly *a, const struct scan_token *t,
		    const struct scan_name *s)
{
	static const char *const asms[] = { "asm", "__asm", "__asm__", NULL };
	static const char *const attributes[] = { "__attribute__",
						  "__attribute", "__declspec",
						  NULL };

	if (scan_is_punct(*t, '[') && scan_is_punct(a->before, '[')) {
		start_statement(a, BRACKETS);
		a->depth = 2;
	} else if (t->kind == SCAN_TOK_NAME && is_one_of(s, asms)) {
		a->state = ASM;
		/* int x asm("y"), if (x) asm("y"): who knows. */
		a->label = a->before.kind == SCAN_TOK_NAME ||
			   scan_is_punct(a->before, ')') ||
			   scan_is_punct(a->before, ']') ||
			   scan_is_punct(a->before, '*');
	} else if (t->kind == SCAN_TOK_NAME && is_one_of(s, attributes)) {
		a->state = ATTRIBUTE;
	}
}

static void end_of_asm(struct scan_assembly *a)
{
	if (a->text.len > a->from) {
		add_asm_part(a, a->from,
			     a->operands ? SCAN_ASM_TEMPLATE : SCAN_ASM_BASIC);
		if (a->label && !a->operands)
			add_asm_part(a, a->from, SCAN_ASM_RAW);
	}
	a->state = OUTSIDE;
}

/* Inside asm(...): its text is what stands before the first colon. */
static void inside_asm(struct scan_assembly *a, const struct scan_token *t,
		       const struct scan_name *s)
{
	a->depth += scan_is_punct(*t, '(');
	a->depth -= scan_is_punct(*t, ')');
	if (!a->depth) {
		end_of_asm(a);
	} else if (a->state == TEMPLATE && t->kind == SCAN_TOK_STRING) {
		add_literal(&a->text, s);
	} else if (a->depth == 1 && *s->s == ':') {
		a->operands = true;
		a->state = OPERANDS;
	}
}

/* Strings beside each other are one. */
static void add_raw(struct scan_assembly *a, const struct scan_name *s)
{
	size_t from = a->text.len;

	add_literal(&a->text, s);
	if (a->joins)
		a->part[a->n_part - 1].len += a->text.len - from;
	else
		add_asm_part(a, from, SCAN_ASM_RAW);
	a->joins = true;
}

static void inside_attribute(struct scan_assembly *a,
			     const struct scan_token *t,
			     const struct scan_name *s)
{
	bool brackets = a->state == BRACKETS;

	if (t->kind == SCAN_TOK_STRING) {
		add_raw(a, s);
		return;
	}
	a->joins = false;
	a->depth += scan_is_punct(*t, brackets ? '[' : '(');
	a->depth -= scan_is_punct(*t, brackets ? ']' : ')');
	if (!a->depth)
		a->state = OUTSIDE;
}

static void read_c(struct scan_assembly *a, const struct scan_token *t,
		   const struct scan_name *s)
{
	switch ((enum state)a->state) {
	case OUTSIDE:
		outside(a, t, s);
		break;
	case ASM:
	case ATTRIBUTE:
		if (scan_is_punct(*t, '('))
			start_statement(a, a->state == ASM ? TEMPLATE :
							     ATTRIBUTES);
		else if (t->kind != SCAN_TOK_NAME)
			a->state = OUTSIDE;
		break;
	case TEMPLATE:
	case OPERANDS:
		inside_asm(a, t, s);
		break;
	default:
		inside_attribute(a, t, s);
	}
	a->before = *t;
}

void scan_assembly_pragma(struct scan_assembly *a, const char *s, size_t len)
{
	size_t from = a->text.len;

	if (a->mode & SCAN_ASM || !memchr(s, '"', len))
		return;
	buf_add(&a->text, s, len);
	add_asm_part(a, from, SCAN_ASM_RAW);
}

/* --------------------------------------------------------------- assembler */

static void add_source_token(struct scan_assembly *a,
			     const struct scan_token *t,
			     const struct scan_name *s)
{
	bool words = scan_is_word(a->last) && scan_is_word((uint8_t)*s->s);

	if (!a->n_part)
		add_asm_part(a, 0, SCAN_ASM_SOURCE);
	if (t->flags & SCAN_TOK_FRESH)
		buf_add(&a->text, "\n", 1);
	else if ((t->flags & SCAN_TOK_WHITE) || words)
		buf_add(&a->text, " ", 1);
	buf_add(&a->text, s->s, s->len);
	if (s->len)
		a->last = (uint8_t)s->s[s->len - 1];
	a->part[0].len = a->text.len;
}

void scan_assembly_source(struct scan_assembly *a, struct bytes text)
{
	buf_add_bytes(&a->text, text);
	add_asm_part(a, 0, SCAN_ASM_SOURCE);
}

void scan_assembly_token(struct scan_assembly *a, const struct scan_token *t,
			 const struct scan_name *s)
{
	if (a->mode & SCAN_ASM)
		add_source_token(a, t, s);
	else
		read_c(a, t, s);
}

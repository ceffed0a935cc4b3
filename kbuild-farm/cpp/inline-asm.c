/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/inline-asm.h"

#include "cpp/token.h"
#include "gas/gas.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

enum asm_state {
	ASM_STATE_OUTSIDE,
	ASM_STATE_KEYWORD, /* after asm: qualifiers, then a parenthesis */
	ASM_STATE_TEMPLATE, /* in asm(), before the first colon */
	ASM_STATE_OPERANDS, /* in asm(), after the first colon */
	ASM_STATE_ATTRIBUTE, /* after __attribute__ or __declspec */
	ASM_STATE_IN_ATTRIBUTE, /* in the parentheses of an attribute */
	ASM_STATE_BRACKETS, /* in [[ ]] */
};

void cpp_inline_asm_init(struct cpp_inline_asm *a, unsigned mode)
{
	*a = (struct cpp_inline_asm){ .mode = mode };
}

void cpp_inline_asm_release(struct cpp_inline_asm *a)
{
	buf_release(&a->text);
	free(a->parts);
}

static void add_asm_part(struct cpp_inline_asm *a, size_t from, uint8_t kind)
{
	a->parts = vec_reserve(a->parts, &a->cap_parts, a->n_parts,
			       sizeof(*a->parts));
	a->parts[a->n_parts++] = (struct cpp_inline_asm_text){
		from, a->text.len - from, kind
	};
}

/* Append the value of a string literal. */
static void add_literal(struct buf *out, const struct cpp_name *s)
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
		char c = *p++;

		if (c == '\\' && p < end) {
			int64_t v;

			c = *p;
			v = cpp_escape(&p, end);
			/*
			 * gcc truncates \x12e to its lowest byte.  An undefined
			 * escape is copied without its backslash, which is
			 * harmless because file names have no such escapes.
			 */
			if (v >= 0)
				c = (char)v;
		}
		buf_add(out, &c, 1);
	}
}

static bool is_listed_name(const struct cpp_name *s, const char *const *words)
{
	for (; *words; words++) {
		if (s->len == strlen(*words) && !memcmp(s->s, *words, s->len))
			return true;
	}
	return false;
}

static void start_statement(struct cpp_inline_asm *a, enum asm_state state)
{
	a->state = (uint8_t)state;
	a->depth = 1;
	a->has_operands = a->joins_next = false;
	a->start = a->text.len;
}

/* Change the state if the token opens an asm statement or an attribute. */
static void read_outside(struct cpp_inline_asm *a, const struct cpp_token *t,
			 const struct cpp_name *s)
{
	static const char *const asms[] = { "asm", "__asm", "__asm__", NULL };
	static const char *const attributes[] = { "__attribute__",
						  "__attribute", "__declspec",
						  NULL };

	if (cpp_is_punct(*t, '[') && cpp_is_punct(a->last_token, '[')) {
		start_statement(a, ASM_STATE_BRACKETS);
		a->depth = 2;
	} else if (t->kind == CPP_TOK_NAME && is_listed_name(s, asms)) {
		a->state = ASM_STATE_KEYWORD;
		/*
		 * In "int x asm("y")" and "int f(void) asm("y")", asm names a
		 * symbol.  In "if (x) asm("y")", asm starts a statement.  The
		 * token before asm does not distinguish the two uses.
		 */
		a->may_be_label = a->last_token.kind == CPP_TOK_NAME ||
				  cpp_is_punct(a->last_token, ')') ||
				  cpp_is_punct(a->last_token, ']') ||
				  cpp_is_punct(a->last_token, '*');
	} else if (t->kind == CPP_TOK_NAME && is_listed_name(s, attributes)) {
		a->state = ASM_STATE_ATTRIBUTE;
	}
}

/*
 * Read a token in asm(...).  Only the strings before the first colon are added
 * to the text for the assembler.
 */
static void inside_asm(struct cpp_inline_asm *a, const struct cpp_token *t,
		       const struct cpp_name *s)
{
	a->depth += cpp_is_punct(*t, '(');
	a->depth -= cpp_is_punct(*t, ')');
	if (!a->depth) {
		a->state = ASM_STATE_OUTSIDE;
		if (a->text.len == a->start)
			return;
		add_asm_part(a, a->start,
			     a->has_operands ? GAS_TEXT_TEMPLATE :
					       GAS_TEXT_BASIC);
		if (a->may_be_label && !a->has_operands)
			add_asm_part(a, a->start, GAS_TEXT_RAW);
	} else if (a->state == ASM_STATE_TEMPLATE &&
		   t->kind == CPP_TOK_STRING) {
		add_literal(&a->text, s);
	} else if (a->depth == 1 && *s->s == ':') {
		a->has_operands = true;
		a->state = ASM_STATE_OPERANDS;
	}
}

static void inside_attribute(struct cpp_inline_asm *a,
			     const struct cpp_token *t,
			     const struct cpp_name *s)
{
	bool brackets = a->state == ASM_STATE_BRACKETS;

	if (t->kind == CPP_TOK_STRING) {
		size_t from = a->text.len;

		/* Adjacent strings form one text. */
		add_literal(&a->text, s);
		if (a->joins_next)
			a->parts[a->n_parts - 1].len += a->text.len - from;
		else
			add_asm_part(a, from, GAS_TEXT_RAW);
		a->joins_next = true;
		return;
	}
	a->joins_next = false;
	a->depth += cpp_is_punct(*t, brackets ? '[' : '(');
	a->depth -= cpp_is_punct(*t, brackets ? ']' : ')');
	if (!a->depth)
		a->state = ASM_STATE_OUTSIDE;
}

void cpp_inline_asm_add_pragma(struct cpp_inline_asm *a, const char *s,
			       size_t len)
{
	size_t from = a->text.len;

	if (a->mode & CPP_MODE_ASM || !memchr(s, '"', len))
		return;
	buf_add(&a->text, s, len);
	add_asm_part(a, from, GAS_TEXT_RAW);
}

static void add_source_token(struct cpp_inline_asm *a,
			     const struct cpp_token *t,
			     const struct cpp_name *s)
{
	bool words = cpp_is_word_char(a->last_byte) &&
		     cpp_is_word_char((uint8_t)*s->s);

	if (!a->n_parts)
		add_asm_part(a, 0, GAS_TEXT_SOURCE);
	if (t->flags & CPP_FLAG_LINE_START)
		buf_add(&a->text, "\n", 1);
	else if ((t->flags & CPP_FLAG_WHITE) || words)
		buf_add(&a->text, " ", 1);
	buf_add(&a->text, s->s, s->len);
	if (s->len)
		a->last_byte = (uint8_t)s->s[s->len - 1];
	a->parts[0].len = a->text.len;
}

void cpp_inline_asm_add_source(struct cpp_inline_asm *a, struct bytes text)
{
	buf_add_bytes(&a->text, text);
	add_asm_part(a, 0, GAS_TEXT_SOURCE);
}

void cpp_inline_asm_add_token(struct cpp_inline_asm *a,
			      const struct cpp_token *t,
			      const struct cpp_name *s)
{
	if (a->mode & CPP_MODE_ASM) {
		add_source_token(a, t, s);
		return;
	}
	switch ((enum asm_state)a->state) {
	case ASM_STATE_OUTSIDE:
		read_outside(a, t, s);
		break;
	case ASM_STATE_KEYWORD:
	case ASM_STATE_ATTRIBUTE:
		if (cpp_is_punct(*t, '('))
			start_statement(a, a->state == ASM_STATE_KEYWORD ?
						   ASM_STATE_TEMPLATE :
						   ASM_STATE_IN_ATTRIBUTE);
		else if (t->kind != CPP_TOK_NAME)
			a->state = ASM_STATE_OUTSIDE;
		break;
	case ASM_STATE_TEMPLATE:
	case ASM_STATE_OPERANDS:
		inside_asm(a, t, s);
		break;
	default:
		inside_attribute(a, t, s);
	}
	a->last_token = *t;
}

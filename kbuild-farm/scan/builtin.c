/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expand.h"

#include "base/buf.h"

#include <stdio.h>

static struct scan_token number(struct scan_cpp *cpp, long long value)
{
	struct scan_token t = { .kind = SCAN_TOK_NUMBER };
	char text[32];
	int len;

	len = snprintf(text, sizeof(text), "%lld", value);
	t.id = scan_name_id(cpp->names, text, (size_t)len);
	return t;
}

static struct scan_token fail(struct scan_cpp *cpp, enum reason why)
{
	scan_cpp_fail(cpp, why);
	return (struct scan_token){ .kind = SCAN_TOK_END };
}

/* What stands between < and >, as one name. */
static bool angled_name(struct scan_cpp *cpp, bool spelled, uint32_t *name)
{
	struct scan_token t;
	struct buf b = { 0 };
	bool closed = false;

	cpp->spaced = false;
	for (;;) {
		const struct scan_name *s;

		t = spelled ? scan_cpp_raw(cpp) : scan_cpp_next(cpp);
		closed = scan_is_punct(t, '>');
		if (closed || t.kind == SCAN_TOK_END || b.len > 4096)
			break;
		if (t.flags & SCAN_TOK_WHITE)
			buf_add(&b, " ", 1);
		s = scan_name(cpp->names, t.id);
		/* A> inside A>> and the like is no header that we know. */
		if (t.kind == SCAN_TOK_PUNCT && s->len > 1 && s->s[0] == '>')
			break;
		buf_add(&b, s->s, s->len);
	}
	/* clang keeps the blanks before a macro and before the >. */
	if (closed && !spelled && (cpp->mode & SCAN_CLANG))
		closed = !cpp->spaced && !(t.flags & SCAN_TOK_WHITE);
	if (closed)
		*name = scan_name_id(cpp->names, buf_str(&b), b.len);
	buf_release(&b);
	return closed && *name != WORD_NONE;
}

bool scan_cpp_header(struct scan_cpp *cpp, struct scan_token first,
		     bool spelled, uint32_t *name, bool *angled)
{
	const struct scan_name *s = scan_name(cpp->names, first.id);

	*angled = scan_is_punct(first, '<');
	if (*angled)
		return angled_name(cpp, spelled, name);
	if (first.kind != SCAN_TOK_STRING || s->s[0] != '"' || s->len < 3)
		return false;
	*name = scan_name_id(cpp->names, s->s + 1, s->len - 2);
	return true;
}

/* __has_include("x"), __has_include(<x>), or what a macro makes of it. */
static struct scan_token has_include(struct scan_cpp *cpp, bool next)
{
	struct scan_token t = scan_cpp_next(cpp);
	bool angled, spelled;
	uint32_t name = WORD_NONE;
	int has;

	if (!scan_is_punct(t, '('))
		return fail(cpp, REASON_HAS_INCLUDE_PARENTHESES);
	t = scan_cpp_next(cpp);
	spelled = cpp->n_context == 1;
	if (!scan_cpp_header(cpp, t, spelled, &name, &angled))
		return fail(cpp, REASON_HAS_INCLUDE_OPERAND);
	if (!scan_is_punct(scan_cpp_next(cpp), ')'))
		return fail(cpp, REASON_HAS_INCLUDE_PARENTHESES);
	cpp->unsteady = true;
	has = cpp->host.has_include(cpp->host.ctx, name, angled, next,
				    &cpp->why);
	return has < 0 ? fail(cpp, REASON_HAS_INCLUDE) : number(cpp, has);
}

/* __has_attribute(x) and its like: the compiler knows. */
static struct scan_token ask(struct scan_cpp *cpp, enum scan_word op)
{
	struct buf b = { 0 };
	struct scan_token t = scan_cpp_raw(cpp);
	long long value = 0;
	int ret;

	if (!scan_is_punct(t, '('))
		return fail(cpp, REASON_OPERATOR_PARENTHESES);
	while (!scan_is_punct(t = scan_cpp_raw(cpp), ')')) {
		const struct scan_name *s = scan_name(cpp->names, t.id);
		bool macro = t.kind == SCAN_TOK_NAME &&
			     scan_cpp_look(cpp, t.id);

		/* gcc expands it and clang does not. */
		if (t.kind == SCAN_TOK_END || macro || scan_is_punct(t, '(') ||
		    b.len + s->len > 200) {
			buf_release(&b);
			return fail(cpp, REASON_OPERATOR_OPERAND);
		}
		buf_add(&b, s->s, s->len);
	}
	/* The answer goes with the compiler, as the operator's name does. */
	ret = cpp->host.ask(cpp->host.ctx, op, buf_str(&b), &value, &cpp->why);
	buf_release(&b);
	return ret < 0 ? fail(cpp, REASON_COMPILER_QUESTION) :
			 number(cpp, value);
}

struct scan_token scan_builtin(struct scan_cpp *cpp, struct scan_token name)
{
	switch ((enum scan_word)name.id) {
	case WORD_LINE:
		cpp->unsteady = true;
		if (!cpp->line_known)
			return fail(cpp, REASON_LINE_MACRO);
		return number(cpp, cpp->line);
	case WORD_COUNTER:
		/* Text that we do not read, and other directives, count too. */
		return fail(cpp, REASON_COUNTER);
	case WORD_INCLUDE_LEVEL:
		cpp->unsteady = true;
		return number(cpp, cpp->level);
	case WORD_HAS_INCLUDE:
	case WORD_HAS_INCLUDE_NEXT:
		return has_include(cpp, name.id == WORD_HAS_INCLUDE_NEXT);
	case WORD_HAS_ATTRIBUTE ... WORD_BUILDING_MODULE:
		return ask(cpp, name.id);
	default:
		return fail(cpp, REASON_FILE_MACRO);
	}
}

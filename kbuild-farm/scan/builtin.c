/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expand.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static struct scan_token number_token(struct scan_cpp *cpp, long long value)
{
	struct scan_token t = { .kind = SCAN_TOK_NUMBER };
	char text[32];
	int len;

	len = snprintf(text, sizeof(text), "%lld", value);
	t.id = scan_name_id(cpp->names, text, (size_t)len);
	return t;
}

static struct scan_token builtin_fail(struct scan_cpp *cpp, enum reason why)
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
		return builtin_fail(cpp, REASON_HAS_INCLUDE_PARENTHESES);
	t = scan_cpp_next(cpp);
	spelled = cpp->run.n_context == 1;
	if (!scan_cpp_header(cpp, t, spelled, &name, &angled))
		return builtin_fail(cpp, REASON_HAS_INCLUDE_OPERAND);
	if (!scan_is_punct(scan_cpp_next(cpp), ')'))
		return builtin_fail(cpp, REASON_HAS_INCLUDE_PARENTHESES);
	cpp->unsteady = true;
	has = cpp->host.has_include(cpp->host.ctx, name, angled, next,
				    &cpp->run.why);
	return has < 0 ? builtin_fail(cpp, cpp->run.why) :
			 number_token(cpp, has);
}

/* __has_attribute(x) and its like: the compiler knows. */
static struct scan_token has_operator(struct scan_cpp *cpp, enum scan_word op)
{
	struct buf b = { 0 };
	struct scan_token t = scan_cpp_raw(cpp);
	long long value = 0;
	int ret;

	if (!scan_is_punct(t, '('))
		return builtin_fail(cpp, REASON_OPERATOR_PARENTHESES);
	while (!scan_is_punct(t = scan_cpp_raw(cpp), ')')) {
		const struct scan_name *s = scan_name(cpp->names, t.id);
		bool macro = t.kind == SCAN_TOK_NAME &&
			     scan_cpp_look(cpp, t.id);

		/* gcc expands it and clang does not. */
		if (t.kind == SCAN_TOK_END || macro || scan_is_punct(t, '(') ||
		    b.len + s->len > 200) {
			buf_release(&b);
			return builtin_fail(cpp, REASON_OPERATOR_OPERAND);
		}
		buf_add(&b, s->s, s->len);
	}
	/* The answer goes with the compiler, as the operator's name does. */
	ret = cpp->host.ask(cpp->host.ctx, op, buf_str(&b), &value,
			    &cpp->run.why);
	buf_release(&b);
	return ret < 0 ? builtin_fail(cpp, cpp->run.why) :
			 number_token(cpp, value);
}

/* __FILE__, __DATE__ and their like, of text. */
static struct scan_token string_token(struct scan_cpp *cpp, enum scan_word word)
{
	struct scan_token t = { .kind = SCAN_TOK_STRING };

	if (!cpp->run.text)
		return builtin_fail(cpp, REASON_FILE_MACRO);
	if (word == WORD_DATE || word == WORD_TIME || word == WORD_TIMESTAMP)
		cpp->dated = true;
	t.id = cpp->host.file(cpp->host.ctx, word);
	return t;
}

/* What is no part of a pragma: at a comment, behind it; else NULL. */
static const char *comment_end(const char *p, const char *end)
{
	const char *close;

	if (end - p < 2 || p[0] != '/')
		return NULL;
	if (p[1] == '/')
		return end;
	close = p[1] == '*' ? memmem(p + 2, (size_t)(end - p - 2), "*/", 2) :
			      NULL;
	return close ? close + 2 : NULL;
}

/* The text that a string literal of _Pragma stands for. */
static uint32_t destringized(struct scan_cpp *cpp, struct scan_token t)
{
	const struct scan_name *s = scan_name(cpp->names, t.id);
	const char *p = strchr(s->s, '"') + 1, *end = s->s + s->len - 1;
	const char *behind;
	struct buf b = { 0 };
	bool quotes = false;
	uint32_t id;

	for (; p < end; p++) {
		behind = quotes ? NULL : comment_end(p, end);
		if (behind) {
			buf_add(&b, " ", 1);
			p = behind - 1;
			continue;
		}
		if (*p == '\\' && (p[1] == '\\' || p[1] == '"'))
			p++;
		quotes ^= *p == '"';
		buf_add(&b, p, 1);
	}
	id = scan_name_id(cpp->names, buf_str(&b), b.len);
	buf_release(&b);
	return id;
}

/*
 * _Pragma("...") in text.  In an argument it waits for the macro's body, as
 * the name that it is: true.
 */
static bool pragma_operator(struct scan_cpp *cpp)
{
	struct scan_token t;

	if (!cpp->run.text) {
		builtin_fail(cpp, REASON_FILE_MACRO);
		return false;
	}
	if (cpp->run.depth)
		return true;
	if (!scan_is_punct(scan_cpp_next(cpp), '(') ||
	    (t = scan_cpp_next(cpp)).kind != SCAN_TOK_STRING ||
	    strstr(scan_name(cpp->names, t.id)->s, "R\"") ||
	    !scan_is_punct(scan_cpp_next(cpp), ')')) {
		builtin_fail(cpp, REASON_PRAGMA);
		return false;
	}
	t = (struct scan_token){ .kind = SCAN_TOK_PRAGMA,
				 .id = destringized(cpp, t) };
	if (!cpp->run.why)
		cpp->host.said(cpp->host.ctx, t);
	return false;
}

/* Text that is not read counts too. */
static struct scan_token counter(struct scan_cpp *cpp)
{
	cpp->unsteady = true;
	cpp->doubt |= !cpp->exact;
	return number_token(cpp, cpp->counter++);
}

static struct scan_token value_of(struct scan_cpp *cpp, enum scan_word word,
				  uint32_t line)
{
	switch (word) {
	case WORD_LINE:
		cpp->unsteady = true;
		if (!cpp->run.text && !cpp->line_known)
			return builtin_fail(cpp, REASON_LINE_MACRO);
		return number_token(cpp, line);
	case WORD_COUNTER:
		return counter(cpp);
	case WORD_INCLUDE_LEVEL:
		cpp->unsteady = true;
		return number_token(cpp, cpp->level);
	case WORD_HAS_INCLUDE:
	case WORD_HAS_INCLUDE_NEXT:
		if (cpp->run.text)
			return builtin_fail(cpp, REASON_HAS_INCLUDE_OUTSIDE);
		return has_include(cpp, word == WORD_HAS_INCLUDE_NEXT);
	case WORD_HAS_ATTRIBUTE ... WORD_BUILDING_MODULE:
		return has_operator(cpp, word);
	case WORD_FILE:
	case WORD_FILE_NAME:
	case WORD_BASE_FILE:
	case WORD_DATE:
	case WORD_TIME:
	case WORD_TIMESTAMP:
		return string_token(cpp, word);
	default:
		return builtin_fail(cpp, REASON_FILE_MACRO);
	}
}

bool scan_builtin(struct scan_cpp *cpp, struct scan_token *t, uint32_t line)
{
	uint8_t flags = t->flags & (SCAN_TOK_WHITE | SCAN_TOK_FRESH);

	if (t->id == WORD_PRAGMA) {
		uint8_t pad = cpp->run.pad;
		bool stays = pragma_operator(cpp);

		if (stays)
			return true;
		scan_pad(&pad, flags);
		cpp->run.pad = pad;
		cpp->run.fresh |= !!(flags & SCAN_TOK_FRESH);
		return false;
	}
	*t = value_of(cpp, t->id, line);
	/* What stands beside it in a directive sees none. */
	if (cpp->run.text)
		t->flags |= flags;
	return true;
}

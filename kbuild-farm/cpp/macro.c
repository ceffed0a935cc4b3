/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/macro.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* State of the parser of one definition. */
struct macro_parser {
	const struct cpp_token *next; /* in a list that ends in CPP_TOK_END */
	uint32_t *param;
	uint32_t n_params;
	bool funlike, variadic, malformed;
	bool in_va_opt; /* in the operand of __VA_OPT__ */
	unsigned mode;
};

static void add_param(struct macro_parser *r, uint32_t name)
{
	for (uint32_t i = 0; i < r->n_params; i++)
		r->malformed |= r->param[i] == name;
	*VEC_ADD(r->param, r->n_params) = name;
}

/* Read "(a, b...)". */
static void read_params(struct macro_parser *r)
{
	r->funlike = true;
	if (cpp_is_punct(*++r->next, ')')) {
		r->next++;
		return;
	}
	for (;; r->next++) {
		if (cpp_is_punct(*r->next, CPP_PUNCT_ELLIPSIS)) {
			add_param(r, WORD_VA_ARGS);
			r->variadic = true;
			r->next++;
		} else if (r->next->kind == CPP_TOK_NAME) {
			add_param(r, r->next->id);
			r->next++;
			r->variadic = cpp_is_punct(*r->next,
						   CPP_PUNCT_ELLIPSIS);
			r->next += r->variadic;
		} else {
			break;
		}
		if (cpp_is_punct(*r->next, ')')) {
			r->next++;
			return;
		}
		if (!cpp_is_punct(*r->next, ',') || r->variadic)
			break;
	}
	r->malformed = true;
}

static bool convert_param(const struct macro_parser *r, struct cpp_token *t)
{
	for (uint32_t i = 0; t->kind == CPP_TOK_NAME && i < r->n_params; i++) {
		if (r->param[i] == t->id) {
			t->kind = CPP_TOK_PARAM;
			t->id = i;
			return true;
		}
	}
	return false;
}

/*
 * Return the number of tokens in the parentheses after __VA_OPT__.  If there is
 * no such operand, set `malformed` and return 0.
 */
static uint32_t option_length(struct macro_parser *r, const struct cpp_token *v)
{
	const struct cpp_token *from = v + 1;
	unsigned depth = 0;

	if (!cpp_is_punct(*v, '(')) {
		r->malformed = true;
		return 0;
	}
	for (; v->kind != CPP_TOK_END; v++) {
		depth += cpp_is_punct(*v, '(');
		depth -= cpp_is_punct(*v, ')');
		if (!depth)
			return (uint32_t)(v - from);
	}
	r->malformed = true;
	return 0;
}

static uint32_t read_body(struct macro_parser *r, struct cpp_token *out,
			  const struct cpp_token *end);

/*
 * Read a token or a __VA_OPT__ group and write it to `out`.  Return the number
 * of tokens written.
 */
static uint32_t read_token(struct macro_parser *r, struct cpp_token *out)
{
	struct cpp_token t = *r->next++;
	uint8_t white = t.flags & CPP_FLAG_WHITE;
	bool hash = r->funlike && cpp_is_punct(t, '#');
	uint32_t n;

	if (hash && (r->next->kind == CPP_TOK_NAME)) {
		struct cpp_token what = *r->next;

		if (convert_param(r, &what) ||
		    (r->variadic && what.id == WORD_VA_OPT)) {
			t = *r->next++;
			t.flags = CPP_FLAG_STRINGIFY;
			hash = false;
		}
	}
	if (hash && !(r->mode & CPP_MODE_ASM))
		r->malformed = true;
	t.flags = (uint8_t)((t.flags & ~CPP_FLAG_WHITE) | white);
	if (r->variadic && t.kind == CPP_TOK_NAME && t.id == WORD_VA_OPT) {
		/* As in gcc and clang, __VA_OPT__ cannot be nested. */
		n = r->in_va_opt ? 0 : option_length(r, r->next);
		r->malformed |= r->in_va_opt;
		if (r->malformed)
			return 0;
		r->in_va_opt = true;
		*out = t;
		out->kind = CPP_TOK_VA_OPT;
		r->next++;
		out->id = read_body(r, out + 1, r->next + n);
		r->next++;
		r->in_va_opt = false;
		return out->id + 1;
	}
	convert_param(r, &t);
	*out = t;
	return 1;
}

static uint32_t read_body(struct macro_parser *r, struct cpp_token *out,
			  const struct cpp_token *end)
{
	uint32_t n = 0, last = 0;

	while (r->next < end && !r->malformed) {
		if (cpp_is_punct(*r->next, CPP_PUNCT_PASTE)) {
			r->next++;
			if (!n || r->next == end)
				r->malformed = true;
			else
				out[last].flags |= CPP_FLAG_PASTE;
			continue;
		}
		last = n;
		n += read_token(r, out + n);
	}
	if (n)
		out[0].flags &= (uint8_t)~CPP_FLAG_WHITE;
	return n;
}

static size_t macro_memory(const struct cpp_macro *m)
{
	return sizeof(*m) + (m->n_tokens + 1) * sizeof(m->body[0]);
}

const struct cpp_macro *cpp_macro_parsed(struct cpp_def *def,
					 struct cpp_names *names)
{
	struct cpp_macro *m = atomic_load(&def->macro), *none = NULL;
	struct macro_parser r;
	struct cpp_tokens *all;

	if (m)
		return m;
	r = (struct macro_parser){ .mode = def->text->mode };
	all = cpp_tokens_new(names, def->text->blob + def->offset, def->len,
			     r.mode);
	r.next = all->tokens;
	if (cpp_is_punct(*r.next, '(') && !(r.next->flags & CPP_FLAG_WHITE))
		read_params(&r);
	m = xcalloc(1, sizeof(*m) + (all->n_tokens + 1) * sizeof(m->body[0]));
	m->funlike = r.funlike;
	m->variadic = r.variadic;
	m->n_params = r.n_params;
	if (!r.malformed)
		m->n_tokens = read_body(&r, m->body,
					all->tokens + all->n_tokens);
	m->malformed = r.malformed;
	m = xrealloc(m, macro_memory(m));
	free(r.param);
	free(all);
	if (atomic_compare_exchange_strong(&def->macro, &none, m)) {
		cpp_names_charge(names, macro_memory(m));
		return m;
	}
	/* Another thread has stored its result first. */
	free(m);
	return none;
}

void cpp_macro_free(struct cpp_def *def, struct cpp_names *names)
{
	struct cpp_macro *m = atomic_load(&def->macro);

	if (!m)
		return;
	cpp_names_discharge(names, macro_memory(m));
	free(m);
}

void cpp_state_init(struct cpp_state *cpp, struct cpp_names *names,
		    const struct cpp_callbacks *host)
{
	*cpp = (struct cpp_state){ .names = names, .callbacks = *host };
}

void cpp_state_release(struct cpp_state *cpp)
{
	free(cpp->slots);
	free(cpp->lookups);
	cpp_expansion_release(&cpp->expansion);
}

void cpp_expansion_release(struct cpp_expansion *run)
{
	free(run->contexts);
	free(run->stack);
	arena_release(&run->arena);
	*run = (struct cpp_expansion){ 0 };
}

void cpp_macro_grow_slots(struct cpp_state *cpp, uint32_t name)
{
	uint32_t n = name + name / 2 + 1024;

	cpp->slots = xrealloc(cpp->slots, n * sizeof(*cpp->slots));
	memset(cpp->slots + cpp->n_slots, 0,
	       (n - cpp->n_slots) * sizeof(*cpp->slots));
	cpp->n_slots = n;
}

void cpp_state_reset(struct cpp_state *cpp, unsigned mode)
{
	cpp->mode = mode;
	cpp->include_level = 0;
	if (!++cpp->epoch) {
		memset(cpp->slots, 0, cpp->n_slots * sizeof(*cpp->slots));
		cpp->epoch = 1;
	}
}

void cpp_macro_define(struct cpp_state *cpp, struct cpp_def *def)
{
	cpp_macro_define_as(cpp, def->name, def);
}

void cpp_macro_undef(struct cpp_state *cpp, uint32_t name)
{
	if (name < cpp->n_slots)
		cpp->slots[name].def = NULL;
}

struct cpp_def *cpp_macro_find_tracked(struct cpp_state *cpp, uint32_t name)
{
	struct cpp_def *def = cpp_macro_find(cpp, name);
	struct cpp_macro_slot *s = cpp_macro_get_slot(cpp, name);

	if (s->lookup_id == cpp->lookup_id)
		return def;
	s->lookup_id = cpp->lookup_id;
	if (cpp->n_lookups == cpp->cap_lookups) {
		cpp->cap_lookups = cpp->cap_lookups ? cpp->cap_lookups * 2 : 64;
		cpp->lookups = xrealloc(
			cpp->lookups, cpp->cap_lookups * sizeof(*cpp->lookups));
	}
	cpp->lookups[cpp->n_lookups++] = (struct cpp_macro_lookup){ def, name };
	return def;
}

void cpp_state_fail(struct cpp_state *cpp, enum reason why)
{
	if (!cpp->expansion.reason)
		cpp->expansion.reason = why;
}

static struct cpp_token number_token(struct cpp_state *cpp, long long value)
{
	struct cpp_token t = { .kind = CPP_TOK_NUMBER };
	char text[32];
	int len;

	len = snprintf(text, sizeof(text), "%lld", value);
	t.id = cpp_names_intern(cpp->names, text, (size_t)len);
	return t;
}

static struct cpp_token fail_builtin(struct cpp_state *cpp, enum reason why)
{
	cpp_state_fail(cpp, why);
	return (struct cpp_token){ .kind = CPP_TOK_END };
}

bool cpp_expand_header_name(struct cpp_state *cpp, struct cpp_token first,
			    bool raw, uint32_t *name, bool *angled)
{
	const struct cpp_name *s = cpp_names_get(cpp->names, first.id);
	struct cpp_token t;
	struct buf b = { 0 };
	bool closed = false;

	*angled = cpp_is_punct(first, '<');
	if (!*angled) {
		if (first.kind != CPP_TOK_STRING || s->s[0] != '"' ||
		    s->len < 3)
			return false;
		*name = cpp_names_intern(cpp->names, s->s + 1, s->len - 2);
		return true;
	}
	cpp->blank_dropped = false;
	for (;;) {
		t = raw ? cpp_expand_next_raw(cpp) : cpp_expand_next(cpp);
		closed = cpp_is_punct(t, '>');
		if (closed || t.kind == CPP_TOK_END || b.len > 4096)
			break;
		if (t.flags & CPP_FLAG_WHITE)
			buf_add(&b, " ", 1);
		s = cpp_names_get(cpp->names, t.id);
		/* A name that ends with a token such as >> is not supported. */
		if (t.kind == CPP_TOK_PUNCT && s->len > 1 && s->s[0] == '>')
			break;
		buf_add(&b, s->s, s->len);
	}
	/*
	 * In clang, blanks before a macro and before the '>' are part of the
	 * header name.  Such names are not supported.
	 */
	if (closed && !raw && (cpp->mode & CPP_MODE_CLANG))
		closed = !cpp->blank_dropped && !(t.flags & CPP_FLAG_WHITE);
	if (closed)
		*name = cpp_names_intern(cpp->names, buf_str(&b), b.len);
	buf_release(&b);
	return closed && *name != WORD_NONE;
}

/* Evaluate __has_include.  Its operand can result from macro expansion. */
static struct cpp_token has_include(struct cpp_state *cpp, bool next)
{
	struct cpp_token t = cpp_expand_next(cpp);
	bool angled, spelled;
	uint32_t name = WORD_NONE;
	int has;

	if (!cpp_is_punct(t, '('))
		return fail_builtin(cpp, REASON_HAS_INCLUDE_PARENTHESES);
	t = cpp_expand_next(cpp);
	spelled = cpp->expansion.n_contexts == 1;
	if (!cpp_expand_header_name(cpp, t, spelled, &name, &angled))
		return fail_builtin(cpp, REASON_HAS_INCLUDE_OPERAND);
	if (!cpp_is_punct(cpp_expand_next(cpp), ')'))
		return fail_builtin(cpp, REASON_HAS_INCLUDE_PARENTHESES);
	cpp->not_memoizable = true;
	has = cpp->callbacks.has_include(cpp->callbacks.ctx, name, angled, next,
					 &cpp->expansion.reason);
	return has < 0 ? fail_builtin(cpp, cpp->expansion.reason) :
			 number_token(cpp, has);
}

/* Evaluate __has_attribute and similar operators by a query of the compiler. */
static struct cpp_token has_operator(struct cpp_state *cpp, enum cpp_word op)
{
	struct buf b = { 0 };
	struct cpp_token t = cpp_expand_next_raw(cpp);
	long long value = 0;
	int ret;

	if (!cpp_is_punct(t, '('))
		return fail_builtin(cpp, REASON_OPERATOR_PARENTHESES);
	while (!cpp_is_punct(t = cpp_expand_next_raw(cpp), ')')) {
		const struct cpp_name *s = cpp_names_get(cpp->names, t.id);
		bool macro = t.kind == CPP_TOK_NAME &&
			     cpp_macro_find_tracked(cpp, t.id);

		/*
		 * Macros in the operand are not supported, because gcc expands
		 * them and clang does not.
		 */
		if (t.kind == CPP_TOK_END || macro || cpp_is_punct(t, '(') ||
		    b.len + s->len > 200) {
			buf_release(&b);
			return fail_builtin(cpp, REASON_OPERATOR_OPERAND);
		}
		buf_add(&b, s->s, s->len);
	}
	/*
	 * The condition can be memoized: the value depends only on the
	 * compiler, and a memo stores the operator's definition, which belongs
	 * to one compiler.
	 */
	ret = cpp->callbacks.query_operator(cpp->callbacks.ctx, op, buf_str(&b),
					    &value, &cpp->expansion.reason);
	buf_release(&b);
	return ret < 0 ? fail_builtin(cpp, cpp->expansion.reason) :
			 number_token(cpp, value);
}

/* Return the end of the comment that starts at `p`, or NULL. */
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

/* Return the text that the string literal operand of _Pragma represents. */
static uint32_t destringize(struct cpp_state *cpp, struct cpp_token t)
{
	const struct cpp_name *s = cpp_names_get(cpp->names, t.id);
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
	id = cpp_names_intern(cpp->names, buf_str(&b), b.len);
	buf_release(&b);
	return id;
}

bool cpp_macro_run_pragma(struct cpp_state *cpp)
{
	struct cpp_token t;

	if (!cpp->expansion.reads_text) {
		fail_builtin(cpp, REASON_FILE_MACRO);
		return false;
	}
	if (cpp->expansion.depth)
		return true;
	if (!cpp_is_punct(cpp_expand_next(cpp), '(') ||
	    (t = cpp_expand_next(cpp)).kind != CPP_TOK_STRING ||
	    /* A raw string has an R before its opening quote. */
	    *strpbrk(cpp_names_get(cpp->names, t.id)->s, "R\"") == 'R' ||
	    !cpp_is_punct(cpp_expand_next(cpp), ')')) {
		fail_builtin(cpp, REASON_PRAGMA);
		return false;
	}
	t = (struct cpp_token){ .kind = CPP_TOK_PRAGMA,
				.id = destringize(cpp, t) };
	if (!cpp->expansion.reason)
		cpp->callbacks.on_directive(cpp->callbacks.ctx, t);
	return false;
}

struct cpp_token cpp_macro_builtin_value(struct cpp_state *cpp,
					 enum cpp_word word, uint32_t line)
{
	struct cpp_token t = { .kind = CPP_TOK_STRING };

	switch (word) {
	case WORD_LINE:
		cpp->not_memoizable = true;
		if (!cpp->expansion.reads_text && !cpp->line_known)
			return fail_builtin(cpp, REASON_LINE_MACRO);
		return number_token(cpp, line);
	case WORD_COUNTER:
		cpp->not_memoizable = true;
		/*
		 * The value is uncertain in a fast scan, because the skipped
		 * text can use __COUNTER__ too.
		 */
		cpp->counter_uncertain |= !cpp->full;
		return number_token(cpp, cpp->counter++);
	case WORD_INCLUDE_LEVEL:
		cpp->not_memoizable = true;
		return number_token(cpp, cpp->include_level);
	case WORD_HAS_INCLUDE:
	case WORD_HAS_INCLUDE_NEXT:
		if (cpp->expansion.reads_text)
			return fail_builtin(cpp, REASON_HAS_INCLUDE_OUTSIDE);
		return has_include(cpp, word == WORD_HAS_INCLUDE_NEXT);
	case WORD_HAS_ATTRIBUTE ... WORD_BUILDING_MODULE:
		return has_operator(cpp, word);
	case WORD_FILE:
	case WORD_FILE_NAME:
	case WORD_BASE_FILE:
	case WORD_DATE:
	case WORD_TIME:
	case WORD_TIMESTAMP:
		/* The values are strings, which only text may contain. */
		if (!cpp->expansion.reads_text)
			return fail_builtin(cpp, REASON_FILE_MACRO);
		if (word == WORD_DATE || word == WORD_TIME ||
		    word == WORD_TIMESTAMP)
			cpp->time_expanded = true;
		t.id = cpp->callbacks.file_macro(cpp->callbacks.ctx, word);
		return t;
	default:
		return fail_builtin(cpp, REASON_FILE_MACRO);
	}
}

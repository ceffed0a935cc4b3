/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/expand.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "cpp/arguments.h"

#include <stdio.h>
#include <string.h>

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
		/* A token such as >> ends the name too; not supported. */
		if (t.kind == CPP_TOK_PUNCT && s->len > 1 && s->s[0] == '>')
			break;
		buf_add(&b, s->s, s->len);
	}
	/*
	 * clang keeps blanks before a macro and before the '>' in the name,
	 * which is not supported.
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

/* Evaluate __has_attribute and its like by a query of the compiler. */
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
		 * Macros are not supported: gcc expands them in the operand,
		 * clang does not.
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

/* Return the text that the string literal operand of _Pragma stands for. */
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

/*
 * Execute _Pragma("...") in text.
 *
 * Return true if the operator must remain a name, because it is inside a macro
 * argument and is executed when the macro's body is read.
 */
static bool pragma_operator(struct cpp_state *cpp)
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
	    strstr(cpp_names_get(cpp->names, t.id)->s, "R\"") ||
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

static struct cpp_token builtin_value(struct cpp_state *cpp, enum cpp_word word,
				      uint32_t line)
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
		/* These macros are strings, which only text may contain. */
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

/*
 * Replace a built-in name that is used in line `line`.  Return false if the
 * name is _Pragma and was executed or failed, so that no token results.
 */
static bool expand_builtin(struct cpp_state *cpp, struct cpp_token *t,
			   uint32_t line)
{
	uint8_t flags = t->flags & (CPP_FLAG_WHITE | CPP_FLAG_LINE_START);

	if (t->id == WORD_PRAGMA) {
		uint8_t pad = cpp->expansion.padding;
		bool stays = pragma_operator(cpp);

		if (stays)
			return true;
		cpp_padding_start(&pad, flags);
		cpp->expansion.padding = pad;
		cpp->expansion.line_started |= !!(flags & CPP_FLAG_LINE_START);
		return false;
	}
	*t = builtin_value(cpp, t->id, line);
	/* In a directive, blanks around the value have no effect. */
	if (cpp->expansion.reads_text)
		t->flags |= flags;
	return true;
}

static const struct cpp_token end_token = { .kind = CPP_TOK_END };

void cpp_expand_push(struct cpp_state *cpp, const struct cpp_token *v, size_t n,
		     uint32_t name, bool barrier)
{
	if (cpp->expansion.n_contexts >= CPP_EXPAND_CONTEXTS_MAX) {
		cpp_state_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	cpp->expansion.contexts = vec_reserve(
		cpp->expansion.contexts, &cpp->expansion.cap_contexts,
		cpp->expansion.n_contexts, sizeof(*cpp->expansion.contexts));
	cpp->expansion.contexts[cpp->expansion.n_contexts] =
		(struct cpp_context){
			.p = v,
			.end = v + n,
			.name = name,
			.barrier = barrier,
			.line = cpp->expansion.n_contexts ?
					cpp_context_top(cpp)->line :
					0,
		};
	cpp->expansion.n_contexts++;
}

static void push_macro(struct cpp_state *cpp, const struct cpp_token *v,
		       size_t n, uint32_t name, uint32_t line)
{
	cpp_expand_push(cpp, v, n, name, false);
	if (!cpp->expansion.reason)
		cpp_context_top(cpp)->line = line;
}

/* Return the value of __LINE__ at the token that was just read. */
static uint32_t line_of(const struct cpp_state *cpp, struct cpp_token t)
{
	const struct cpp_context *c = cpp_context_top(cpp);

	switch ((enum cpp_line_source)c->line_source) {
	case CPP_LINE_SOURCE_TEXT:
		return cpp->line;
	case CPP_LINE_SOURCE_ARGUMENT:
		return cpp->expansion.reads_text ?
			       cpp->expansion.outer_line + t.line_offset :
			       cpp->line;
	default:
		return cpp->expansion.reads_text ? c->line : cpp->line;
	}
}

static void unget_token(struct cpp_state *cpp)
{
	if (!cpp->expansion.reason)
		cpp->expansion.contexts[cpp->expansion.n_contexts - 1].p--;
}

/* Return true if the body of macro `name` is being read. */
static bool is_disabled(const struct cpp_state *cpp, uint32_t name)
{
	for (size_t i = cpp->expansion.n_contexts; i; i--) {
		if (cpp->expansion.contexts[i - 1].name == name)
			return true;
	}
	return false;
}

/*
 * Replace *l by the token l ## r.  Return false if the spelling is not exactly
 * one token.
 */
static bool paste_tokens(struct cpp_state *cpp, struct cpp_token *l,
			 struct cpp_token r)
{
	const struct cpp_name *a = cpp_names_get(cpp->names, l->id);
	const struct cpp_name *b = cpp_names_get(cpp->names, r.id);
	struct cpp_cursor c = { .names = cpp->names, .mode = cpp->mode };
	struct buf s = { 0 };
	struct cpp_token t;
	bool ok;

	cpp->expansion.n_steps += (a->len + b->len) / 16;
	buf_add(&s, a->s, a->len);
	buf_add(&s, b->s, b->len);
	c.s = buf_str(&s);
	c.end = c.s + s.len;
	cpp_names_lock(cpp->names);
	t = cpp_token_next(&c);
	cpp_names_unlock(cpp->names);
	ok = t.kind != CPP_TOK_END && !(t.flags & CPP_FLAG_WHITE) &&
	     c.s == c.end;
	if (ok)
		*l = t;
	buf_release(&s);
	return ok;
}

/* Paste `l` with the tokens that ## joins to it and push the result. */
static void paste_chain(struct cpp_state *cpp, struct cpp_token l)
{
	struct cpp_context *c = cpp_context_top(cpp);
	struct cpp_token *v;
	struct cpp_token r;
	uint8_t white = l.flags & CPP_FLAG_WHITE;

	do {
		if (c->p == c->end)
			break;
		r = *c->p;
		if (!paste_tokens(cpp, &l, r)) {
			/*
			 * In assembler sources, tokens that cannot be joined
			 * stay apart.
			 */
			if (!(cpp->mode & CPP_MODE_ASM))
				cpp_state_fail(cpp, REASON_PASTE);
			break;
		}
		c->p++;
	} while (r.flags & CPP_FLAG_PASTE);
	l.flags = white;
	v = arena_alloc(&cpp->expansion.arena, sizeof(*v));
	*v = l;
	cpp_expand_push(cpp, v, 1, WORD_NONE, false);
}

/*
 * Replace a function-like macro that is used in line `line`.  Return false if
 * no argument list follows it.  __LINE__ in the body is the line of the name
 * for gcc, and the line of the closing parenthesis for clang.
 */
static bool enter_funlike(struct cpp_state *cpp, const struct cpp_macro *m,
			  uint32_t name, uint32_t line)
{
	struct cpp_argument *args;
	struct cpp_token open, close;
	const struct cpp_token *v;
	uint32_t n, last;
	uint8_t tail = CPP_PADDING_NONE;
	bool has_rows;

	/* True if each token of an argument has a line number of its own. */
	has_rows = cpp_context_top(cpp)->line_source != CPP_LINE_SOURCE_FIXED ||
		   ((cpp->mode & CPP_MODE_CLANG) && !cpp->expansion.depth);
	if (!cpp->expansion.depth)
		cpp->expansion.outer_line = line;
	cpp->expansion.prevent++;
	cpp->expansion.peeking = true;
	open = cpp_expand_next(cpp);
	cpp->expansion.peeking = false;
	if (!cpp_is_punct(open, '(') || cpp->expansion.reason) {
		if (!cpp_is_punct(open, '(') && open.kind != CPP_TOK_END)
			unget_token(cpp);
		cpp->expansion.prevent--;
		return false;
	}
	args = cpp_arguments_collect(cpp, m, &close);
	cpp->expansion.prevent--;
	if (!args)
		return true;
	last = line_of(cpp, close);
	for (uint32_t i = 0; i < m->n_params; i++) {
		args[i].has_rows = has_rows;
		args[i].line = line;
	}
	v = cpp_arguments_substitute(cpp, m, args, &n, &tail);
	if (cpp->expansion.reason)
		return true;
	push_macro(cpp, v, n, name, cpp->mode & CPP_MODE_CLANG ? last : line);
	if (!cpp->expansion.reason)
		cpp_context_top(cpp)->tail_padding = tail;
	return true;
}

static bool enter_macro(struct cpp_state *cpp, struct cpp_def *def,
			uint32_t line)
{
	const struct cpp_macro *m = cpp_macro_parsed(def, cpp->names);

	if (m->malformed) {
		cpp_state_fail(cpp, REASON_BAD_MACRO);
		return true;
	}
	if (m->funlike)
		return enter_funlike(cpp, m, def->name, line);
	push_macro(cpp, m->body, m->n_tokens, def->name, line);
	return true;
}

/*
 * Read the next token and pop token lists that are finished.  Return false if
 * the input ends, a directive follows while peeking, or the expansion failed.
 */
static bool take_token(struct cpp_state *cpp, struct cpp_token *t)
{
	for (;;) {
		struct cpp_context *c = cpp_context_top(cpp);
		const struct cpp_token *v = NULL;
		size_t n = 0;

		if (c->p != c->end) {
			*t = *c->p++;
			if (t->kind < CPP_TOK_LINE)
				return true;
			if (t->kind == CPP_TOK_LINE) {
				cpp->line = t->id + cpp->line_offset;
				continue;
			}
			/* A directive between lines of text. */
			if (cpp->expansion.peeking) {
				unget_token(cpp);
				return false;
			}
			cpp->callbacks.on_directive(cpp->callbacks.ctx, *t);
			if (cpp->expansion.reason)
				return false;
		} else if (c->line_source == CPP_LINE_SOURCE_TEXT) {
			/* Macro arguments end with the file. */
			if (cpp->expansion.peeking ||
			    !cpp->callbacks.next_text(cpp->callbacks.ctx,
						      cpp->expansion.prevent,
						      &v, &n))
				return false;
			cpp_context_top(cpp)->p = v;
			cpp_context_top(cpp)->end = v + n;
		} else if (c->barrier) {
			return false;
		} else {
			if (cpp->expansion.reads_text)
				cpp_padding_end(&cpp->expansion.padding,
						c->tail_padding);
			cpp->expansion.n_contexts--;
		}
	}
}

/* Flag the first token that a line produces. */
static void apply_line_start(struct cpp_state *cpp, struct cpp_token *t)
{
	if (!cpp->expansion.line_started || cpp->expansion.depth ||
	    cpp->expansion.prevent)
		return;
	t->flags |= CPP_FLAG_LINE_START;
	cpp->expansion.line_started = false;
}

/* Apply pending padding to a token of text. */
static struct cpp_token finish_token(struct cpp_state *cpp, struct cpp_token t)
{
	if (!cpp->expansion.reads_text)
		return t;
	cpp_padding_apply(&cpp->expansion.padding, &t);
	apply_line_start(cpp, &t);
	return t;
}

/*
 * Replace the macro name `t` and apply its padding to the expansion.  Return
 * false if the macro is function-like and no arguments follow.
 */
static bool enter_padded_macro(struct cpp_state *cpp, struct cpp_def *def,
			       struct cpp_token *t, uint32_t line)
{
	uint8_t pad = cpp->expansion.padding;

	if (!cpp->expansion.reads_text)
		return enter_macro(cpp, def, line);
	cpp->expansion.padding = CPP_PADDING_NONE;
	if (!enter_macro(cpp, def, line)) {
		cpp_padding_apply(&pad, t);
		return false;
	}
	cpp_padding_start(&pad, t->flags);
	cpp->expansion.padding = pad;
	cpp->expansion.line_started |= !cpp->expansion.depth &&
				       (t->flags & CPP_FLAG_LINE_START);
	return true;
}

struct cpp_token cpp_expand_next(struct cpp_state *cpp)
{
	struct cpp_token t;
	struct cpp_def *def;
	uint32_t line;

	for (;;) {
		cpp->expansion.n_steps++;
		if (cpp_expand_is_over_limit(&cpp->expansion))
			cpp_state_fail(cpp, REASON_ENDLESS_MACRO);
		if (cpp->expansion.reason || !take_token(cpp, &t))
			return end_token;
		if (t.flags & CPP_FLAG_PASTE) {
			paste_chain(cpp, t);
			continue;
		}
		if (t.kind != CPP_TOK_NAME || (t.flags & CPP_FLAG_NO_EXPAND))
			return finish_token(cpp, t);
		def = cpp->expansion.reads_text ?
			      cpp_macro_find(cpp, t.id) :
			      cpp_macro_find_tracked(cpp, t.id);
		if (!def)
			return finish_token(cpp, t);
		if (is_disabled(cpp, t.id)) {
			t.flags |= CPP_FLAG_NO_EXPAND;
			return finish_token(cpp, t);
		}
		if (cpp->expansion.prevent)
			return finish_token(cpp, t);
		line = line_of(cpp, t);
		if (!def->text) {
			if (expand_builtin(cpp, &t, line))
				return finish_token(cpp, t);
			continue;
		}
		cpp->blank_dropped |= (t.flags & CPP_FLAG_WHITE) != 0;
		if (enter_padded_macro(cpp, def, &t, line))
			continue;
		if (cpp->expansion.reason)
			return end_token;
		apply_line_start(cpp, &t);
		return t;
	}
}

struct cpp_token cpp_expand_next_raw(struct cpp_state *cpp)
{
	struct cpp_token t;

	cpp->expansion.prevent++;
	t = cpp_expand_next(cpp);
	cpp->expansion.prevent--;
	return t;
}

static void reset_run(struct cpp_expansion *run)
{
	run->n_contexts = 0;
	run->n_stack = 0;
	run->reason = REASON_NONE;
	run->n_steps = 0;
	run->depth = 0;
	run->prevent = 0;
	run->padding = CPP_PADDING_NONE;
	run->reads_text = run->peeking = run->line_started = false;
	arena_reset(&run->arena);
}

void cpp_expand_begin(struct cpp_state *cpp, const struct cpp_token *v,
		      size_t n)
{
	if (!++cpp->lookup_id) {
		for (uint32_t i = 0; i < cpp->n_slots; i++)
			cpp->slots[i].lookup_id = 0;
		cpp->lookup_id = 1;
	}
	cpp->n_lookups = 0;
	cpp->not_memoizable = false;
	reset_run(&cpp->expansion);
	cpp_expand_push(cpp, v, n, WORD_NONE, true);
}

void cpp_expand_begin_text(struct cpp_state *cpp)
{
	reset_run(&cpp->expansion);
	cpp->expansion.reads_text = true;
	cpp_expand_push(cpp, NULL, 0, WORD_NONE, true);
	cpp->expansion.contexts[0].line_source = CPP_LINE_SOURCE_TEXT;
}

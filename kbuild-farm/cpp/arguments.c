/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/arguments.h"

#include "base/buf.h"
#include "base/str.h"
#include "cpp/expand.h"

#include <string.h>

/* Append a token to the result stack and count it as an expansion step. */
static void stack_add(struct cpp_state *cpp, struct cpp_token t)
{
	struct cpp_expansion *run = &cpp->expansion;

	run->n_steps++;
	if (cpp_expand_is_over_limit(run)) {
		cpp_state_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	if (run->n_stack == run->cap_stack) {
		run->cap_stack = run->cap_stack ? run->cap_stack * 2 : 256;
		run->stack = xrealloc(run->stack,
				      run->cap_stack * sizeof(*run->stack));
	}
	run->stack[run->n_stack++] = t;
}

/*
 * Move the result tokens at index `from` and above to the arena.  Returns `*n`
 * tokens followed by CPP_TOK_END, which are valid until the next expansion
 * begins.
 */
static const struct cpp_token *stack_take(struct cpp_state *cpp, size_t from,
					  uint32_t *n)
{
	size_t count = cpp->expansion.n_stack - from;
	struct cpp_token *v;

	v = arena_alloc(&cpp->expansion.arena, (count + 1) * sizeof(*v));
	if (count)
		memcpy(v, cpp->expansion.stack + from, count * sizeof(*v));
	v[count] = (struct cpp_token){ .kind = CPP_TOK_END };
	cpp->expansion.n_stack = from;
	*n = (uint32_t)count;
	return v;
}

static void expand_argument(struct cpp_state *cpp, struct cpp_argument *a)
{
	size_t from = cpp->expansion.n_stack;
	struct cpp_token t;

	if (a->expanded)
		return;
	if (++cpp->expansion.depth > CPP_EXPAND_DEPTH_MAX)
		cpp_state_fail(cpp, REASON_ENDLESS_MACRO);
	cpp_expand_push(cpp, a->raw, a->n_raw, WORD_NONE, true);
	if (!cpp->expansion.reason) {
		cpp_context_top(cpp)->line_source =
			a->has_rows ? CPP_LINE_SOURCE_ARGUMENT :
				      CPP_LINE_SOURCE_FIXED;
		cpp_context_top(cpp)->line = a->line;
	}
	while ((t = cpp_expand_next(cpp)).kind != CPP_TOK_END)
		stack_add(cpp, t);
	if (!cpp->expansion.reason)
		cpp->expansion.n_contexts--;
	cpp->expansion.depth--;
	a->tail_padding = cpp->expansion.padding;
	cpp->expansion.padding = CPP_PADDING_NONE;
	a->expanded = stack_take(cpp, from, &a->n_expanded);
}

/*
 * Fail if `m` cannot have `argc` arguments.  Otherwise complete the arguments
 * that the call omits.
 */
static void check_argument_count(struct cpp_state *cpp,
				 const struct cpp_macro *m,
				 struct cpp_argument *args, uint32_t argc)
{
	static const struct cpp_token nothing[1] = { { 0 } };

	if (argc > m->n_params ||
	    (argc < m->n_params && !(m->variadic && argc + 1 == m->n_params))) {
		cpp_state_fail(cpp, REASON_ARGUMENT_COUNT);
		return;
	}
	for (uint32_t i = 0; i < m->n_params; i++) {
		if (!args[i].raw)
			args[i].raw = nothing;
	}
	/*
	 * If the variable argument is missing or, unless the mode is strict,
	 * the only argument is empty, ", ## args" drops the comma.
	 */
	if (m->variadic &&
	    (argc < m->n_params ||
	     (argc == 1 && !args[0].n_raw && !(cpp->mode & CPP_MODE_STRICT))))
		args[m->n_params - 1].omitted = true;
}

struct cpp_argument *cpp_arguments_collect(struct cpp_state *cpp,
					   const struct cpp_macro *m,
					   struct cpp_token *close)
{
	size_t from = cpp->expansion.n_stack, start = from;
	unsigned depth = 0;
	uint32_t argc = 0, total;
	struct cpp_argument *args;
	const struct cpp_token *v;

	args = arena_alloc(&cpp->expansion.arena,
			   (m->n_params + 1) * sizeof(*args));
	memset(args, 0, (m->n_params + 1) * sizeof(*args));
	for (;;) {
		struct cpp_token t = cpp_expand_next(cpp);
		bool last = !depth && cpp_is_punct(t, ')');

		if (t.kind == CPP_TOK_END) {
			cpp_state_fail(cpp, REASON_OPEN_ARGUMENTS);
			return NULL;
		}
		if (last || (!depth && cpp_is_punct(t, ',') &&
			     !(m->variadic && argc + 1 == m->n_params))) {
			if (argc < m->n_params)
				args[argc].n_raw =
					(uint32_t)(cpp->expansion.n_stack -
						   start);
			start = cpp->expansion.n_stack;
			argc++;
			if (last) {
				*close = t;
				break;
			}
			continue;
		}
		depth += cpp_is_punct(t, '(');
		depth -= cpp_is_punct(t, ')');
		/* A line break becomes a blank; line_offset keeps the line. */
		if (cpp_context_top(cpp)->line_source == CPP_LINE_SOURCE_TEXT) {
			uint32_t row = cpp->line - cpp->expansion.outer_line;

			t.line_offset = row < UINT8_MAX ? (uint8_t)row :
							  UINT8_MAX;
			if (t.flags & CPP_FLAG_LINE_START)
				t.flags = (t.flags & ~CPP_FLAG_LINE_START) |
					  CPP_FLAG_WHITE;
		}
		stack_add(cpp, t);
	}
	/* The tokens of all arguments lie one after the other. */
	v = stack_take(cpp, from, &total);
	if (!m->n_params && argc == 1 && !total)
		argc = 0;
	for (uint32_t i = 0; i < m->n_params && i < argc; i++) {
		args[i].raw = v;
		v += args[i].n_raw;
	}
	if (!cpp->expansion.reason)
		check_argument_count(cpp, m, args, argc);
	return cpp->expansion.reason ? NULL : args;
}

/*
 * The substitution of arguments into the body of one macro.  Its result tokens
 * are appended to the result stack of the expansion.
 */
struct substitution {
	struct cpp_state *cpp;
	const struct cpp_macro *m;
	struct cpp_argument *args;
	size_t from; /* index of the first result token */
	bool pasting; /* the previous token has ## after it */
	bool blank_pending; /* in directives: a blank precedes the next token */
	uint8_t padding; /* in text: enum cpp_padding before the next token */
};

static void add_escaped(struct buf *b, const struct cpp_name *name)
{
	for (uint32_t i = 0; i < name->len; i++) {
		if (name->s[i] == '"' || name->s[i] == '\\')
			buf_add(b, "\\", 1);
		buf_add(b, &name->s[i], 1);
	}
}

static struct cpp_token stringify(struct cpp_state *cpp,
				  const struct cpp_token *v, uint32_t n)
{
	struct cpp_token t = { .kind = CPP_TOK_STRING };
	struct buf b = { 0 };
	size_t slashes = 0;

	buf_add(&b, "\"", 1);
	for (uint32_t i = 0; i < n && b.len < CPP_EXPAND_STEPS_MAX; i++) {
		const struct cpp_name *name = cpp_names_get(cpp->names,
							    v[i].id);

		if (i && (v[i].flags & CPP_FLAG_WHITE))
			buf_add(&b, " ", 1);
		if (v[i].kind == CPP_TOK_STRING || v[i].kind == CPP_TOK_CHAR)
			add_escaped(&b, name);
		else
			buf_add(&b, name->s, name->len);
	}
	cpp->expansion.n_steps += (unsigned)b.len / 16;
	/* An unpaired backslash at the end would escape the closing quote. */
	while (slashes < b.len && b.data[b.len - 1 - slashes] == '\\')
		slashes++;
	if (slashes % 2)
		b.len--;
	buf_add(&b, "\"", 1);
	t.id = cpp_names_intern(cpp->names, buf_str(&b), b.len);
	buf_release(&b);
	return t;
}

static struct cpp_token *last_result_token(struct substitution *f)
{
	if (f->cpp->expansion.n_stack == f->from)
		return NULL;
	return &f->cpp->expansion.stack[f->cpp->expansion.n_stack - 1];
}

static void put_token(struct substitution *f, struct cpp_token t)
{
	if (f->blank_pending)
		t.flags |= CPP_FLAG_WHITE;
	f->blank_pending = false;
	cpp_padding_apply(&f->padding, &t);
	stack_add(f->cpp, t);
}

/*
 * Handle an empty operand after ##.  If another ## follows (`goes_on`), the
 * token before the operand is pasted with the next operand, else with nothing.
 */
static void paste_empty(struct substitution *f, bool goes_on)
{
	struct cpp_token *last = last_result_token(f);

	if (last && !goes_on)
		last->flags &= (uint8_t)~CPP_FLAG_PASTE;
}

/* Handle ", ## args".  Return false for any other operands of ##. */
static bool paste_comma(struct substitution *f, struct cpp_token param)
{
	struct cpp_token *last = last_result_token(f);

	if (!last || last->kind != CPP_TOK_PUNCT || last->punct != ',' ||
	    !f->m->variadic || param.id != f->m->n_params - 1)
		return false;
	if (f->args[param.id].omitted)
		f->cpp->expansion.n_stack--;
	else
		last->flags &= (uint8_t)~CPP_FLAG_PASTE;
	return true;
}

static void fill_param(struct substitution *f, struct cpp_token t, bool first)
{
	struct cpp_argument *a = &f->args[t.id];
	bool raw = f->pasting || (t.flags & CPP_FLAG_PASTE);
	bool text = f->cpp->expansion.reads_text;
	const struct cpp_token *v;
	uint32_t n;

	if (!raw)
		expand_argument(f->cpp, a);
	v = raw ? a->raw : a->expanded;
	n = raw ? a->n_raw : a->n_expanded;
	if (f->pasting && !paste_comma(f, t) && !n)
		paste_empty(f, t.flags & CPP_FLAG_PASTE);
	if (text && !first && !f->pasting)
		cpp_padding_start(&f->padding, t.flags);
	for (uint32_t i = 0; i < n; i++) {
		struct cpp_token copy = v[i];

		copy.flags &= (uint8_t)~CPP_FLAG_PASTE;
		if (!text && !i && !first && !f->pasting)
			copy.flags = (uint8_t)((copy.flags & ~CPP_FLAG_WHITE) |
					       (t.flags & CPP_FLAG_WHITE));
		if (i + 1 == n)
			copy.flags |= t.flags & CPP_FLAG_PASTE;
		put_token(f, copy);
	}
	if (text && !(t.flags & CPP_FLAG_PASTE))
		cpp_padding_end(&f->padding,
				raw ? CPP_PADDING_NONE : a->tail_padding);
	else if (!n && !first && !f->pasting && (t.flags & CPP_FLAG_WHITE))
		f->blank_pending = true;
}

static void fill_body(struct substitution *f, const struct cpp_token *v,
		      uint32_t n);

/* Substitute __VA_OPT__(...), whose operand is the t.id tokens at `v`. */
static void fill_option(struct substitution *f, struct cpp_token t,
			const struct cpp_token *v, bool first)
{
	bool pads = f->cpp->expansion.reads_text &&
		    !(t.flags & CPP_FLAG_STRINGIFY);
	struct cpp_argument *a = &f->args[f->m->n_params - 1];
	size_t before = f->cpp->expansion.n_stack;
	bool pasting = f->pasting;
	struct cpp_token *last;

	expand_argument(f->cpp, a);
	if (t.flags & CPP_FLAG_STRINGIFY)
		f->pasting = false;
	if (pads && !first && !pasting)
		cpp_padding_start(&f->padding, t.flags);
	if (a->n_expanded)
		fill_body(f, v, t.id);
	if (pads && !(t.flags & CPP_FLAG_PASTE))
		cpp_padding_end(&f->padding, CPP_PADDING_NONE);
	if (t.flags & CPP_FLAG_STRINGIFY) {
		size_t n = f->cpp->expansion.n_stack - before;
		struct cpp_token s;

		s = stringify(f->cpp,
			      n ? f->cpp->expansion.stack + before : NULL,
			      (uint32_t)n);
		f->cpp->expansion.n_stack = before;
		s.flags = t.flags & (CPP_FLAG_WHITE | CPP_FLAG_PASTE);
		put_token(f, s);
	} else if (f->cpp->expansion.n_stack == before) {
		if (pasting)
			paste_empty(f, t.flags & CPP_FLAG_PASTE);
	} else if ((last = last_result_token(f)) &&
		   (t.flags & CPP_FLAG_PASTE)) {
		last->flags |= CPP_FLAG_PASTE;
	}
}

static void fill_body(struct substitution *f, const struct cpp_token *v,
		      uint32_t n)
{
	for (uint32_t i = 0; i < n && !f->cpp->expansion.reason; i++) {
		struct cpp_token t = v[i];

		if (t.kind == CPP_TOK_VA_OPT) {
			fill_option(f, t, v + i + 1, !i);
			i += t.id;
		} else if (t.kind != CPP_TOK_PARAM) {
			put_token(f, t);
		} else if (t.flags & CPP_FLAG_STRINGIFY) {
			struct cpp_token s;

			s = stringify(f->cpp, f->args[t.id].raw,
				      f->args[t.id].n_raw);
			s.flags = t.flags & (CPP_FLAG_WHITE | CPP_FLAG_PASTE);
			put_token(f, s);
		} else {
			fill_param(f, t, !i);
		}
		f->pasting = t.flags & CPP_FLAG_PASTE;
	}
}

const struct cpp_token *cpp_arguments_substitute(struct cpp_state *cpp,
						 const struct cpp_macro *m,
						 struct cpp_argument *args,
						 uint32_t *n, uint8_t *tail)
{
	struct substitution f = { .cpp = cpp, .m = m, .args = args };
	size_t last;

	/*
	 * Expand arguments first because expansion uses the same stack.
	 * Operands of # and ## stay unexpanded.
	 */
	for (uint32_t i = 0; i < m->n_tokens; i++) {
		bool raw = i && (m->body[i - 1].flags & CPP_FLAG_PASTE);

		if (m->body[i].kind == CPP_TOK_VA_OPT)
			expand_argument(cpp, &args[m->n_params - 1]);
		if (m->body[i].kind == CPP_TOK_PARAM && !raw &&
		    !(m->body[i].flags & (CPP_FLAG_STRINGIFY | CPP_FLAG_PASTE)))
			expand_argument(cpp, &args[m->body[i].id]);
	}
	f.from = last = cpp->expansion.n_stack;
	fill_body(&f, m->body, m->n_tokens);
	*tail = f.padding;
	return stack_take(cpp, last, n);
}

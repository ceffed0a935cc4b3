/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expansion follows GNU cpp: token lists form a stack.  A macro does not expand
 * again while the token list of its body is on the stack.  During this time, a
 * use of the macro's name is flagged CPP_FLAG_NO_EXPAND and never expands.
 */
#include "cpp/macro.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"

#include <string.h>

/*
 * Limits of macro expansion: CPP_EXPAND_STEPS_MAX for one directive,
 * CPP_EXPAND_TEXT_STEPS_MAX for one macro call in text, CPP_EXPAND_CONTEXTS_MAX
 * for the stack of token lists, CPP_EXPAND_DEPTH_MAX for the nesting of macro
 * arguments.  A step is about one token.  arm64's KVM has macros that take
 * several million steps.
 */
#define CPP_EXPAND_STEPS_MAX      (1u << 21)
#define CPP_EXPAND_TEXT_STEPS_MAX (1u << 23)
#define CPP_EXPAND_CONTEXTS_MAX   4096
#define CPP_EXPAND_DEPTH_MAX      200

/*
 * Pending white space around macros, as in GNU cpp's CPP_PADDING: the blank
 * before a macro name or a parameter applies to the first token of its
 * expansion.
 */
enum cpp_padding {
	CPP_PADDING_NONE, /* the token's own flag decides */
	CPP_PADDING_WHITE, /* a blank precedes the next token */
	CPP_PADDING_BARE, /* no blank precedes the next token */
};

struct cpp_context {
	const struct cpp_token *p, *end;
	uint32_t name; /* macro whose body this is, or WORD_NONE */
	/*
	 * This list is a macro argument or the whole input: reading stops at
	 * `end` and does not continue with the next list of the stack.
	 */
	bool barrier;
	uint8_t line_source; /* enum cpp_line_source */
	uint8_t tail_padding; /* enum cpp_padding after the last token */
	/* value of __LINE__ if `line_source` is CPP_LINE_SOURCE_FIXED */
	uint32_t line;
};

enum cpp_line_source {
	CPP_LINE_SOURCE_FIXED, /* all tokens are in one line */
	CPP_LINE_SOURCE_TEXT, /* CPP_TOK_LINE tokens change the line */
	CPP_LINE_SOURCE_ARGUMENT, /* each token has a line offset */
};

/* Set the padding before the expansion of a token with the flags `flags`. */
static void padding_start(uint8_t *pad, uint8_t flags)
{
	if (*pad == CPP_PADDING_NONE)
		*pad = flags & CPP_FLAG_WHITE ? CPP_PADDING_WHITE :
						CPP_PADDING_BARE;
}

/* Set the padding after an expansion that ends with the padding `tail`. */
static void padding_end(uint8_t *pad, uint8_t tail)
{
	if (*pad == CPP_PADDING_NONE)
		*pad = tail;
	if (*pad == CPP_PADDING_BARE)
		*pad = CPP_PADDING_NONE;
}

static void padding_apply(uint8_t *pad, struct cpp_token *t)
{
	if (*pad == CPP_PADDING_WHITE)
		t->flags |= CPP_FLAG_WHITE;
	else if (*pad == CPP_PADDING_BARE)
		t->flags &= (uint8_t)~CPP_FLAG_WHITE;
	*pad = CPP_PADDING_NONE;
}

/* Return the innermost token list. */
static struct cpp_context *context_top(const struct cpp_state *cpp)
{
	return &cpp->expansion.contexts[cpp->expansion.n_contexts - 1];
}

static bool is_over_limit(const struct cpp_expansion *run)
{
	return run->n_steps > (run->reads_text ? CPP_EXPAND_TEXT_STEPS_MAX :
						 CPP_EXPAND_STEPS_MAX);
}

/*
 * An argument of a function-like macro.  It is collected unexpanded.  It is
 * expanded at most once, and only if the body uses the expansion.
 */
struct cpp_argument {
	const struct cpp_token *raw;
	uint32_t n_raw;
	const struct cpp_token *expanded; /* NULL: not expanded yet */
	uint32_t n_expanded;
	uint8_t tail_padding; /* enum cpp_padding after `expanded` */
	bool has_rows; /* tokens have line offsets; else all are on `line` */
	uint32_t line;
	/* only for the variable argument: ", ## args" drops the comma */
	bool omitted;
};

static const struct cpp_token end_token = { .kind = CPP_TOK_END };

/*
 * Push the `n` tokens `v`, which must stay valid until they are read.  `name`
 * is the macro whose body the tokens are, or WORD_NONE.  With `barrier`,
 * reading stops after the last token.
 */
static void push_tokens(struct cpp_state *cpp, const struct cpp_token *v,
			size_t n, uint32_t name, bool barrier)
{
	if (cpp->expansion.n_contexts >= CPP_EXPAND_CONTEXTS_MAX) {
		cpp_state_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	cpp->expansion.contexts = vec_reserve(
		cpp->expansion.contexts, &cpp->expansion.cap_contexts,
		cpp->expansion.n_contexts, sizeof(*cpp->expansion.contexts));
	cpp->expansion
		.contexts[cpp->expansion.n_contexts] = (struct cpp_context){
		.p = v,
		.end = v + n,
		.name = name,
		.barrier = barrier,
		.line = cpp->expansion.n_contexts ? context_top(cpp)->line : 0,
	};
	cpp->expansion.n_contexts++;
}

/* Append a token to the result stack and count it as an expansion step. */
static void stack_add(struct cpp_state *cpp, struct cpp_token t)
{
	struct cpp_expansion *run = &cpp->expansion;

	run->n_steps++;
	if (is_over_limit(run)) {
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
	push_tokens(cpp, a->raw, a->n_raw, WORD_NONE, true);
	if (!cpp->expansion.reason) {
		context_top(cpp)->line_source =
			a->has_rows ? CPP_LINE_SOURCE_ARGUMENT :
				      CPP_LINE_SOURCE_FIXED;
		context_top(cpp)->line = a->line;
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
 * Fail if `m` cannot have `argc` arguments.  Otherwise set each argument that
 * the call omits to an empty token list.
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
	 * ", ## args" drops the comma if the variable argument is missing.
	 * Unless the mode is strict, it also drops the comma if the variable
	 * argument is the only argument and is empty.
	 */
	if (m->variadic &&
	    (argc < m->n_params ||
	     (argc == 1 && !args[0].n_raw && !(cpp->mode & CPP_MODE_STRICT))))
		args[m->n_params - 1].omitted = true;
}

/*
 * Read the arguments of `m` up to the closing parenthesis, which is stored in
 * `close`.  Returns an array of m->n_params arguments in the arena, or NULL
 * after cpp_state_fail().
 */
static struct cpp_argument *collect_arguments(struct cpp_state *cpp,
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
		/*
		 * A line break becomes a blank, so each token stores its line
		 * in line_offset.
		 */
		if (context_top(cpp)->line_source == CPP_LINE_SOURCE_TEXT) {
			uint32_t row = cpp->line - cpp->expansion.outer_line;

			t.line_offset = row < UINT8_MAX ? (uint8_t)row :
							  UINT8_MAX;
			if (t.flags & CPP_FLAG_LINE_START)
				t.flags = (t.flags & ~CPP_FLAG_LINE_START) |
					  CPP_FLAG_WHITE;
		}
		stack_add(cpp, t);
	}
	/* The tokens of all arguments are adjacent. */
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
	padding_apply(&f->padding, &t);
	stack_add(f->cpp, t);
}

/*
 * Handle an empty operand after ##.  If another ## follows (`goes_on`), the
 * token before the empty operand is pasted with the operand after that ##.
 * Otherwise the token is not pasted.
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
		padding_start(&f->padding, t.flags);
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
		padding_end(&f->padding,
			    raw ? CPP_PADDING_NONE : a->tail_padding);
	else if (!n && !first && !f->pasting && (t.flags & CPP_FLAG_WHITE))
		f->blank_pending = true;
}

static void fill_body(struct substitution *f, const struct cpp_token *v,
		      uint32_t n);

/*
 * Substitute __VA_OPT__(...).  Its operand starts at `v`; t.id is the number of
 * tokens in the operand.
 */
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
		padding_start(&f->padding, t.flags);
	if (a->n_expanded)
		fill_body(f, v, t.id);
	if (pads && !(t.flags & CPP_FLAG_PASTE))
		padding_end(&f->padding, CPP_PADDING_NONE);
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

/*
 * Substitute `args` into the body of `m`, applying # and ##.  Returns `*n`
 * tokens in the arena.  `*tail` receives the enum cpp_padding that follows the
 * last token.
 */
static const struct cpp_token *substitute_arguments(struct cpp_state *cpp,
						    const struct cpp_macro *m,
						    struct cpp_argument *args,
						    uint32_t *n, uint8_t *tail)
{
	struct substitution f = { .cpp = cpp, .m = m, .args = args };
	size_t last;

	/*
	 * Expand all arguments before the substitution, because expansion and
	 * substitution use the same result stack.  Operands of # and ## stay
	 * unexpanded.
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

/*
 * Replace a built-in name that is used on line `line`.  Return false if the
 * name is _Pragma and no token remains, because the operator was executed or
 * failed.
 */
static bool expand_builtin(struct cpp_state *cpp, struct cpp_token *t,
			   uint32_t line)
{
	uint8_t flags = t->flags & (CPP_FLAG_WHITE | CPP_FLAG_LINE_START);

	if (t->id == WORD_PRAGMA) {
		uint8_t pad = cpp->expansion.padding;
		bool stays = cpp_macro_run_pragma(cpp);

		if (stays)
			return true;
		padding_start(&pad, flags);
		cpp->expansion.padding = pad;
		cpp->expansion.line_started |= !!(flags & CPP_FLAG_LINE_START);
		return false;
	}
	*t = cpp_macro_builtin_value(cpp, t->id, line);
	/* In a directive, blanks around the value have no effect. */
	if (cpp->expansion.reads_text)
		t->flags |= flags;
	return true;
}

static void push_macro_body(struct cpp_state *cpp, const struct cpp_token *v,
			    size_t n, uint32_t name, uint32_t line)
{
	push_tokens(cpp, v, n, name, false);
	if (!cpp->expansion.reason)
		context_top(cpp)->line = line;
}

/* Return the value of __LINE__ at the token that was just read. */
static uint32_t line_of(const struct cpp_state *cpp, struct cpp_token t)
{
	const struct cpp_context *c = context_top(cpp);

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
 * Replace *l by the token l ## r.  Return false if the joined spellings are not
 * exactly one token.
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
	struct cpp_context *c = context_top(cpp);
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
	push_tokens(cpp, v, 1, WORD_NONE, false);
}

/*
 * Replace a function-like macro that is used on line `line`.  Return false if
 * no argument list follows the name.  __LINE__ in the body is the line of the
 * name for gcc, and the line of the closing parenthesis for clang.
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
	has_rows = context_top(cpp)->line_source != CPP_LINE_SOURCE_FIXED ||
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
	args = collect_arguments(cpp, m, &close);
	cpp->expansion.prevent--;
	if (!args)
		return true;
	last = line_of(cpp, close);
	for (uint32_t i = 0; i < m->n_params; i++) {
		args[i].has_rows = has_rows;
		args[i].line = line;
	}
	v = substitute_arguments(cpp, m, args, &n, &tail);
	if (cpp->expansion.reason)
		return true;
	push_macro_body(cpp, v, n, name,
			cpp->mode & CPP_MODE_CLANG ? last : line);
	if (!cpp->expansion.reason)
		context_top(cpp)->tail_padding = tail;
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
	push_macro_body(cpp, m->body, m->n_tokens, def->name, line);
	return true;
}

/*
 * Read the next token and pop token lists that are finished.  Return false if
 * the input ends, a directive follows while peeking, or the expansion failed.
 */
static bool take_token(struct cpp_state *cpp, struct cpp_token *t)
{
	for (;;) {
		struct cpp_context *c = context_top(cpp);
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
			/* The token is a directive between lines of text. */
			if (cpp->expansion.peeking) {
				unget_token(cpp);
				return false;
			}
			cpp->callbacks.on_directive(cpp->callbacks.ctx, *t);
			if (cpp->expansion.reason)
				return false;
		} else if (c->line_source == CPP_LINE_SOURCE_TEXT) {
			/*
			 * next_text() executes directives, so it is not called
			 * while peeking.  While macro arguments are read, it
			 * stops at the end of the file.
			 */
			if (cpp->expansion.peeking ||
			    !cpp->callbacks.next_text(cpp->callbacks.ctx,
						      cpp->expansion.prevent,
						      &v, &n))
				return false;
			context_top(cpp)->p = v;
			context_top(cpp)->end = v + n;
		} else if (c->barrier) {
			return false;
		} else {
			if (cpp->expansion.reads_text)
				padding_end(&cpp->expansion.padding,
					    c->tail_padding);
			cpp->expansion.n_contexts--;
		}
	}
}

/* Set CPP_FLAG_LINE_START on the first output token of a line. */
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
	padding_apply(&cpp->expansion.padding, &t);
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
		padding_apply(&pad, t);
		return false;
	}
	padding_start(&pad, t->flags);
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
		if (is_over_limit(&cpp->expansion))
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
	push_tokens(cpp, v, n, WORD_NONE, true);
}

void cpp_expand_begin_text(struct cpp_state *cpp)
{
	reset_run(&cpp->expansion);
	cpp->expansion.reads_text = true;
	push_tokens(cpp, NULL, 0, WORD_NONE, true);
	cpp->expansion.contexts[0].line_source = CPP_LINE_SOURCE_TEXT;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expand.h"

#include "base/str.h"
#include "base/vec.h"

#include <string.h>

static const struct scan_token the_end = { .kind = SCAN_TOK_END };

static struct scan_context *top(const struct scan_cpp *cpp)
{
	return &cpp->run.context[cpp->run.n_context - 1];
}

void scan_push(struct scan_cpp *cpp, const struct scan_token *v, size_t n,
	       uint32_t name, bool barrier)
{
	if (cpp->run.n_context >= SCAN_CONTEXTS_MAX) {
		scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	cpp->run.context = vec_reserve(cpp->run.context, &cpp->run.cap_context,
				       cpp->run.n_context,
				       sizeof(*cpp->run.context));
	cpp->run.context[cpp->run.n_context] = (struct scan_context){
		.p = v,
		.end = v + n,
		.name = name,
		.barrier = barrier,
		.line = cpp->run.n_context ? top(cpp)->line : 0,
	};
	cpp->run.n_context++;
}

static void push_macro(struct scan_cpp *cpp, const struct scan_token *v,
		       size_t n, uint32_t name, uint32_t line)
{
	scan_push(cpp, v, n, name, false);
	if (!cpp->run.why)
		top(cpp)->line = line;
}

/* The line of a token that was just taken, as __LINE__ sees it. */
static uint32_t line_of(const struct scan_cpp *cpp, struct scan_token t)
{
	const struct scan_context *c = top(cpp);

	switch ((enum scan_from)c->from) {
	case SCAN_FROM_TEXT:
		return cpp->line;
	case SCAN_FROM_ARGUMENT:
		return cpp->run.text ? cpp->run.top + t.row : cpp->line;
	default:
		return cpp->run.text ? c->line : cpp->line;
	}
}

void scan_take_back(struct scan_cpp *cpp)
{
	if (!cpp->run.why)
		cpp->run.context[cpp->run.n_context - 1].p--;
}

void scan_stack_add(struct scan_cpp *cpp, struct scan_token t)
{
	cpp->run.steps++;
	if (scan_is_endless(&cpp->run)) {
		scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	if (cpp->run.n_stack == cpp->run.cap_stack) {
		cpp->run.cap_stack = cpp->run.cap_stack ?
					     cpp->run.cap_stack * 2 :
					     256;
		cpp->run.stack = xrealloc(cpp->run.stack,
					  cpp->run.cap_stack *
						  sizeof(*cpp->run.stack));
	}
	cpp->run.stack[cpp->run.n_stack++] = t;
}

const struct scan_token *scan_stack_take(struct scan_cpp *cpp, size_t from,
					 uint32_t *n)
{
	size_t count = cpp->run.n_stack - from;
	struct scan_token *v;

	v = arena_alloc(&cpp->run.arena, (count + 1) * sizeof(*v));
	if (count)
		memcpy(v, cpp->run.stack + from, count * sizeof(*v));
	v[count] = the_end;
	cpp->run.n_stack = from;
	*n = (uint32_t)count;
	return v;
}

/* Is the macro's own body being read? */
static bool is_disabled(const struct scan_cpp *cpp, uint32_t name)
{
	for (size_t i = cpp->run.n_context; i; i--) {
		if (cpp->run.context[i - 1].name == name)
			return true;
	}
	return false;
}

/* `l` has ## behind it: paste what follows, and put the result in front. */
static void paste_all(struct scan_cpp *cpp, struct scan_token l)
{
	struct scan_context *c = top(cpp);
	struct scan_token *v;
	struct scan_token r;
	uint8_t white = l.flags & SCAN_TOK_WHITE;

	do {
		if (c->p == c->end)
			break;
		r = *c->p;
		if (!scan_paste(cpp, &l, r)) {
			/* The assembler's text just stands side by side. */
			if (!(cpp->mode & SCAN_ASM))
				scan_cpp_fail(cpp, REASON_PASTE);
			break;
		}
		c->p++;
	} while (r.flags & SCAN_TOK_PASTE);
	l.flags = white;
	v = arena_alloc(&cpp->run.arena, sizeof(*v));
	*v = l;
	scan_push(cpp, v, 1, WORD_NONE, false);
}

void scan_argument_expand(struct scan_cpp *cpp, struct scan_argument *a)
{
	size_t from = cpp->run.n_stack;
	struct scan_token t;

	if (a->expanded)
		return;
	if (++cpp->run.depth > SCAN_DEPTH_MAX)
		scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
	scan_push(cpp, a->raw, a->n, WORD_NONE, true);
	if (!cpp->run.why) {
		top(cpp)->from = a->rows ? SCAN_FROM_ARGUMENT : SCAN_FROM_LINE;
		top(cpp)->line = a->line;
	}
	while ((t = scan_cpp_next(cpp)).kind != SCAN_TOK_END)
		scan_stack_add(cpp, t);
	if (!cpp->run.why)
		cpp->run.n_context--;
	cpp->run.depth--;
	a->tail = cpp->run.pad;
	cpp->run.pad = SCAN_PAD_NONE;
	a->expanded = scan_stack_take(cpp, from, &a->n_expanded);
}

/* A line's end is a blank here, and a row says in which line it was. */
static void add_argument(struct scan_cpp *cpp, struct scan_token t)
{
	uint32_t row = cpp->line - cpp->run.top;

	if (top(cpp)->from == SCAN_FROM_TEXT) {
		t.row = (uint8_t)(row < UINT8_MAX ? row : UINT8_MAX);
		if (t.flags & SCAN_TOK_FRESH)
			t.flags = (t.flags & ~SCAN_TOK_FRESH) | SCAN_TOK_WHITE;
	}
	scan_stack_add(cpp, t);
}

/*
 * Read the arguments up to the closing parenthesis, which is in `line`; the
 * tokens of all of them lie one behind the other.  Returns how many there
 * are.
 */
static uint32_t collect_arguments(struct scan_cpp *cpp,
				  const struct scan_macro *m,
				  struct scan_argument *args, uint32_t *line)
{
	size_t from = cpp->run.n_stack, start = from;
	unsigned depth = 0;
	uint32_t argc = 0, total;
	const struct scan_token *v;
	struct scan_token t;

	for (;;) {
		bool last;

		t = scan_cpp_next(cpp);
		if (t.kind == SCAN_TOK_END) {
			scan_cpp_fail(cpp, REASON_OPEN_ARGUMENTS);
			return 0;
		}
		last = !depth && scan_is_punct(t, ')');
		if (last || (!depth && scan_is_punct(t, ',') &&
			     !(m->variadic && argc + 1 == m->paramc))) {
			if (argc < m->paramc)
				args[argc].n = (uint32_t)(cpp->run.n_stack -
							  start);
			start = cpp->run.n_stack;
			argc++;
			if (last)
				break;
			continue;
		}
		depth += scan_is_punct(t, '(');
		depth -= scan_is_punct(t, ')');
		add_argument(cpp, t);
	}
	*line = line_of(cpp, t);
	v = scan_stack_take(cpp, from, &total);
	if (!m->paramc && argc == 1 && !total)
		argc = 0;
	for (uint32_t i = 0; i < m->paramc && i < argc; i++) {
		args[i].raw = v;
		v += args[i].n;
	}
	return argc;
}

/* Is the macro's name followed by a parenthesis?  Then that is taken. */
static bool is_invoked(struct scan_cpp *cpp)
{
	struct scan_token t;

	cpp->run.seeking = true;
	t = scan_cpp_next(cpp);
	cpp->run.seeking = false;
	if (scan_is_punct(t, '('))
		return true;
	if (t.kind != SCAN_TOK_END)
		scan_take_back(cpp);
	return false;
}

static void check_argument_count(struct scan_cpp *cpp,
				 const struct scan_macro *m,
				 struct scan_argument *args, uint32_t argc)
{
	static const struct scan_token nothing[1] = { { 0 } };

	if (argc > m->paramc ||
	    (argc < m->paramc && !(m->variadic && argc + 1 == m->paramc))) {
		scan_cpp_fail(cpp, REASON_ARGUMENT_COUNT);
		return;
	}
	for (uint32_t i = 0; i < m->paramc; i++) {
		if (!args[i].raw)
			args[i].raw = nothing;
	}
	/* What ", ## args" looks at. */
	if (m->variadic && (argc < m->paramc || (argc == 1 && !args[0].n &&
						 !(cpp->mode & SCAN_STRICT))))
		args[m->paramc - 1].omitted = true;
}

/*
 * Replace a function-like macro, whose name is in `line`; false: it is not
 * followed by arguments.  gcc's __LINE__ is that of the name, clang's that of
 * the closing parenthesis.
 */
static bool enter_funlike(struct scan_cpp *cpp, const struct scan_macro *m,
			  uint32_t name, uint32_t line)
{
	struct scan_argument *args;
	const struct scan_token *v;
	uint32_t argc, n, last = line;
	uint8_t tail = SCAN_PAD_NONE;
	bool invoked, spread;

	/* Do its arguments count as lines of the text? */
	spread = top(cpp)->from != SCAN_FROM_LINE ||
		 ((cpp->mode & SCAN_CLANG) && !cpp->run.depth);
	if (!cpp->run.depth)
		cpp->run.top = line;
	cpp->run.prevent++;
	invoked = is_invoked(cpp);
	if (!invoked || cpp->run.why) {
		cpp->run.prevent--;
		return false;
	}
	args = arena_alloc(&cpp->run.arena, (m->paramc + 1) * sizeof(*args));
	memset(args, 0, (m->paramc + 1) * sizeof(*args));
	argc = collect_arguments(cpp, m, args, &last);
	cpp->run.prevent--;
	if (!cpp->run.why)
		check_argument_count(cpp, m, args, argc);
	if (cpp->run.why)
		return true;
	for (uint32_t i = 0; i < m->paramc; i++) {
		args[i].rows = spread;
		args[i].line = line;
	}
	v = scan_substitute(cpp, m, args, &n, &tail);
	if (cpp->run.why)
		return true;
	push_macro(cpp, v, n, name, cpp->mode & SCAN_CLANG ? last : line);
	if (!cpp->run.why)
		top(cpp)->tail = tail;
	return true;
}

static bool enter_macro(struct scan_cpp *cpp, struct scan_def *def,
			uint32_t line)
{
	const struct scan_macro *m = scan_macro_of(def, cpp->names);

	if (m->bad) {
		scan_cpp_fail(cpp, REASON_BAD_MACRO);
		return true;
	}
	if (m->funlike)
		return enter_funlike(cpp, m, def->name, line);
	push_macro(cpp, m->body, m->n, def->name, line);
	return true;
}

/* Between the tokens of a text; false: nothing goes on with these. */
static bool pass(struct scan_cpp *cpp, struct scan_token t)
{
	if (t.kind == SCAN_TOK_LINE) {
		cpp->line = t.id + cpp->shift;
		return true;
	}
	if (cpp->run.seeking) {
		scan_take_back(cpp);
		return false;
	}
	cpp->host.said(cpp->host.ctx, t);
	return !cpp->run.why;
}

/* The text went on; `prevent`: a macro's arguments are being read. */
static bool refill(struct scan_cpp *cpp)
{
	const struct scan_token *v = NULL;
	size_t n = 0;

	if (cpp->run.seeking ||
	    !cpp->host.more(cpp->host.ctx, cpp->run.prevent, &v, &n))
		return false;
	top(cpp)->p = v;
	top(cpp)->end = v + n;
	return true;
}

/* The next token of the stack; lists that ended are taken off. */
static bool take_token(struct scan_cpp *cpp, struct scan_token *t)
{
	for (;;) {
		struct scan_context *c = top(cpp);

		if (c->p != c->end) {
			*t = *c->p++;
			if (t->kind < SCAN_TOK_LINE)
				return true;
			if (!pass(cpp, *t))
				return false;
		} else if (c->from == SCAN_FROM_TEXT) {
			if (!refill(cpp))
				return false;
		} else if (c->barrier) {
			return false;
		} else {
			if (cpp->run.text)
				scan_pad_end(&cpp->run.pad, c->tail);
			cpp->run.n_context--;
		}
	}
}

/* The first token that goes out of a line starts it. */
static void take_fresh(struct scan_cpp *cpp, struct scan_token *t)
{
	if (!cpp->run.fresh || cpp->run.depth || cpp->run.prevent)
		return;
	t->flags |= SCAN_TOK_FRESH;
	cpp->run.fresh = false;
}

/* A token of text as it goes out, with what was before it. */
static struct scan_token out(struct scan_cpp *cpp, struct scan_token t)
{
	if (!cpp->run.text)
		return t;
	scan_pad_take(&cpp->run.pad, &t);
	take_fresh(cpp, &t);
	return t;
}

/* Replace a macro's name; false: it is not followed by arguments. */
static bool enter(struct scan_cpp *cpp, struct scan_def *def,
		  struct scan_token *t, uint32_t line)
{
	uint8_t pad = cpp->run.pad;

	if (!cpp->run.text)
		return enter_macro(cpp, def, line);
	cpp->run.pad = SCAN_PAD_NONE;
	if (!enter_macro(cpp, def, line)) {
		scan_pad_take(&pad, t);
		return false;
	}
	scan_pad(&pad, t->flags);
	cpp->run.pad = pad;
	cpp->run.fresh |= !cpp->run.depth && (t->flags & SCAN_TOK_FRESH);
	return true;
}

/* The macro that a name stands for now, or NULL. */
static struct scan_def *macro_of(struct scan_cpp *cpp, uint32_t name)
{
	return cpp->run.text ? scan_cpp_def(cpp, name) :
			       scan_cpp_look(cpp, name);
}

struct scan_token scan_cpp_next(struct scan_cpp *cpp)
{
	struct scan_token t;
	struct scan_def *def;
	uint32_t line;

	for (;;) {
		cpp->run.steps++;
		if (scan_is_endless(&cpp->run))
			scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
		if (cpp->run.why || !take_token(cpp, &t))
			return the_end;
		if (t.flags & SCAN_TOK_PASTE) {
			paste_all(cpp, t);
			continue;
		}
		if (t.kind != SCAN_TOK_NAME || (t.flags & SCAN_TOK_NO_EXPAND))
			return out(cpp, t);
		def = macro_of(cpp, t.id);
		if (!def)
			return out(cpp, t);
		if (is_disabled(cpp, t.id)) {
			t.flags |= SCAN_TOK_NO_EXPAND;
			return out(cpp, t);
		}
		if (cpp->run.prevent)
			return out(cpp, t);
		line = line_of(cpp, t);
		if (!def->text) {
			if (scan_builtin(cpp, &t, line))
				return out(cpp, t);
			continue;
		}
		cpp->spaced |= (t.flags & SCAN_TOK_WHITE) != 0;
		if (enter(cpp, def, &t, line))
			continue;
		if (cpp->run.why)
			return the_end;
		take_fresh(cpp, &t);
		return t;
	}
}

struct scan_token scan_cpp_raw(struct scan_cpp *cpp)
{
	struct scan_token t;

	cpp->run.prevent++;
	t = scan_cpp_next(cpp);
	cpp->run.prevent--;
	return t;
}

static void reset_run(struct scan_run *run)
{
	run->n_context = 0;
	run->n_stack = 0;
	run->why = REASON_NONE;
	run->steps = 0;
	run->depth = 0;
	run->prevent = 0;
	run->pad = SCAN_PAD_NONE;
	run->text = run->seeking = run->fresh = false;
	arena_reset(&run->arena);
}

void scan_cpp_begin(struct scan_cpp *cpp, const struct scan_token *v, size_t n)
{
	if (!++cpp->looking) {
		for (uint32_t i = 0; i < cpp->n_slot; i++)
			cpp->slot[i].looked = 0;
		cpp->looking = 1;
	}
	cpp->n_look = 0;
	cpp->unsteady = false;
	reset_run(&cpp->run);
	scan_push(cpp, v, n, WORD_NONE, true);
}

void scan_cpp_begin_text(struct scan_cpp *cpp)
{
	reset_run(&cpp->run);
	cpp->run.text = true;
	scan_push(cpp, NULL, 0, WORD_NONE, true);
	cpp->run.context[0].from = SCAN_FROM_TEXT;
}

void scan_cpp_exchange(struct scan_cpp *cpp, struct scan_run *other)
{
	struct scan_run run = cpp->run;

	cpp->run = *other;
	*other = run;
}

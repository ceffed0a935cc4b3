/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/expand.h"

#include "base/str.h"
#include "base/vec.h"

#include <string.h>

static const struct scan_token the_end = { .kind = SCAN_TOK_END };

void scan_push(struct scan_cpp *cpp, const struct scan_token *v, size_t n,
	       uint32_t name, bool barrier)
{
	if (cpp->n_context >= SCAN_CONTEXTS_MAX) {
		scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	cpp->context = vec_reserve(cpp->context, &cpp->cap_context,
				   cpp->n_context, sizeof(*cpp->context));
	cpp->context[cpp->n_context++] = (struct scan_context){
		.p = v, .end = v + n, .name = name, .barrier = barrier
	};
}

/* Put the token back that was taken last. */
static void take_back(struct scan_cpp *cpp)
{
	if (!cpp->why)
		cpp->context[cpp->n_context - 1].p--;
}

void scan_stack_add(struct scan_cpp *cpp, struct scan_token t)
{
	if (++cpp->steps > SCAN_STEPS_MAX) {
		scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
		return;
	}
	if (cpp->n_stack == cpp->cap_stack) {
		cpp->cap_stack = cpp->cap_stack ? cpp->cap_stack * 2 : 256;
		cpp->stack = xrealloc(cpp->stack,
				      cpp->cap_stack * sizeof(*cpp->stack));
	}
	cpp->stack[cpp->n_stack++] = t;
}

const struct scan_token *scan_stack_take(struct scan_cpp *cpp, size_t from,
					 uint32_t *n)
{
	size_t count = cpp->n_stack - from;
	struct scan_token *v;

	v = scan_arena_alloc(&cpp->arena, (count + 1) * sizeof(*v));
	if (count)
		memcpy(v, cpp->stack + from, count * sizeof(*v));
	v[count] = the_end;
	cpp->n_stack = from;
	*n = (uint32_t)count;
	return v;
}

/* Is the macro's own body being read? */
static bool is_disabled(const struct scan_cpp *cpp, uint32_t name)
{
	for (size_t i = cpp->n_context; i; i--) {
		if (cpp->context[i - 1].name == name)
			return true;
	}
	return false;
}

/* `l` has ## behind it: paste what follows, and put the result in front. */
static void paste_all(struct scan_cpp *cpp, struct scan_token l)
{
	struct scan_context *c = &cpp->context[cpp->n_context - 1];
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
	v = scan_arena_alloc(&cpp->arena, sizeof(*v));
	*v = l;
	scan_push(cpp, v, 1, WORD_NONE, false);
}

void scan_argument_expand(struct scan_cpp *cpp, struct scan_argument *a)
{
	size_t from = cpp->n_stack;
	struct scan_token t;

	if (a->expanded)
		return;
	if (++cpp->depth > SCAN_DEPTH_MAX)
		scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
	scan_push(cpp, a->raw, a->n, WORD_NONE, true);
	while ((t = scan_cpp_next(cpp)).kind != SCAN_TOK_END)
		scan_stack_add(cpp, t);
	if (!cpp->why)
		cpp->n_context--;
	cpp->depth--;
	a->expanded = scan_stack_take(cpp, from, &a->n_expanded);
}

/*
 * Read the arguments up to the closing parenthesis; the tokens of all of
 * them lie one behind the other.  Returns how many there are.
 */
static uint32_t collect(struct scan_cpp *cpp, const struct scan_macro *m,
			struct scan_argument *args)
{
	size_t from = cpp->n_stack, start = from;
	unsigned depth = 0;
	uint32_t argc = 0, total;
	const struct scan_token *v;

	for (;;) {
		struct scan_token t = scan_cpp_next(cpp);
		bool last;

		if (t.kind == SCAN_TOK_END) {
			scan_cpp_fail(cpp, REASON_OPEN_ARGUMENTS);
			return 0;
		}
		last = !depth && scan_is_punct(t, ')');
		if (last || (!depth && scan_is_punct(t, ',') &&
			     !(m->variadic && argc + 1 == m->paramc))) {
			if (argc < m->paramc)
				args[argc].n = (uint32_t)(cpp->n_stack - start);
			start = cpp->n_stack;
			argc++;
			if (last)
				break;
			continue;
		}
		depth += scan_is_punct(t, '(');
		depth -= scan_is_punct(t, ')');
		scan_stack_add(cpp, t);
	}
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
	struct scan_token t = scan_cpp_next(cpp);

	if (scan_is_punct(t, '('))
		return true;
	if (t.kind != SCAN_TOK_END)
		take_back(cpp);
	return false;
}

static void check_arguments(struct scan_cpp *cpp, const struct scan_macro *m,
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

/* Replace a function-like macro; false: it is not followed by arguments. */
static bool enter_funlike(struct scan_cpp *cpp, const struct scan_macro *m,
			  uint32_t name)
{
	struct scan_argument *args;
	const struct scan_token *v;
	uint32_t argc, n;
	bool invoked;

	cpp->prevent++;
	invoked = is_invoked(cpp);
	if (!invoked || cpp->why) {
		cpp->prevent--;
		return false;
	}
	args = scan_arena_alloc(&cpp->arena, (m->paramc + 1) * sizeof(*args));
	memset(args, 0, (m->paramc + 1) * sizeof(*args));
	argc = collect(cpp, m, args);
	cpp->prevent--;
	if (!cpp->why)
		check_arguments(cpp, m, args, argc);
	if (cpp->why)
		return true;
	v = scan_substitute(cpp, m, args, &n);
	if (!cpp->why)
		scan_push(cpp, v, n, name, false);
	return true;
}

static bool enter(struct scan_cpp *cpp, struct scan_def *def)
{
	const struct scan_macro *m = scan_macro_of(def, cpp->names);

	if (m->bad) {
		scan_cpp_fail(cpp, REASON_BAD_MACRO);
		return true;
	}
	if (m->funlike)
		return enter_funlike(cpp, m, def->name);
	scan_push(cpp, m->body, m->n, def->name, false);
	return true;
}

/* The next token of the stack; lists that ended are taken off. */
static bool take(struct scan_cpp *cpp, struct scan_token *t)
{
	for (;;) {
		struct scan_context *c = &cpp->context[cpp->n_context - 1];

		if (c->p != c->end) {
			*t = *c->p++;
			return true;
		}
		if (c->barrier)
			return false;
		cpp->n_context--;
	}
}

struct scan_token scan_cpp_next(struct scan_cpp *cpp)
{
	struct scan_token t;
	struct scan_def *def;

	for (;;) {
		if (++cpp->steps > SCAN_STEPS_MAX)
			scan_cpp_fail(cpp, REASON_ENDLESS_MACRO);
		if (cpp->why || !take(cpp, &t))
			return the_end;
		if (t.flags & SCAN_TOK_PASTE) {
			paste_all(cpp, t);
			continue;
		}
		if (t.kind != SCAN_TOK_NAME || (t.flags & SCAN_TOK_NO_EXPAND))
			return t;
		def = scan_cpp_look(cpp, t.id);
		if (!def)
			return t;
		if (is_disabled(cpp, t.id)) {
			t.flags |= SCAN_TOK_NO_EXPAND;
			return t;
		}
		if (cpp->prevent)
			return t;
		if (!def->text)
			return scan_builtin(cpp, t);
		cpp->spaced |= (t.flags & SCAN_TOK_WHITE) != 0;
		if (!enter(cpp, def))
			return cpp->why ? the_end : t;
	}
}

struct scan_token scan_cpp_raw(struct scan_cpp *cpp)
{
	struct scan_token t;

	cpp->prevent++;
	t = scan_cpp_next(cpp);
	cpp->prevent--;
	return t;
}

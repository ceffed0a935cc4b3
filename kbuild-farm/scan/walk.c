/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/walk.h"

#include "scan/include.h"
#include "scan/input.h"
#include "scan/list.h"

#include <string.h>

/* Tell the preprocessor where it is, before it evaluates something. */
static void locate(struct scan_walk *walk, const struct scan_directive *d)
{
	struct scan_cpp *cpp = &walk->w->cpp;

	cpp->line = d->line + scan_walk_top(walk)->shift;
	cpp->line_known = !d->spliced &&
			  (walk->exact || !(walk->marks & SCAN_MARK_LINE));
	cpp->level = scan_walk_level(walk);
}

static uint32_t memo_epoch(const struct scan_walk *walk)
{
	return scan_tree_epoch(walk->place->tree) + walk->w->epoch;
}

/* gcc -std=c11 passes over #elifdef, which came with C23; clang does not. */
static bool is_unknown(struct scan_walk *walk, const struct scan_directive *d)
{
	unsigned mode = walk->line.mode & (SCAN_STRICT | SCAN_SEPARATORS);

	if ((d->op != SCAN_OP_ELIFDEF && d->op != SCAN_OP_ELIFNDEF) ||
	    mode != SCAN_STRICT)
		return false;
	scan_walk_fail(walk, REASON_ELIFDEF, NULL);
	return true;
}

/* Is a conditional's group taken?  False also when the walk failed. */
static bool is_taken(struct scan_walk *walk, struct scan_frame *f,
		     const struct scan_directive *d)
{
	struct scan_cpp *cpp = &walk->w->cpp;
	int ret;

	if (is_unknown(walk, d))
		return false;
	switch ((enum scan_op)d->op) {
	case SCAN_OP_IFDEF:
	case SCAN_OP_ELIFDEF:
	case SCAN_OP_IFNDEF:
	case SCAN_OP_ELIFNDEF:
		if (d->name == WORD_NONE) {
			scan_walk_fail(walk, REASON_CONDITION_NAME, NULL);
			return false;
		}
		return !scan_cpp_def(cpp, d->name) ==
		       (d->op == SCAN_OP_IFNDEF || d->op == SCAN_OP_ELIFNDEF);
	case SCAN_OP_IF:
	case SCAN_OP_ELIF:
		break;
	default:
		return true; /* #else */
	}
	if (d->form) {
		scan_walk_fail(walk, REASON_HAS_INCLUDE_OPERAND, NULL);
		return false;
	}
	locate(walk, d);
	ret = scan_expr_memoized(cpp, f->text, d->at, &f->node->memo[d->at],
				 memo_epoch(walk));
	if (ret < 0)
		scan_walk_fail(walk, cpp->run.why, NULL);
	return ret > 0;
}

/* Go on behind the first #if, #elif or #else that holds, or behind #endif. */
static void conditional(struct scan_walk *walk, struct scan_frame *f,
			uint32_t i)
{
	const struct scan_directive *d = &f->text->dir[i];

	while (d->op != SCAN_OP_ENDIF) {
		f->line = d->line;
		if (is_taken(walk, f, d) || walk->why)
			break;
		i = d->next;
		d = &f->text->dir[i];
	}
	f->pc = i + 1;
}

/* A group that was taken is over: to the #endif. */
static void leave_group(struct scan_walk *walk, struct scan_frame *f,
			uint32_t i)
{
	while (f->text->dir[i].op != SCAN_OP_ENDIF) {
		if (is_unknown(walk, &f->text->dir[i]))
			return;
		i = f->text->dir[i].next;
	}
	f->pc = i + 1;
}

/* The name that a computed #include or .incbin comes to. */
static bool computed(struct scan_walk *walk, struct scan_frame *f,
		     const struct scan_directive *d, uint32_t *name,
		     bool *angled)
{
	struct scan_cpp *cpp = &walk->w->cpp;
	const struct scan_tokens *t = scan_piece_tokens(cpp, f->text, d->at);

	locate(walk, d);
	scan_cpp_begin(cpp, t->v, t->n);
	if (scan_cpp_header(cpp, scan_cpp_next(cpp), false, name, angled) &&
	    !cpp->run.why)
		return true;
	scan_walk_fail(walk,
		       cpp->run.why ? cpp->run.why : REASON_INCLUDE_OPERAND,
		       NULL);
	return false;
}

static void follow_include(struct scan_walk *walk, struct scan_frame *f,
			   const struct scan_directive *d)
{
	uint32_t name = d->name;
	bool angled = d->form == '<';

	if (!d->form && !computed(walk, f, d, &name, &angled))
		return;
	scan_walk_include(walk, name, angled, d->op == SCAN_OP_INCLUDE_NEXT);
}

void scan_walk_once(struct scan_walk *walk, struct scan_frame *f)
{
	struct scan_lists *l = walk->l;

	/* In the unit's own file it means nothing. */
	if (!f->node || f->index == 0 || f->node->once == walk->w->unit)
		return;
	f->node->once = walk->w->unit;
	*SCAN_LIST_ADD(l, once) = f->node;
}

void scan_walk_push_macro(struct scan_walk *walk, uint32_t name)
{
	struct scan_lists *l = walk->l;

	*SCAN_LIST_ADD(l, pushed) = (struct scan_pushed){
		name, scan_cpp_def(&walk->w->cpp, name)
	};
}

void scan_walk_pop_macro(struct scan_walk *walk, uint32_t name)
{
	struct scan_lists *l = walk->l;
	struct scan_def *def;
	size_t i = l->n_pushed;

	while (i && l->pushed[i - 1].name != name)
		i--;
	if (!i)
		return;
	def = l->pushed[i - 1].def;
	memmove(l->pushed + i - 1, l->pushed + i,
		(l->n_pushed - i) * sizeof(*l->pushed));
	l->n_pushed--;
	if (def)
		scan_cpp_define(&walk->w->cpp, def);
	else
		scan_cpp_undef(&walk->w->cpp, name);
}

/* A pragma; where text is read it stands there, in its place. */
static void take_pragma(struct scan_walk *walk, struct scan_frame *f,
			const struct scan_directive *d)
{
	if (walk->exact)
		return;
	switch ((enum scan_op)d->op) {
	case SCAN_OP_ONCE:
		scan_walk_once(walk, f);
		break;
	case SCAN_OP_PUSH_MACRO:
		scan_walk_push_macro(walk, d->name);
		break;
	case SCAN_OP_POP_MACRO:
		scan_walk_pop_macro(walk, d->name);
		break;
	default:
		f->system |= f->index != 0;
	}
}

static void unsupported(struct scan_walk *walk, enum reason why)
{
	if (!walk->exact ||
	    (why != REASON_PRAGMA && why != REASON_PRAGMA_OPTIONS))
		scan_walk_fail(walk, why, NULL);
}

/* What is no definition and no conditional. */
static void run_directive_op(struct scan_walk *walk, struct scan_frame *f,
			     const struct scan_directive *d)
{
	switch ((enum scan_op)d->op) {
	case SCAN_OP_INCLUDE:
	case SCAN_OP_INCLUDE_NEXT:
		follow_include(walk, f, d);
		break;
	case SCAN_OP_IMPORT:
		scan_walk_fail(walk, REASON_IMPORT, NULL);
		break;
	case SCAN_OP_ONCE:
	case SCAN_OP_PUSH_MACRO:
	case SCAN_OP_POP_MACRO:
	case SCAN_OP_SYSTEM_HEADER:
		take_pragma(walk, f, d);
		break;
	case SCAN_OP_ORIGIN:
		scan_walk_origin(walk, d->name);
		break;
	case SCAN_OP_UNSUPPORTED:
		unsupported(walk, d->form);
		break;
	default:
		scan_walk_fail(walk, REASON_DIRECTIVE, NULL);
	}
}

/* Does text stand in front of the next directive, still to be read? */
static bool has_text(const struct scan_frame *f)
{
	const struct scan_full *full;

	if (f->given == f->pc + 1)
		return false;
	full = atomic_load_explicit(&f->text->full, memory_order_acquire);
	return full->from[f->pc] != full->from[f->pc + 1];
}

void scan_walk_step(struct scan_walk *walk, struct scan_frame *f)
{
	struct scan_cpp *cpp = &walk->w->cpp;
	size_t depth = walk->l->n_frame;
	const struct scan_text *t = f->text;
	bool exact = walk->exact;

	while (f->pc < t->n && !(exact && has_text(f))) {
		const struct scan_directive *d = &t->dir[f->pc++];

		walk->steps++;
		switch ((enum scan_op)d->op) {
		case SCAN_OP_DEFINE:
			scan_cpp_define_as(cpp, d->name, &t->def[d->at]);
			continue;
		case SCAN_OP_UNDEF:
			scan_cpp_undef(cpp, d->name);
			continue;
		case SCAN_OP_IFDEF:
		case SCAN_OP_IFNDEF:
		case SCAN_OP_IF:
			conditional(walk, f, (uint32_t)(d - t->dir));
			break;
		case SCAN_OP_ELIF:
		case SCAN_OP_ELIFDEF:
		case SCAN_OP_ELIFNDEF:
		case SCAN_OP_ELSE:
			leave_group(walk, f, (uint32_t)(d - t->dir));
			break;
		case SCAN_OP_ENDIF:
			continue;
		default:
			f->line = d->line;
			run_directive_op(walk, f, d);
		}
		if (walk->why || walk->l->n_frame != depth)
			return;
	}
}

void scan_walk_read(struct scan_walk *walk)
{
	struct scan_frame *f;

	while ((f = scan_walk_top(walk)) && !walk->why) {
		if (walk->steps > SCAN_WALK_STEPS_MAX)
			scan_walk_fail(walk, REASON_ENDLESS_INCLUDES, NULL);
		else if (f->pc < f->text->n)
			scan_walk_step(walk, f);
		else
			walk->l->n_frame--;
	}
}

void scan_walk_text(struct scan_walk *walk, struct scan_text *text)
{
	struct scan_cpp *cpp = &walk->w->cpp;

	for (uint32_t i = 0; i < text->n; i++) {
		const struct scan_directive *d = &text->dir[i];

		if (d->op == SCAN_OP_DEFINE)
			scan_cpp_define(cpp, &text->def[d->at]);
		else if (d->op == SCAN_OP_UNDEF && d->name != WORD_NONE)
			scan_cpp_undef(cpp, d->name);
		else if (d->op == SCAN_OP_UNSUPPORTED)
			scan_walk_fail(walk, d->form, NULL);
		else
			scan_walk_fail(walk, REASON_UNSUPPORTED_DEFINITION,
				       NULL);
	}
	if (text->slashes)
		scan_walk_fail(walk, REASON_LINE_COMMENT, NULL);
	scan_walk_mark(walk, text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/walk.h"

#include "cpp/extra-inputs.h"
#include "cpp/include.h"
#include "cpp/worker.h"

#include <string.h>

/* Set the position for __LINE__ and its like before an evaluation. */
static void set_macro_line(struct cpp_walk *walk, const struct cpp_directive *d)
{
	struct cpp_state *cpp = &walk->worker->state;

	cpp->line = d->line + cpp_walk_top(walk)->line_offset;
	cpp->line_known = !d->spliced &&
			  (walk->full || !(walk->marks & CPP_MARK_LINE));
	cpp->include_level = cpp_walk_level(walk);
}

/*
 * Fail and return true if the compilers disagree about a directive: gcc
 * -std=c11 ignores #elifdef, which is new in C23; clang does not.
 */
static bool is_unknown(struct cpp_walk *walk, const struct cpp_directive *d)
{
	unsigned mode = walk->cmdline.mode &
			(CPP_MODE_STRICT | CPP_MODE_DIGIT_SEPARATORS);

	if ((d->op != CPP_OP_ELIFDEF && d->op != CPP_OP_ELIFNDEF) ||
	    mode != CPP_MODE_STRICT)
		return false;
	cpp_walk_fail(walk, REASON_ELIFDEF, NULL);
	return true;
}

/* Return true if the group after `d` is read.  Returns false on failure too. */
static bool is_taken(struct cpp_walk *walk, struct cpp_frame *f,
		     const struct cpp_directive *d)
{
	struct cpp_state *cpp = &walk->worker->state;
	int ret;

	if (is_unknown(walk, d))
		return false;
	switch ((enum cpp_op)d->op) {
	case CPP_OP_IFDEF:
	case CPP_OP_ELIFDEF:
	case CPP_OP_IFNDEF:
	case CPP_OP_ELIFNDEF:
		if (d->name == WORD_NONE) {
			cpp_walk_fail(walk, REASON_CONDITION_NAME, NULL);
			return false;
		}
		return !cpp_macro_find(cpp, d->name) ==
		       (d->op == CPP_OP_IFNDEF || d->op == CPP_OP_ELIFNDEF);
	case CPP_OP_IF:
	case CPP_OP_ELIF:
		break;
	default:
		return true; /* #else */
	}
	if (d->form) {
		cpp_walk_fail(walk, REASON_HAS_INCLUDE_OPERAND, NULL);
		return false;
	}
	set_macro_line(walk, d);
	ret = cpp_expr_eval_memoized(
		cpp, f->text, d->index, &f->file->memos[d->index],
		cpp_stat_cache_epoch(walk->cwd_cache->stat_cache) +
			walk->worker->epoch);
	if (ret < 0)
		cpp_walk_fail(walk, cpp->expansion.reason, NULL);
	return ret > 0;
}

/* Continue in the first group whose condition is true, or after the #endif. */
static void enter_group(struct cpp_walk *walk, struct cpp_frame *f, uint32_t i)
{
	const struct cpp_directive *d = &f->text->directives[i];

	while (d->op != CPP_OP_ENDIF) {
		f->line = d->line;
		if (is_taken(walk, f, d) || walk->reason)
			break;
		i = d->next_group;
		d = &f->text->directives[i];
	}
	f->next_directive = i + 1;
}

/* At the end of a group that was read, continue after the #endif. */
static void leave_group(struct cpp_walk *walk, struct cpp_frame *f, uint32_t i)
{
	while (f->text->directives[i].op != CPP_OP_ENDIF) {
		if (is_unknown(walk, &f->text->directives[i]))
			return;
		i = f->text->directives[i].next_group;
	}
	f->next_directive = i + 1;
}

static void follow_include(struct cpp_walk *walk, struct cpp_frame *f,
			   const struct cpp_directive *d)
{
	struct cpp_state *cpp = &walk->worker->state;
	uint32_t name = d->name;
	bool angled = d->form == '<';

	/* A computed name. */
	if (!d->form) {
		const struct cpp_tokens *t = cpp_expr_piece_tokens(cpp, f->text,
								   d->index);

		set_macro_line(walk, d);
		cpp_expand_begin(cpp, t->tokens, t->n_tokens);
		if (!cpp_expand_header_name(cpp, cpp_expand_next(cpp), false,
					    &name, &angled) ||
		    cpp->expansion.reason) {
			cpp_walk_fail(walk,
				      cpp->expansion.reason ?
					      cpp->expansion.reason :
					      REASON_INCLUDE_OPERAND,
				      NULL);
			return;
		}
	}
	cpp_include_header(walk, name, angled, d->op == CPP_OP_INCLUDE_NEXT);
}

void cpp_walk_set_once(struct cpp_walk *walk, struct cpp_frame *f)
{
	struct cpp_lists *l = walk->lists;

	/* #pragma once has no effect in the source itself. */
	if (!f->file || f->file_index == 0 ||
	    f->file->once_unit == walk->worker->unit)
		return;
	f->file->once_unit = walk->worker->unit;
	*CPP_WALK_LISTS_ADD(l, once) = f->file;
}

void cpp_walk_push_macro(struct cpp_walk *walk, uint32_t name)
{
	struct cpp_lists *l = walk->lists;

	*CPP_WALK_LISTS_ADD(l, pushed) = (struct cpp_pushed_macro){
		name, cpp_macro_find(&walk->worker->state, name)
	};
}

void cpp_walk_pop_macro(struct cpp_walk *walk, uint32_t name)
{
	struct cpp_lists *l = walk->lists;
	struct cpp_def *def;
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
		cpp_macro_define(&walk->worker->state, def);
	else
		cpp_macro_undef(&walk->worker->state, name);
}

/*
 * Execute a directive that is neither a definition nor a conditional.  Full
 * preprocessing reads pragmas as part of the text.
 */
static void run_directive_op(struct cpp_walk *walk, struct cpp_frame *f,
			     const struct cpp_directive *d)
{
	switch ((enum cpp_op)d->op) {
	case CPP_OP_INCLUDE:
	case CPP_OP_INCLUDE_NEXT:
		follow_include(walk, f, d);
		break;
	case CPP_OP_IMPORT:
		cpp_walk_fail(walk, REASON_IMPORT, NULL);
		break;
	case CPP_OP_ONCE:
		if (!walk->full)
			cpp_walk_set_once(walk, f);
		break;
	case CPP_OP_PUSH_MACRO:
		if (!walk->full)
			cpp_walk_push_macro(walk, d->name);
		break;
	case CPP_OP_POP_MACRO:
		if (!walk->full)
			cpp_walk_pop_macro(walk, d->name);
		break;
	case CPP_OP_SYSTEM_HEADER:
		if (!walk->full)
			f->system |= f->file_index != 0;
		break;
	case CPP_OP_LINE:
		cpp_extra_inputs_add_line_file(walk, d->name);
		break;
	case CPP_OP_UNSUPPORTED:
		if (!walk->full || (d->form != REASON_PRAGMA &&
				    d->form != REASON_PRAGMA_OPTIONS))
			cpp_walk_fail(walk, d->form, NULL);
		break;
	default:
		cpp_walk_fail(walk, REASON_DIRECTIVE, NULL);
	}
}

/* Return true if text before the next directive has not been read. */
static bool has_text(const struct cpp_frame *f)
{
	const struct cpp_full_text *full;

	if (f->n_given == f->next_directive + 1)
		return false;
	full = atomic_load_explicit(&f->text->full, memory_order_acquire);
	return full->starts[f->next_directive] !=
	       full->starts[f->next_directive + 1];
}

void cpp_walk_directives(struct cpp_walk *walk, struct cpp_frame *f)
{
	struct cpp_state *cpp = &walk->worker->state;
	size_t depth = walk->lists->n_frame;
	const struct cpp_text *t = f->text;
	bool exact = walk->full;

	while (f->next_directive < t->n_directives && !(exact && has_text(f))) {
		const struct cpp_directive *d =
			&t->directives[f->next_directive++];

		walk->n_steps++;
		switch ((enum cpp_op)d->op) {
		case CPP_OP_DEFINE:
			cpp_macro_define_as(cpp, d->name, &t->defs[d->index]);
			continue;
		case CPP_OP_UNDEF:
			cpp_macro_undef(cpp, d->name);
			continue;
		case CPP_OP_IFDEF:
		case CPP_OP_IFNDEF:
		case CPP_OP_IF:
			enter_group(walk, f, (uint32_t)(d - t->directives));
			break;
		case CPP_OP_ELIF:
		case CPP_OP_ELIFDEF:
		case CPP_OP_ELIFNDEF:
		case CPP_OP_ELSE:
			leave_group(walk, f, (uint32_t)(d - t->directives));
			break;
		case CPP_OP_ENDIF:
			continue;
		default:
			f->line = d->line;
			run_directive_op(walk, f, d);
		}
		if (walk->reason || walk->lists->n_frame != depth)
			return;
	}
}

void cpp_walk_files(struct cpp_walk *walk)
{
	struct cpp_frame *f;

	while ((f = cpp_walk_top(walk)) && !walk->reason) {
		if (walk->n_steps > CPP_WALK_STEPS_MAX)
			cpp_walk_fail(walk, REASON_ENDLESS_INCLUDES, NULL);
		else if (f->next_directive < f->text->n_directives)
			cpp_walk_directives(walk, f);
		else
			walk->lists->n_frame--;
	}
}

void cpp_walk_apply_definitions(struct cpp_walk *walk, struct cpp_text *text)
{
	struct cpp_state *cpp = &walk->worker->state;

	for (uint32_t i = 0; i < text->n_directives; i++) {
		const struct cpp_directive *d = &text->directives[i];

		if (d->op == CPP_OP_DEFINE)
			cpp_macro_define(cpp, &text->defs[d->index]);
		else if (d->op == CPP_OP_UNDEF && d->name != WORD_NONE)
			cpp_macro_undef(cpp, d->name);
		else if (d->op == CPP_OP_UNSUPPORTED)
			cpp_walk_fail(walk, d->form, NULL);
		else
			cpp_walk_fail(walk, REASON_UNSUPPORTED_DEFINITION,
				      NULL);
	}
	if (text->has_slash_comments)
		cpp_walk_fail(walk, REASON_LINE_COMMENT, NULL);
	cpp_walk_add_marks(walk, text);
}

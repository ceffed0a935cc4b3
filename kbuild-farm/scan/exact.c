/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exact look at a unit: all text goes through the preprocessor, as the
 * compiler's own does it.  scan_exact_more() is where directives happen: text
 * asks for more when it is at its end, be it inside the arguments of a macro.
 */
#include "scan/exact.h"

#include "scan/assembly.h"
#include "scan/clang-name.h"
#include "scan/expand.h"
#include "scan/list.h"
#include "scan/pragma-options.h"
#include "scan/pragma.h"
#include "scan/walk.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const struct scan_full *frame_full(const struct scan_frame *f)
{
	return atomic_load_explicit(&f->text->full, memory_order_acquire);
}

/* The text before the next directive, if it was not given yet. */
static bool give(struct scan_walk *walk, struct scan_frame *f,
		 const struct scan_token **v, size_t *n)
{
	const struct scan_full *full = frame_full(f);
	struct scan_cpp *cpp = &walk->w->cpp;
	uint32_t from = full->from[f->pc];

	if (f->given == f->pc + 1)
		return false;
	f->given = f->pc + 1;
	*v = full->v + from;
	*n = full->from[f->pc + 1] - from;
	cpp->shift = f->shift;
	cpp->level = scan_walk_level(walk);
	return *n;
}

static bool directives(struct scan_walk *walk, bool inside,
		       const struct scan_token **v, size_t *n)
{
	struct scan_frame *f;

	while ((f = scan_walk_top(walk)) && !walk->why) {
		if (walk->steps > SCAN_WALK_STEPS_MAX)
			scan_walk_fail(walk, REASON_ENDLESS_INCLUDES, NULL);
		else if (give(walk, f, v, n))
			return true;
		else if (f->pc < f->text->n)
			scan_walk_step(walk, f);
		else if (inside)
			return false; /* Arguments end with their file. */
		else
			walk->l->n_frame--;
	}
	return false;
}

bool scan_exact_more(void *ctx, bool inside, const struct scan_token **v,
		     size_t *n)
{
	struct scan_worker *w = ctx;
	bool more;

	/* -imacros: names are not expanded, and that is no list of arguments */
	if (w->walk->mute && !w->walk->dialect->is_clang)
		inside = false;
	scan_cpp_exchange(&w->cpp, &w->aside);
	more = directives(w->walk, inside, v, n);
	scan_cpp_exchange(&w->cpp, &w->aside);
	return more;
}

/* ---------------------------------------------------------------- pragmas */

static void change_macro(struct scan_walk *walk, const struct scan_name *s,
			 bool push)
{
	size_t len;
	const char *name = scan_pragma_macro(s->s, s->len, &len);
	uint32_t id;

	if (!name) {
		scan_walk_fail(walk, REASON_PRAGMA, s->s);
		return;
	}
	id = scan_name_id(walk->w->common->names, name, len);
	if (push)
		scan_walk_push_macro(walk, id);
	else
		scan_walk_pop_macro(walk, id);
}

/*
 * Some pragmas are expanded by one compiler or the other, some when compiling
 * only.  What that changes is looked at here.
 */
static void expand_pragma(struct scan_walk *walk, const struct scan_name *s)
{
	struct scan_cpp *cpp = &walk->w->cpp;
	struct scan_tokens *t;
	unsigned counter = cpp->counter;

	t = scan_tokens_of(cpp->names, s->s, s->len, cpp->mode);
	scan_cpp_exchange(cpp, &walk->w->aside);
	scan_cpp_begin(cpp, t->v, t->n);
	cpp->run.text = true;
	cpp->run.depth = 1; /* _Pragma is but a name. */
	while (scan_cpp_next(cpp).kind != SCAN_TOK_END)
		;
	scan_cpp_exchange(cpp, &walk->w->aside);
	if (cpp->counter != counter)
		scan_walk_fail(walk, REASON_PRAGMA, s->s);
	free(t);
}

/* What else the compiler predefines from here on; clang knows none of them. */
static void change_options(struct scan_walk *walk, const struct scan_name *s)
{
	struct scan_text *changes;
	enum reason why = REASON_NONE;
	char *detail = NULL;

	if (walk->dialect->is_clang)
		return;
	/* These are preprocessed only, as each release of gcc does it. */
	if (walk->mute || (walk->line.mode & SCAN_ASM)) {
		scan_walk_fail(walk, REASON_PRAGMA_OPTIONS, s->s);
		return;
	}
	strv_add(&walk->options, s->s);
	changes = scan_dialect_options(walk->w->common->answers, walk->dialect,
				       walk->unit, &walk->line, &walk->options,
				       &why, &detail);
	scan_options_settle(&walk->options);
	if (changes)
		scan_walk_text(walk, changes);
	else
		scan_walk_fail(walk, why, detail);
	free(detail);
}

static void exact_pragma(struct scan_walk *walk, uint32_t id)
{
	const struct scan_name *s = scan_name(walk->w->common->names, id);
	struct scan_frame *f = scan_walk_top(walk);

	switch (scan_pragma(s->s, s->len)) {
	case SCAN_PRAGMA_ONCE:
		scan_walk_once(walk, f);
		break;
	case SCAN_PRAGMA_PUSH_MACRO:
		change_macro(walk, s, true);
		break;
	case SCAN_PRAGMA_POP_MACRO:
		change_macro(walk, s, false);
		break;
	case SCAN_PRAGMA_SYSTEM_HEADER:
		f->system |= f->index != 0;
		break;
	case SCAN_PRAGMA_OPTIONS:
		change_options(walk, s);
		break;
	case SCAN_PRAGMA_UNKNOWN:
		scan_walk_fail(walk, REASON_PRAGMA, s->s);
		break;
	case SCAN_PRAGMA_OTHER:
		expand_pragma(walk, s);
		scan_assembly_pragma(walk->assembly, s->s, s->len);
	}
}

/* #line 33 "gram.y" */
static void set_origin(struct scan_walk *walk, uint32_t id)
{
	const struct scan_name *s = scan_name(walk->w->common->names, id);
	struct scan_cpp *cpp = &walk->w->cpp;
	struct scan_frame *f = scan_walk_top(walk);
	uint32_t line = cpp->line - cpp->shift;
	const char *open = strchr(s->s, '"'), *close = strrchr(s->s, '"');

	f->shift = cpp->shift = (uint32_t)strtoul(s->s, NULL, 10) - line - 1;
	if (open && close > open)
		f->origin = scan_name_id(walk->w->common->names, open + 1,
					 (size_t)(close - open - 1));
}

void scan_exact_said(void *ctx, struct scan_token t)
{
	struct scan_worker *w = ctx;
	struct scan_walk *walk = w->walk;

	if (!scan_walk_top(walk))
		scan_walk_fail(walk, REASON_PRAGMA, NULL);
	else if (t.kind == SCAN_TOK_PRAGMA)
		exact_pragma(walk, t.id);
	else
		set_origin(walk, t.id);
	if (walk->why)
		scan_cpp_fail(&w->cpp, walk->why);
}

/* ------------------------------------------------------------------ names */

/* "OLD=NEW" of the last -fmacro-prefix-map that fits; NULL: none does. */
static const char *map_of(const struct scan_walk *walk, const char *path)
{
	const struct options_command *c = walk->unit->command;

	for (size_t i = c->n; i; i--) {
		const char *value = c->item[i - 1].value, *equals;

		if (!value ||
		    (!str_starts(c->item[i - 1].text, "-fmacro-prefix-map=") &&
		     !str_starts(c->item[i - 1].text, "-ffile-prefix-map=")))
			continue;
		equals = strchr(value, '=');
		if (equals && !strncmp(path, value, (size_t)(equals - value)))
			return value;
	}
	return NULL;
}

/* A string literal of a path, as the command line maps it. */
static uint32_t path_literal(struct scan_walk *walk, const char *dot,
			     const char *path)
{
	const char *map = map_of(walk, path);
	struct buf b = { 0 };
	uint32_t id;

	buf_add(&b, "\"", 1);
	buf_add_str(&b, dot);
	if (map) {
		path += strcspn(map, "=");
		buf_add_str(&b, strchr(map, '=') + 1);
	}
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			buf_add(&b, "\\", 1);
		buf_add(&b, path, 1);
	}
	buf_add(&b, "\"", 1);
	id = scan_name_id(walk->w->common->names, buf_str(&b), b.len);
	buf_release(&b);
	return id;
}

/* The file at hand, or what #line says that it is. */
static const char *file_of(const struct scan_walk *walk, bool *dotted)
{
	const struct scan_frame *f = scan_walk_top(walk);

	if (!f)
		return walk->line.source;
	if (f->origin)
		return scan_name(walk->w->common->names, f->origin)->s;
	return scan_clang_node(walk, f->node, dotted)->path;
}

uint32_t scan_exact_file(void *ctx, enum scan_word which)
{
	struct scan_worker *w = ctx;
	const char *path = w->walk->line.source;
	bool dotted = false;

	switch (which) {
	case WORD_DATE:
		return scan_name_id(w->common->names, "\"??? ?? ????\"", 13);
	case WORD_TIME:
		return scan_name_id(w->common->names, "\"??:??:??\"", 10);
	case WORD_TIMESTAMP:
		return scan_name_id(w->common->names,
				    "\"??? ??? ?? ??:??:?? ????\"", 26);
	case WORD_BASE_FILE:
		return path_literal(w->walk, "", path);
	case WORD_FILE_NAME:
		path = file_of(w->walk, &dotted);
		return path_literal(w->walk, "", str_base(path));
	default:
		path = file_of(w->walk, &dotted);
		return path_literal(w->walk, dotted ? "./" : "", path);
	}
}

/* ------------------------------------------------------------------- text */

/* What one unit's text for the assembler may take. */
#define ASSEMBLY_MAX ((size_t)64 << 20)

/* How many tokens may go by until memory is looked at again. */
#define UNWATCHED 65536

/* Names grow with each string that ## and # make. */
static void watch_memory(struct scan_walk *walk)
{
	if (walk->emitted++ % UNWATCHED)
		return;
	if (scan_names_memory(walk->w->common->names) > walk->memory_max ||
	    walk->assembly->text.len > ASSEMBLY_MAX)
		scan_walk_fail(walk, REASON_MEMORY, NULL);
}

static void emit_token(struct scan_walk *walk, struct scan_token t)
{
	const struct scan_output *out = walk->unit->output;
	const struct scan_name *s = scan_name(walk->w->common->names, t.id);

	watch_memory(walk);
	if (walk->mute)
		return;
	scan_assembly_token(walk->assembly, &t, s);
	if (out)
		out->token(out->ctx, s->s, s->len, t.flags & SCAN_TOK_FRESH);
}

void scan_exact_read(struct scan_walk *walk)
{
	struct scan_cpp *cpp = &walk->w->cpp;
	struct scan_token t;

	scan_cpp_begin_text(cpp);
	/* gcc reads past the text of -imacros, clang reads it. */
	if (walk->mute && !walk->dialect->is_clang)
		cpp->run.prevent++;
	while ((t = scan_cpp_next(cpp)).kind != SCAN_TOK_END) {
		emit_token(walk, t);
		if (walk->why)
			return;
		if (cpp->run.n_context > 1)
			continue;
		walk->steps += cpp->run.steps;
		cpp->run.steps = 0;
		arena_reset(&cpp->run.arena);
		if (walk->steps > SCAN_WALK_STEPS_MAX)
			scan_walk_fail(walk, REASON_ENDLESS_MACRO, NULL);
	}
	if (cpp->run.why)
		scan_walk_fail(walk, cpp->run.why, NULL);
}

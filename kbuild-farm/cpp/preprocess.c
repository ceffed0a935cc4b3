/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All text passes through macro expansion as in the compiler.
 *
 * Directives are executed in next_text(), which the expansion calls when it
 * reaches the directives after a run of text, even inside macro arguments.
 */
#include "cpp/preprocess.h"

#include "cpp/expand.h"
#include "cpp/include.h"
#include "cpp/inline-asm.h"
#include "cpp/pragma.h"
#include "cpp/walk.h"
#include "cpp/worker.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Return the text before the next directive unless it was returned before. */
static bool next_text_run(struct cpp_walk *walk, struct cpp_frame *f,
			  const struct cpp_token **v, size_t *n)
{
	const struct cpp_full_text *full = atomic_load_explicit(
		&f->text->full, memory_order_acquire);
	struct cpp_state *cpp = &walk->worker->state;
	uint32_t from = full->starts[f->next_directive];

	if (f->n_given == f->next_directive + 1)
		return false;
	f->n_given = f->next_directive + 1;
	*v = full->tokens + from;
	*n = full->starts[f->next_directive + 1] - from;
	cpp->line_offset = f->line_offset;
	cpp->include_level = cpp_walk_level(walk);
	return *n;
}

static bool next_file_text(struct cpp_walk *walk, bool inside,
			   const struct cpp_token **v, size_t *n)
{
	struct cpp_frame *f;

	while ((f = cpp_walk_top(walk)) && !walk->reason) {
		if (walk->n_steps > CPP_WALK_STEPS_MAX)
			cpp_walk_fail(walk, REASON_ENDLESS_INCLUDES, NULL);
		else if (next_text_run(walk, f, v, n))
			return true;
		else if (f->next_directive < f->text->n_directives)
			cpp_walk_directives(walk, f);
		else if (inside)
			return false; /* Macro arguments end with the file. */
		else
			walk->lists->n_frame--;
	}
	return false;
}

/*
 * Exchange the current expansion with the worker's other one, so that another
 * text can be expanded.  A second call restores it.
 */
static void swap_expansion(struct cpp_worker *w)
{
	struct cpp_expansion run = w->state.expansion;

	w->state.expansion = w->other_expansion;
	w->other_expansion = run;
}

/* Callback: get more text; see struct cpp_callbacks. */
static bool next_text(void *ctx, bool inside, const struct cpp_token **v,
		      size_t *n)
{
	struct cpp_worker *w = ctx;
	bool more;

	/*
	 * gcc does not expand names in the text of -imacros files, so this text
	 * is not part of macro arguments.  `inside` is true only because
	 * expansion is disabled.
	 */
	if (w->walk->in_imacros && !w->walk->dialect->is_clang)
		inside = false;
	swap_expansion(w);
	more = next_file_text(w->walk, inside, v, n);
	swap_expansion(w);
	return more;
}

static void change_macro(struct cpp_walk *walk, const struct cpp_name *s,
			 bool push)
{
	size_t len;
	const char *name = cpp_pragma_macro_name(s->s, s->len, &len);
	uint32_t id;

	if (!name) {
		cpp_walk_fail(walk, REASON_PRAGMA, s->s);
		return;
	}
	id = cpp_names_intern(walk->worker->shared->names, name, len);
	if (push)
		cpp_walk_push_macro(walk, id);
	else
		cpp_walk_pop_macro(walk, id);
}

/*
 * Expand a pragma for its side effects.
 *
 * Fail if it uses __COUNTER__: gcc and clang expand different pragmas, and some
 * only when they compile.
 */
static void expand_pragma(struct cpp_walk *walk, const struct cpp_name *s)
{
	struct cpp_state *cpp = &walk->worker->state;
	struct cpp_tokens *t;
	unsigned counter = cpp->counter;

	t = cpp_tokens_new(cpp->names, s->s, s->len, cpp->mode);
	swap_expansion(walk->worker);
	cpp_expand_begin(cpp, t->tokens, t->n_tokens);
	cpp->expansion.reads_text = true;
	cpp->expansion.depth = 1; /* _Pragma stays a name. */
	while (cpp_expand_next(cpp).kind != CPP_TOK_END)
		;
	swap_expansion(walk->worker);
	if (cpp->counter != counter)
		cpp_walk_fail(walk, REASON_PRAGMA, s->s);
	free(t);
}

/* Apply gcc's changes of predefined macros; clang has no such pragmas. */
static void change_options(struct cpp_walk *walk, const struct cpp_name *s)
{
	struct cpp_text *changes;
	enum reason why = REASON_NONE;
	char *detail = NULL;

	if (walk->dialect->is_clang)
		return;
	/*
	 * In text that is not compiled, the effect of the pragma depends on
	 * gcc's release, so the unit is not scannable.
	 */
	if (walk->in_imacros || (walk->cmdline.mode & CPP_MODE_ASM)) {
		cpp_walk_fail(walk, REASON_PRAGMA_OPTIONS, s->s);
		return;
	}
	strv_add(&walk->pragma_options, s->s);
	changes = cpp_driver_query_pragmas(
		walk->worker->shared->driver_cache, walk->dialect, walk->unit,
		&walk->cmdline, &walk->pragma_options, &why, &detail);
	cpp_pragma_options_prune(&walk->pragma_options);
	if (changes)
		cpp_walk_apply_definitions(walk, changes);
	else
		cpp_walk_fail(walk, why, detail);
	free(detail);
}

static void apply_pragma(struct cpp_walk *walk, uint32_t id)
{
	const struct cpp_name *s = cpp_names_get(walk->worker->shared->names,
						 id);
	struct cpp_frame *f = cpp_walk_top(walk);

	switch (cpp_pragma_classify(s->s, s->len)) {
	case CPP_PRAGMA_ONCE:
		cpp_walk_set_once(walk, f);
		break;
	case CPP_PRAGMA_PUSH_MACRO:
		change_macro(walk, s, true);
		break;
	case CPP_PRAGMA_POP_MACRO:
		change_macro(walk, s, false);
		break;
	case CPP_PRAGMA_SYSTEM_HEADER:
		f->system |= f->file_index != 0;
		break;
	case CPP_PRAGMA_OPTIONS:
		change_options(walk, s);
		break;
	case CPP_PRAGMA_UNKNOWN:
		cpp_walk_fail(walk, REASON_PRAGMA, s->s);
		break;
	case CPP_PRAGMA_OTHER:
		expand_pragma(walk, s);
		cpp_inline_asm_add_pragma(walk->inline_asm, s->s, s->len);
	}
}

/* Apply #line 33 "gram.y". */
static void apply_line_directive(struct cpp_walk *walk, uint32_t id)
{
	const struct cpp_name *s = cpp_names_get(walk->worker->shared->names,
						 id);
	struct cpp_state *cpp = &walk->worker->state;
	struct cpp_frame *f = cpp_walk_top(walk);
	uint32_t line = cpp->line - cpp->line_offset;
	const char *open = strchr(s->s, '"'), *close = strrchr(s->s, '"');

	f->line_offset = cpp->line_offset = (uint32_t)strtoul(s->s, NULL, 10) -
					    line - 1;
	if (open && close > open)
		f->line_file = cpp_names_intern(walk->worker->shared->names,
						open + 1,
						(size_t)(close - open - 1));
}

static void on_directive(void *ctx, struct cpp_token t)
{
	struct cpp_worker *w = ctx;
	struct cpp_walk *walk = w->walk;

	if (!cpp_walk_top(walk))
		cpp_walk_fail(walk, REASON_PRAGMA, NULL);
	else if (t.kind == CPP_TOK_PRAGMA)
		apply_pragma(walk, t.id);
	else
		apply_line_directive(walk, t.id);
	if (walk->reason)
		cpp_state_fail(&w->state, walk->reason);
}

/* Return "OLD=NEW" of the last matching -fmacro-prefix-map, or NULL. */
static const char *map_macro_prefix(const struct cpp_walk *walk,
				    const char *path)
{
	const struct options_command *c = walk->unit->command;

	for (size_t i = c->n_items; i; i--) {
		const char *value = c->items[i - 1].value, *equals;

		if (!value ||
		    (!str_starts(c->items[i - 1].text, "-fmacro-prefix-map=") &&
		     !str_starts(c->items[i - 1].text, "-ffile-prefix-map=")))
			continue;
		equals = strchr(value, '=');
		if (equals && !strncmp(path, value, (size_t)(equals - value)))
			return value;
	}
	return NULL;
}

/* Return a string literal of a path with prefix maps applied. */
static uint32_t path_literal(struct cpp_walk *walk, const char *dot,
			     const char *path)
{
	const char *map = map_macro_prefix(walk, path);
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
	id = cpp_names_intern(walk->worker->shared->names, buf_str(&b), b.len);
	buf_release(&b);
	return id;
}

/* Return the path of the current file, or the path that #line set. */
static const char *file_macro_path(const struct cpp_walk *walk, bool *dotted)
{
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (!f)
		return walk->cmdline.source;
	if (f->line_file)
		return cpp_names_get(walk->worker->shared->names, f->line_file)
			->s;
	return cpp_clang_name_file(walk, f->file, dotted)->path;
}

static uint32_t file_macro(void *ctx, enum cpp_word which)
{
	struct cpp_worker *w = ctx;
	const char *path = w->walk->cmdline.source;
	bool dotted = false;

	switch (which) {
	case WORD_DATE:
		return cpp_names_intern(w->shared->names, "\"??? ?? ????\"",
					13);
	case WORD_TIME:
		return cpp_names_intern(w->shared->names, "\"??:??:??\"", 10);
	case WORD_TIMESTAMP:
		return cpp_names_intern(w->shared->names,
					"\"??? ??? ?? ??:??:?? ????\"", 26);
	case WORD_BASE_FILE:
		return path_literal(w->walk, "", path);
	case WORD_FILE_NAME:
		path = file_macro_path(w->walk, &dotted);
		return path_literal(w->walk, "", str_base(path));
	default:
		path = file_macro_path(w->walk, &dotted);
		return path_literal(w->walk, dotted ? "./" : "", path);
	}
}

/* Limit of one unit's assembler text. */
#define ASSEMBLY_MAX ((size_t)64 << 20)

/* Tokens between two checks of the memory limit. */
#define MEMORY_CHECK_TOKENS 65536

void cpp_preprocess_set_callbacks(struct cpp_callbacks *c)
{
	c->next_text = next_text;
	c->on_directive = on_directive;
	c->file_macro = file_macro;
}

void cpp_preprocess_walk(struct cpp_walk *walk)
{
	const struct cpp_output *out = walk->unit->output;
	const struct cpp_names *names = walk->worker->shared->names;
	struct cpp_state *cpp = &walk->worker->state;
	struct cpp_token t;

	cpp_expand_begin_text(cpp);
	/* gcc skips the text of -imacros; clang expands it. */
	if (walk->in_imacros && !walk->dialect->is_clang)
		cpp->expansion.prevent++;
	while ((t = cpp_expand_next(cpp)).kind != CPP_TOK_END) {
		const struct cpp_name *s = cpp_names_get(names, t.id);

		/* Memory grows because ## and # add strings to the names. */
		if (walk->n_emitted++ % MEMORY_CHECK_TOKENS == 0 &&
		    (cpp_names_memory(walk->worker->shared->names) >
			     walk->max_memory_bytes ||
		     walk->inline_asm->text.len > ASSEMBLY_MAX))
			cpp_walk_fail(walk, REASON_MEMORY, NULL);
		if (!walk->in_imacros) {
			cpp_inline_asm_add_token(walk->inline_asm, &t, s);
			if (out)
				out->on_token(out->ctx, s->s, s->len,
					      t.flags & CPP_FLAG_LINE_START);
		}
		if (walk->reason)
			return;
		if (cpp->expansion.n_contexts > 1)
			continue;
		walk->n_steps += cpp->expansion.n_steps;
		cpp->expansion.n_steps = 0;
		arena_reset(&cpp->expansion.arena);
		if (walk->n_steps > CPP_WALK_STEPS_MAX)
			cpp_walk_fail(walk, REASON_ENDLESS_MACRO, NULL);
	}
	if (cpp->expansion.reason)
		cpp_walk_fail(walk, cpp->expansion.reason, NULL);
}
